// Package spancontextpayload carries a span context as fields of a JSON payload,
// for boundaries that have a body and no headers.
//
// # Problem
//
// A queue that only knows bodies, a file, a row with a JSON column, a partner's
// envelope: there is nowhere to put a header. Strings made by hand drift apart
// (upper case, decimal flags, no tracestate), and one malformed id must not cost
// the message that it came with.
//
// # Use
//
// Make [SpanContext] a field of the payload. The sender fills it with [Encode],
// from the ctx of its PRODUCER or CLIENT span. The receiver calls [Context] and
// starts its span in what it returns, whatever the error; the error is for a log
// record:
//
//	ctx, err := spancontextpayload.Context(ctx, message.Trace)
//	if err != nil {
//		logger.WarnContext(ctx, "starting a root", "error", err)
//	}
//	ctx, span := tracer.Start(ctx, "process message")
//
// # Don't use
//
// Where there are headers or attributes: every propagator and every proxy knows
// those. In payloads that are signed or compared, unless the context belongs
// there; in payloads from strangers, whose trace you would continue. Baggage is
// not carried.
//
// # Spec
//
// Field names and forms: OpenTelemetry, "Trace Context in non-OTLP Log Formats"
// (trace_id, span_id, trace_flags: 32, 16 and 2 lower-case hexadecimal digits);
// trace_state as in W3C Trace Context, 3.3.
package spancontextpayload

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/trace"
)

// ErrMalformed is wrapped by every error of this package.
var ErrMalformed = errors.New("malformed span context in payload")

// maxTraceState is in bytes. W3C Trace Context asks for at least 512.
const maxTraceState = 4096

// SpanContext is the JSON form of a span context. The zero value is none, and
// with omitzero it is left out of the payload.
type SpanContext struct {
	TraceID    string `json:"trace_id"`
	SpanID     string `json:"span_id"`
	TraceFlags string `json:"trace_flags"`
	TraceState string `json:"trace_state,omitempty"`

	unreadable bool
}

// UnmarshalJSON reads what it can and never fails: a context of the wrong shape
// is malformed for [SpanContext.Decode], and no reason to refuse the payload.
func (p *SpanContext) UnmarshalJSON(data []byte) error {
	type fields SpanContext // without this method
	var in fields
	*p = SpanContext{unreadable: json.Unmarshal(data, &in) != nil}
	if !p.unreadable {
		*p = SpanContext(in)
	}
	return nil
}

// Encode returns the payload form of the span context in ctx, the zero value if
// there is none.
func Encode(ctx context.Context) SpanContext {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return SpanContext{}
	}
	return SpanContext{
		TraceID:    sc.TraceID().String(),
		SpanID:     sc.SpanID().String(),
		TraceFlags: (sc.TraceFlags() & known()).String(),
		TraceState: sc.TraceState().String(),
	}
}

// Decode returns p as a remote span context. None is no error: it returns one
// that is not valid. Flags that no standard defines are dropped, and so is a
// tracestate that cannot be read, as W3C Trace Context demands.
func (p SpanContext) Decode() (trace.SpanContext, error) {
	switch {
	case p.unreadable:
		return trace.SpanContext{}, fmt.Errorf("%w: want an object of strings", ErrMalformed)
	case p == SpanContext{}:
		return trace.SpanContext{}, nil
	}
	traceID, err := trace.TraceIDFromHex(p.TraceID)
	if err != nil {
		return trace.SpanContext{}, malformed("trace_id", p.TraceID, 32)
	}
	spanID, err := trace.SpanIDFromHex(p.SpanID)
	if err != nil {
		return trace.SpanContext{}, malformed("span_id", p.SpanID, 16)
	}
	flags, err := hex.DecodeString(p.TraceFlags)
	if err != nil || len(flags) != 1 || hex.EncodeToString(flags) != p.TraceFlags {
		return trace.SpanContext{}, malformed("trace_flags", p.TraceFlags, 2)
	}
	var state trace.TraceState
	if len(p.TraceState) <= maxTraceState {
		state, _ = trace.ParseTraceState(p.TraceState)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceState: state, Remote: true,
		TraceFlags: trace.TraceFlags(flags[0]) & known(),
	}), nil
}

// Context returns ctx with the remote parent that p names. If it names none, or
// is malformed, it returns ctx without any span, so that what starts is a root
// and not a child of the loop that read the message.
func Context(ctx context.Context, p SpanContext) (context.Context, error) {
	sc, err := p.Decode()
	return trace.ContextWithSpanContext(ctx, sc), err
}

func known() trace.TraceFlags { return trace.FlagsSampled | trace.FlagsRandom }

func malformed(field, value string, digits int) error {
	return fmt.Errorf("%w: %s is %.40q, want %d lower-case hexadecimal digits, for an id not all 0",
		ErrMalformed, field, value, digits)
}
