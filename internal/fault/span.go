package fault

import (
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// WithoutLinks returns the span as an exporter, or a backend, sees it that knows no links.
func WithoutLinks(span sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan { return unlinked{span} }

type unlinked struct{ sdktrace.ReadOnlySpan }

func (s unlinked) Links() []sdktrace.Link { return nil }

// Shift returns an editor that moves a span in time, as a wrong clock does.
func Shift(by time.Duration) func(sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	return func(span sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
		return shifted{ReadOnlySpan: span, by: by}
	}
}

type shifted struct {
	sdktrace.ReadOnlySpan
	by time.Duration
}

func (s shifted) StartTime() time.Time { return s.ReadOnlySpan.StartTime().Add(s.by) }
func (s shifted) EndTime() time.Time   { return s.ReadOnlySpan.EndTime().Add(s.by) }

func (s shifted) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Time = events[i].Time.Add(s.by)
	}
	return events
}
