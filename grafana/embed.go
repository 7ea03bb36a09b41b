// Package grafana carries the provisioning and the dashboards of Grafana, for the tests that check
// them.
package grafana

import "embed"

// Files holds provisioning/ and dashboards/.
//
//go:embed provisioning dashboards
var Files embed.FS
