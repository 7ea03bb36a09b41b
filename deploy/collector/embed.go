// Package collector carries the OpenTelemetry Collector's configuration files,
// so that the lab's embedded Collector and the one in Docker Compose run from
// the same text. Start with base.yaml, which explains how the files combine.
package collector

import "embed"

// Files holds base.yaml, redaction.yaml, one file for each destination, and the
// variants.
//
//go:embed *.yaml
var Files embed.FS
