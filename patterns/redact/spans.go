package redact

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Spans returns an exporter that hands next spans of which name, attributes,
// events, links, status description, tracestate, resource and instrumentation
// scope are redacted. Ids, times and counts stay. Errors are those of next.
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
	out := e.r.Resource(in)
	e.resource.Store(&[2]*resource.Resource{in, out})
	return out
}

// Resource returns a resource with redacted attributes. That of spans is redacted
// with them; logs and metrics have the one that their providers are given.
func (r *Redactor) Resource(in *resource.Resource) *resource.Resource {
	return resource.NewWithAttributes(in.SchemaURL(), r.Attributes(in.Attributes())...)
}

// scope returns a redacted instrumentation scope.
func (r *Redactor) scope(in instrumentation.Scope) instrumentation.Scope {
	in.Name, in.Version = r.Text(in.Name), r.Text(in.Version)
	if in.Attributes.Len() > 0 {
		in.Attributes = attribute.NewSet(r.Attributes(in.Attributes.ToSlice())...)
	}
	return in
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
	scope           instrumentation.Scope
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
		scope:        e.r.scope(in.InstrumentationScope()),
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

func (s *span) InstrumentationScope() instrumentation.Scope { return s.scope }

// InstrumentationLibrary is what exporters of an older API ask for.
func (s *span) InstrumentationLibrary() instrumentation.Scope { return s.scope }

// spanContext drops members of the tracestate that hold a secret: callers write
// it, and what replaces a secret may not be a valid value there.
func (r *Redactor) spanContext(sc trace.SpanContext) trace.SpanContext {
	state := sc.TraceState()
	if state.Len() == 0 {
		return sc
	}
	clean := state
	state.Walk(func(key, value string) bool {
		if r.dirtyMember(key, value) {
			clean = clean.Delete(key)
		}
		return true
	})
	return sc.WithTraceState(clean)
}
