// Package events records moments: things that happen at a point in time, inside a
// span.
//
// # Problem
//
// A cache misses, a price is overridden by hand, a retry backs off. A span for
// each has no duration and no children, and doubles the count; an attribute can
// say that it happened, but not when, nor twice.
//
// # Use
//
// [Moment.AddTo] adds the moment to a span, where it appears on the time line:
//
//	Moment{Name: "shop.cache.miss", Attributes: attrs}.AddTo(trace.SpanFromContext(ctx))
//
// The API is on its way from there: OpenTelemetry is deprecating span events, in
// favor of log records that have an event name and the context of the span. In Go
// AddEvent is still there and backends still draw it; [Moment.Emit] is the same
// moment in the new form. It is stored also when the span is not sampled, and
// arrives at once, not when the span ends. Choose one of them per moment.
//
// # Don't use
//
// For what takes time (a span), for what is true of the whole span (an
// attribute), for errors (status, error.type and one log record), for counting (a
// metric). A span keeps 128 events by default; a loop must sum up.
//
// # Spec
//
// OpenTelemetry Trace API, "Add Events"; Logs Data Model, "Field: EventName";
// semantic conventions v1.43.0, "Events" (an event name identifies the attributes
// that may be there, so it holds no values itself); OTEP 4430, "Span Event API
// deprecation plan".
package events

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// Moment is something that happened.
type Moment struct {
	Name       string    // of a few, in your own namespace, such as shop.price.overridden
	Time       time.Time // the zero value is now
	Attributes []attribute.KeyValue
}

// AddTo adds the moment to span. It does nothing if span has ended or does not
// record.
func (m Moment) AddTo(span trace.Span) {
	options := []trace.EventOption{trace.WithAttributes(m.Attributes...)}
	if !m.Time.IsZero() {
		options = append(options, trace.WithTimestamp(m.Time))
	}
	span.AddEvent(m.Name, options...)
}

// Emit writes the moment as a log record of severity INFO. The span in ctx is the
// one it belongs to, and if there is none the record stands for itself.
func (m Moment) Emit(ctx context.Context, logger log.Logger) {
	if !logger.Enabled(ctx, log.EnabledParameters{
		Severity: log.SeverityInfo, EventName: m.Name}) {
		return
	}
	at := m.Time
	if at.IsZero() {
		at = time.Now()
	}
	var record log.Record
	record.SetEventName(m.Name)
	record.SetTimestamp(at)
	record.SetSeverity(log.SeverityInfo)
	record.SetSeverityText("INFO")
	record.AddAttributes(m.Attributes...)
	logger.Emit(ctx, record)
}
