// Package collector carries the OpenTelemetry Collector's configuration files,
// so that the lab's embedded Collector and the one in Docker Compose run from
// the same text. Start with base.yaml, which explains how the files combine.
package collector

import "embed"

// Files holds base.yaml and one file for each destination: lab.yaml,
// jaeger.yaml and tempo.yaml.
//
//go:embed *.yaml
var Files embed.FS
