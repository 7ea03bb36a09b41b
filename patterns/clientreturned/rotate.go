package clientreturned

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Every link says why it is there. No semantic convention names such an
// attribute, so the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey      = attribute.Key("shop.link.type")
	LinkPreviousTurn = "previous_turn"
	LinkOrigin       = "origin"
)

// Links returns the links of a turn that begins a trace because of [ErrRotate]:
// previous_turn to sc, what the client returned, and origin to turn 1. Give them
// to the span at its start if you start it yourself: a sampler does not see a link
// that is added later.
func (c Claims) Links(sc trace.SpanContext) []trace.Link {
	first := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(c.origin[:16]), SpanID: trace.SpanID(c.origin[16:]),
		TraceFlags: sc.TraceFlags(), Remote: true,
	})
	return []trace.Link{
		link(sc.WithTraceState(trace.TraceState{}), LinkPreviousTurn), link(first, LinkOrigin),
	}
}

func link(sc trace.SpanContext, kind string) trace.Link {
	return trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{LinkTypeKey.String(kind)}}
}

// Rotated returns what a turn that begins a trace because of [ErrRotate] gives to
// Sign: the count goes on, and the trace has its turns and its time before it.
func (c Claims) Rotated() Claims {
	return Claims{Turn: c.Turn, first: c.Turn + 1, origin: c.origin}
}
