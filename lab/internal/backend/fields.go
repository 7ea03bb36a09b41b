package backend

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"example.com/throughline/internal/tracetree"
)

// field is one thing that is known of a span. Name is what a rule calls it; Key tells apart those
// that come more than once.
type field struct {
	name, key string
	value     any
}

// word is a value that needs no quotes: it is no attribute's, and of a known form.
type word string

// fields lists all that a span says, except its own ids.
func fields(s *tracetree.Span) []field {
	list := []field{
		{"parent", "", word(s.ParentID)},
		{"flags", "", flags(s)},
		{"service", "", s.Service},
		{"instance", "", s.Instance},
		{"scope", "", s.Scope},
		{"scope version", "", s.ScopeVersion},
		{"kind", "", word(s.Kind)},
		{"name", "", s.Name},
		{"tracestate", "", s.TraceState},
		{"start", "", moment(s.Start)},
		{"end", "", moment(s.End)},
		{"status", "", word(s.Status)},
		{"status message", "", s.StatusMessage},
	}
	list = append(list, attributes("attribute", "", s.Attributes)...)
	list = append(list, attributes("scope attribute", "", s.ScopeAttributes)...)
	for _, f := range attributes("resource attribute", "", s.Resource) {
		if f.key != "service.name" && f.key != "service.instance.id" { // told above
			list = append(list, f)
		}
	}
	for i, e := range s.Events {
		at := strconv.Itoa(i) + " "
		list = append(list, field{"event", at, e.Name}, field{"event time", at, moment(e.Time)})
		list = append(list, attributes("event attribute", at, e.Attributes)...)
	}
	for i, l := range s.Links {
		at := strconv.Itoa(i) + " "
		list = append(list, field{"link", at, word(l.TraceID + "/" + l.SpanID)},
			field{"link tracestate", at, l.TraceState})
		list = append(list, attributes("link attribute", at, l.Attributes)...)
	}
	return list
}

func attributes(name, at string, values map[string]any) []field {
	var list []field
	for key, value := range values {
		list = append(list, field{name, at + key, value})
	}
	return list
}

// flags joins what OTLP keeps in the one field flags: the W3C trace flags, and whether the
// parent is remote.
func flags(s *tracetree.Span) word {
	text := fmt.Sprintf("%02x", s.Flags)
	if s.ParentRemote {
		text += " remote parent"
	}
	return word(text)
}

func moment(t time.Time) word { return word(t.UTC().Format(time.RFC3339Nano)) }

// same compares values strictly, except for what JSON does not keep apart. Spans that come from a
// running lab have passed through it: their numbers are json.Number, and byte strings base64.
func same(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		return sameNumber(x, b)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for key := range x {
			if other, ok := y[key]; !ok || !same(x[key], other) {
				return false
			}
		}
		return true
	case string:
		if y, ok := b.([]byte); ok {
			return x == tracetree.ValueText(y)
		}
	}
	return reflect.DeepEqual(a, b)
}

func sameNumber(n json.Number, v any) bool {
	switch v := v.(type) {
	case int64:
		i, err := n.Int64()
		return err == nil && i == v
	case float64:
		f, err := n.Float64()
		return err == nil && f == v
	}
	return reflect.DeepEqual(n, v)
}

// text writes a value so that a string never looks like a number.
func text(v any) string {
	switch v := v.(type) {
	case word:
		if v == "" {
			return "none"
		}
		return string(v)
	case string:
		return strconv.Quote(v)
	case float64:
		if s := tracetree.ValueText(v); strings.ContainsAny(s, ".eIN") {
			return s
		}
		return tracetree.ValueText(v) + ".0"
	case []byte:
		return "bytes " + tracetree.ValueText(v)
	}
	return tracetree.ValueText(v)
}
