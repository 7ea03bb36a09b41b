// Package scenarios holds the claims that this project makes about traces, one text file each, so
// that programs can carry them along. The manual of their format is the documentation of
// internal/scenario. Those under broken/ show the classic mistakes and what they look like.
package scenarios

import "embed"

// FS holds all scenarios.
//
//go:embed *.txtar broken/*.txtar
var FS embed.FS
