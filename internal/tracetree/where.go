package tracetree

import (
	"fmt"
	"slices"
	"strings"
)

// Where returns every place of the journey that holds s as a part of its text: names, status
// messages, tracestates, keys and values of resources, scopes, spans, events and links, and the bodies and attributes
// of log records. It is for proving that a secret is nowhere, so it does not repeat s.
func (j Journey) Where(s string) []string {
	w := &where{needle: s}
	for i := range j.Spans {
		w.span(&j.Spans[i])
	}
	for _, l := range j.Logs {
		at := fmt.Sprintf("%s %s log", l.Service, l.Severity)
		w.text(at+" body", l.Body)
		w.text(at+" service", l.Service)
		w.attributes(at, l.Attributes)
	}
	return w.found
}

type where struct {
	needle string
	found  []string
}

func (w *where) text(place, text string) {
	if w.needle != "" && strings.Contains(text, w.needle) {
		w.found = append(w.found, strings.ReplaceAll(place, w.needle, "(it)"))
	}
}

func (w *where) span(s *Span) {
	at := s.Service + " " + s.Kind + " " + s.Name
	w.text(at+": name", s.Name)
	w.text(at+": service", s.Service)
	w.text(at+": scope", s.Scope)
	w.text(at+": scope version", s.ScopeVersion)
	w.attributes(at+": scope", s.ScopeAttributes)
	w.attributes(at+": resource", s.Resource)
	w.text(at+": status message", s.StatusMessage)
	w.text(at+": tracestate", s.TraceState)
	w.attributes(at, s.Attributes)
	for _, e := range s.Events {
		w.text(at+": event name", e.Name)
		w.attributes(at+": event "+e.Name, e.Attributes)
	}
	for _, l := range s.Links {
		w.text(at+": link tracestate", l.TraceState)
		w.attributes(at+": link", l.Attributes)
	}
}

func (w *where) attributes(at string, attributes map[string]any) {
	keys := make([]string, 0, len(attributes))
	for key := range attributes {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		w.text(at+": key "+key, key)
		w.value(at+": attribute "+key, attributes[key])
	}
}

// value looks inside lists and maps, where JSON would escape what is searched for.
func (w *where) value(at string, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			w.value(at, e)
		}
	case map[string]any:
		w.attributes(at, v)
	case []byte:
		w.text(at, string(v))
	default:
		w.text(at, ValueText(v))
	}
}
