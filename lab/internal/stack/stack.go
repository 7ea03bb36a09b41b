// Package stack reads deploy/docker-compose.yml, for the tests that hold it to what the documents
// say of it. They need no Docker: [Read] understands what the file uses.
package stack

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is a Compose file.
type File struct {
	Services map[string]Service `yaml:"services"`
}

// Service is what the tests look at.
type Service struct {
	Image       string         `yaml:"image"`
	Build       map[string]any `yaml:"build"`
	Profiles    []string       `yaml:"profiles"`
	MemLimit    Bytes          `yaml:"mem_limit"`
	Ports       []string       `yaml:"ports"`
	Networks    []string       `yaml:"networks"`
	DependsOn   any            `yaml:"depends_on"`
	Restart     string         `yaml:"restart"`
	ReadOnly    bool           `yaml:"read_only"`
	User        string         `yaml:"user"`
	CapDrop     []string       `yaml:"cap_drop"`
	CapAdd      []string       `yaml:"cap_add"`
	SecurityOpt []string       `yaml:"security_opt"`
	Privileged  bool           `yaml:"privileged"`
	Command     any            `yaml:"command"`
	HealthCheck *struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

// Bytes is a size such as 64m.
type Bytes int64

// UnmarshalYAML reads a number with the unit m, for MiB: the only one in use.
func (b *Bytes) UnmarshalYAML(node *yaml.Node) error {
	number, found := strings.CutSuffix(node.Value, "m")
	n, err := strconv.ParseInt(number, 10, 32)
	if !found || err != nil || n <= 0 {
		return fmt.Errorf("line %d: size %q: want a number of MiB like 64m", node.Line, node.Value)
	}
	*b = Bytes(n) << 20
	return nil
}

// MiB is the size in units of 2^20 bytes.
func (b Bytes) MiB() int { return int(b >> 20) }

// Read parses a Compose file, with its anchors and merges. Variables stay as they are.
func Read(path string) (File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	var f File
	if err := yaml.Unmarshal(text, &f); err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Core says whether a service runs without any profile.
func (s Service) Core() bool { return len(s.Profiles) == 0 }

// Sum adds up the memory limits of the services that want says yes to.
func (f File) Sum(want func(Service) bool) int {
	sum := 0
	for _, s := range f.Services {
		if want(s) {
			sum += s.MemLimit.MiB()
		}
	}
	return sum
}
