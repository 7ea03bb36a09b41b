package score

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Scorer collects telemetry. The zero value is ready; it is not for use by
// several goroutines. It keeps some 200 bytes a span.
type Scorer struct {
	services  map[string]*service
	resources []resource
	seen      map[string]bool // resources, by their text
	spans     []span
	misplaced map[place]int
	metrics   map[string]*metric
	debug     map[string]interval
	unset     map[string]int // log records without a severity number
}

type service struct {
	spans, logs int
	metrics     map[string]bool
}

type resource struct {
	service    string
	attributes map[string]string
}

// String tells a resource by what identifies it.
func (r resource) String() string {
	var parts []string
	for _, key := range []string{"service.name", "service.instance.id", "k8s.pod.name", "host.name"} {
		if v := r.attributes[key]; v != "" {
			parts = append(parts, key+"="+v)
		}
	}
	if len(parts) == 0 {
		return "without service.name and service.instance.id"
	}
	return strings.Join(parts, " ")
}

// place is an attribute where it should not be.
type place struct{ service, key, level string }

// resource notes a resource and returns the name of its service.
func (s *Scorer) resource(from pcommon.Resource) string {
	r := resource{attributes: make(map[string]string, from.Attributes().Len())}
	for key, value := range from.Attributes().All() {
		r.attributes[key] = value.AsString()
	}
	r.service = r.attributes["service.name"]
	if s.services == nil {
		s.services, s.seen = make(map[string]*service), make(map[string]bool)
		s.misplaced = make(map[place]int)
	}
	if s.services[r.service] == nil {
		s.services[r.service] = &service{metrics: make(map[string]bool)}
	}
	text := fmt.Sprint(r.attributes) // sorted by key
	if s.seen[text] {
		return r.service
	}
	s.seen[text] = true
	s.resources = append(s.resources, r)
	for key := range r.attributes {
		if home := levelOf(key); home == "other" {
			s.misplaced[place{r.service, key, "resource"}]++
		}
	}
	return r.service
}

// notResource notes attributes of a span or log record that belong to a resource.
func (s *Scorer) notResource(service, level string, attributes pcommon.Map) {
	for key := range attributes.All() {
		if levelOf(key) == "resource" {
			s.misplaced[place{service, key, level}]++
		}
	}
}

// keys says where the semantic conventions use each attribute, one a line:
// "resource KEY" (only in entities), "other KEY" (only in spans, events and
// metrics), "any KEY" (both, or not said). From the model files of release 1.43.0.
//
//go:embed attributes.txt
var keys string

// levelOf returns resource, other or any, and "" for what is no convention.
func levelOf(key string) string {
	lines := table()
	i, ok := slices.BinarySearchFunc(lines, key, func(l [2]string, key string) int {
		return strings.Compare(l[1], key)
	})
	if !ok {
		return ""
	}
	return lines[i][0]
}

// table returns the lines of keys, by key.
var table = sync.OnceValue(func() [][2]string { //nolint:gochecknoglobals // read once
	var lines [][2]string
	for line := range strings.Lines(keys) {
		level, key, _ := strings.Cut(strings.TrimSpace(line), " ")
		lines = append(lines, [2]string{level, key})
	}
	return lines
})
