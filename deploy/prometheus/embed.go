// Package prometheus carries the configuration and the alert rules of Prometheus, for the tests
// that check them.
package prometheus

import "embed"

// Files holds prometheus.yml and rules.yml.
//
//go:embed *.yml
var Files embed.FS
