package redact

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// Propagator returns a propagator that extracts as next does, from a tracestate and
// a baggage without the members that hold a secret. What is left out here is in no
// span, in no message and in no call that follows. It injects as next does.
func (r *Redactor) Propagator(next propagation.TextMapPropagator) propagation.TextMapPropagator {
	return propagator{TextMapPropagator: next, r: r}
}

type propagator struct {
	propagation.TextMapPropagator
	r *Redactor
}

func (p propagator) Extract(
	ctx context.Context, carrier propagation.TextMapCarrier,
) context.Context {
	return p.TextMapPropagator.Extract(ctx, clean{TextMapCarrier: carrier, r: p.r})
}

// clean is a carrier of which two fields are read without some of their members.
type clean struct {
	propagation.TextMapCarrier
	r *Redactor
}

func (c clean) Get(key string) string { return c.r.field(key, c.TextMapCarrier.Get(key)) }

// Values is for propagators that read a field which is there more than once.
func (c clean) Values(key string) []string {
	var values []string
	if all, ok := c.TextMapCarrier.(propagation.ValuesGetter); ok {
		values = all.Values(key)
	} else if value := c.TextMapCarrier.Get(key); value != "" {
		values = []string{value}
	}
	out := make([]string, 0, len(values))
	for _, value := range values {
		out = append(out, c.r.field(key, value))
	}
	return out
}

func (r *Redactor) field(key, value string) string {
	if value != "" && (strings.EqualFold(key, "tracestate") || strings.EqualFold(key, "baggage")) {
		return r.Members(value)
	}
	return value
}

// Members returns a tracestate or baggage header (W3C Trace Context, 3.3; W3C Baggage,
// 3.3) without the members that hold a secret. A list without any stays as it is.
func (r *Redactor) Members(list string) string {
	members := strings.Split(list, ",")
	kept := members[:0]
	for _, member := range members {
		key, value, _ := strings.Cut(member, "=")
		if !r.dirtyMember(strings.TrimSpace(key), value) {
			kept = append(kept, member)
		}
	}
	if len(kept) == cap(members) {
		return list
	}
	return strings.Join(kept, ",")
}

// dirtyMember judges a member. What replaces a secret may not be valid there, so that
// the whole member goes.
func (r *Redactor) dirtyMember(key, value string) bool {
	return r.secret(key) || r.Text(key) != key || r.Text(value) != value
}
