package redact

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Spans returns an exporter that hands next spans of which name, attributes,
// events, links, status description, tracestate and resource are redacted. Ids,
// times and counts stay. Errors are those of next.
func (r *Redactor) Spans(next sdktrace.SpanExporter) sdktrace.SpanExporter {
	return &spanExporter{SpanExporter: next, r: r}
}

type spanExporter struct {
	sdktrace.SpanExporter
	r *Redactor
	// Exporters group spans by resource, and a process has one: it is redacted
	// once, and stays one.
	resource atomic.Pointer[[2]*resource.Resource]
}

func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = e.span(s)
	}
	return e.SpanExporter.ExportSpans(ctx, clean)
}

func (e *spanExporter) res(in *resource.Resource) *resource.Resource {
	if in == nil {
		return nil
	}
	if last := e.resource.Load(); last != nil && last[0] == in {
		return last[1]
	}
	out := resource.NewWithAttributes(in.SchemaURL(), e.r.Attributes(in.Attributes())...)
	e.resource.Store(&[2]*resource.Resource{in, out})
	return out
}

// span is a ReadOnlySpan with other answers. The interface has a private method,
// so that nobody implements it: embedding the real one is the way.
type span struct {
	sdktrace.ReadOnlySpan
	name            string
	context, parent trace.SpanContext
	attributes      []attribute.KeyValue
	events          []sdktrace.Event
	links           []sdktrace.Link
	status          sdktrace.Status
	resource        *resource.Resource
}

func (e *spanExporter) span(in sdktrace.ReadOnlySpan) *span {
	status := in.Status()
	status.Description = e.r.Text(status.Description)
	out := &span{
		ReadOnlySpan: in,
		name:         e.r.Text(in.Name()),
		context:      e.r.spanContext(in.SpanContext()),
		parent:       e.r.spanContext(in.Parent()),
		attributes:   e.r.Attributes(in.Attributes()),
		status:       status,
		resource:     e.res(in.Resource()),
	}
	for _, event := range in.Events() {
		event.Name = e.r.Text(event.Name)
		event.Attributes = e.r.Attributes(event.Attributes)
		out.events = append(out.events, event)
	}
	for _, link := range in.Links() {
		link.SpanContext = e.r.spanContext(link.SpanContext)
		link.Attributes = e.r.Attributes(link.Attributes)
		out.links = append(out.links, link)
	}
	return out
}

func (s *span) Name() string                     { return s.name }
func (s *span) SpanContext() trace.SpanContext   { return s.context }
func (s *span) Parent() trace.SpanContext        { return s.parent }
func (s *span) Attributes() []attribute.KeyValue { return s.attributes }
func (s *span) Events() []sdktrace.Event         { return s.events }
func (s *span) Links() []sdktrace.Link           { return s.links }
func (s *span) Status() sdktrace.Status          { return s.status }
func (s *span) Resource() *resource.Resource     { return s.resource }

// spanContext drops members of the tracestate that hold a secret: callers write
// it, and what replaces a secret may not be a valid value there.
func (r *Redactor) spanContext(sc trace.SpanContext) trace.SpanContext {
	state := sc.TraceState()
	if state.Len() == 0 {
		return sc
	}
	clean := state
	state.Walk(func(key, value string) bool {
		if r.secret(key) || r.Text(key) != key || r.Text(value) != value {
			clean = clean.Delete(key)
		}
		return true
	})
	return sc.WithTraceState(clean)
}

// value redacts all text in v, at any depth. A number that is a card number in
// decimal becomes text.
func (r *Redactor) value(v attribute.Value, clean func(string) string) attribute.Value {
	switch v.Type() {
	case attribute.STRING:
		if text := clean(v.AsString()); text != v.AsString() {
			return attribute.StringValue(text)
		}
	case attribute.STRINGSLICE:
		texts := v.AsStringSlice()
		for i, text := range texts {
			texts[i] = clean(text)
		}
		return attribute.StringSliceValue(texts)
	case attribute.BYTESLICE:
		if text := string(v.AsByteSlice()); clean(text) != text {
			return attribute.ByteSliceValue([]byte(clean(text)))
		}
	case attribute.INT64, attribute.INT64SLICE, attribute.FLOAT64:
		if text := v.String(); cards(text) != text {
			return attribute.StringValue(cards(text))
		}
	case attribute.SLICE:
		values := v.AsSlice()
		for i := range values {
			values[i] = r.value(values[i], clean)
		}
		return attribute.SliceValue(values...)
	case attribute.MAP:
		return attribute.MapValue(r.Attributes(v.AsMap())...)
	}
	return v
}
