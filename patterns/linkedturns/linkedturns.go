// Package linkedturns gives every turn of a long process a trace of its own, and
// ties the traces together with links.
//
// # Problem
//
// A backorder takes days. As one trace it would be cut: backends close a trace
// that stays idle, cap its size and keep it only so long. As unrelated traces it
// could not be followed.
//
// # Use
//
// Keep a [Chain] with the state of the process, in any carrier that can hold
// five strings: a database row, a Redis hash, a job's payload. When a turn
// arrives, [Extract] the chain, start a new root with [Chain.Links] as its
// links, and store [Chain.Next] of that span with [Chain.Inject]. Put the stable
// id of the process on every such span, as an attribute: no backend follows a
// link backwards, but all can search. After an error from Extract start a new
// chain and go on; the id still finds what came before.
//
// # Don't use
//
// For a few requests within minutes: one trace shows their order and their gaps,
// links do not. A carrier that strangers can write to must be signed: a link to
// any trace they like is theirs to make. Turns that run at the same time extract
// the same chain, so carry the same number, and the last one to inject is the
// only one that the next turn links to.
//
// # Spec
//
// OpenTelemetry Trace API, "Link"; links are given at the start of the span,
// because samplers see no others. Contexts are kept as the strings of W3C Trace
// Context, 3.2 traceparent and 3.3 tracestate; the names of the fields, with
// "origin-" and "previous-" in front, are this package's own.
package linkedturns

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Every link says why it is there. No semantic convention names such an
// attribute, so the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey      = attribute.Key("shop.link.type")
	LinkPreviousTurn = "previous_turn"
	LinkOrigin       = "origin"
)

// The fields of the carrier: four with the values of W3C headers, and the number
// of the last turn in decimal.
const (
	OriginTraceparent   = "origin-traceparent"
	OriginTracestate    = "origin-tracestate"
	PreviousTraceparent = "previous-traceparent"
	PreviousTracestate  = "previous-tracestate"
	TurnNumber          = "turn"
)

// ErrMalformed is wrapped by every error of Extract.
var ErrMalformed = errors.New("malformed chain of turns")

// A Chain is what a turn knows of the turns before it. The zero Chain is that of
// a first turn.
type Chain struct {
	Origin   trace.SpanContext // the root span of turn 1
	Previous trace.SpanContext // the root span of the last turn
	Turn     int               // the number of the last turn, from 1
}

// Extract reads a chain from carrier: the zero Chain if none of its fields is
// there. If they are there and cannot be read, it returns the zero Chain and an
// error that wraps ErrMalformed and names the field. An unreadable tracestate is
// dropped, as W3C Trace Context demands.
func Extract(carrier propagation.TextMapCarrier) (Chain, error) {
	origin, previous := carrier.Get(OriginTraceparent), carrier.Get(PreviousTraceparent)
	turn := carrier.Get(TurnNumber)
	if origin == "" && previous == "" && turn == "" {
		return Chain{}, nil
	}
	c := Chain{
		Origin:   extract(origin, carrier.Get(OriginTracestate)),
		Previous: extract(previous, carrier.Get(PreviousTracestate)),
	}
	if !c.Origin.IsValid() {
		return malformed(OriginTraceparent, origin)
	}
	if !c.Previous.IsValid() {
		return malformed(PreviousTraceparent, previous)
	}
	var err error
	if c.Turn, err = strconv.Atoi(turn); err != nil || c.Turn < 1 {
		return malformed(TurnNumber, turn)
	}
	return c, nil
}

func malformed(field, value string) (Chain, error) {
	return Chain{}, fmt.Errorf("linkedturns: field %s is %.60q: %w", field, value, ErrMalformed)
}

// Inject writes c into carrier: all five fields, empty ones too, so that no part
// of an older chain survives. The zero Chain writes nothing.
func (c Chain) Inject(carrier propagation.TextMapCarrier) {
	if c.Turn == 0 {
		return
	}
	parent, state := inject(c.Origin)
	carrier.Set(OriginTraceparent, parent)
	carrier.Set(OriginTracestate, state)
	parent, state = inject(c.Previous)
	carrier.Set(PreviousTraceparent, parent)
	carrier.Set(PreviousTracestate, state)
	carrier.Set(TurnNumber, strconv.Itoa(c.Turn))
}

// Links returns the links of the turn that arrives: none for the first one, then
// always both, previous_turn and origin. In turn 2 they have the same target;
// that they are both there lets one query by type find every turn of a process.
func (c Chain) Links() []trace.Link {
	if c.Turn == 0 {
		return nil
	}
	return []trace.Link{link(c.Previous, LinkPreviousTurn), link(c.Origin, LinkOrigin)}
}

// Next returns the chain after the turn whose root span has the context sc. An
// sc that is not valid, as with tracing switched off, leaves the chain as it is.
func (c Chain) Next(sc trace.SpanContext) Chain {
	if !sc.IsValid() {
		return c
	}
	if c.Turn == 0 {
		c.Origin = sc
	}
	return Chain{Origin: c.Origin, Previous: sc, Turn: c.Turn + 1}
}

func link(sc trace.SpanContext, kind string) trace.Link {
	return trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{LinkTypeKey.String(kind)}}
}

// Both use a bare context: the span that is running now has no part in this.

func extract(parent, state string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{
		"traceparent": parent, "tracestate": state,
	})
	return trace.SpanContextFromContext(ctx)
}

func inject(sc trace.SpanContext) (parent, state string) {
	w3c := propagation.MapCarrier{}
	ctx := trace.ContextWithSpanContext(context.Background(), sc)
	propagation.TraceContext{}.Inject(ctx, w3c)
	return w3c["traceparent"], w3c["tracestate"]
}
