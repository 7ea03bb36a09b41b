package storeexporter

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"example.com/throughline/internal/tracetree"
)

// Two bits of an OTLP span's flags, above the eight of W3C: whether the sender
// says at all if the parent is remote, and if so what.
// See opentelemetry/proto/trace/v1/trace.proto, SpanFlags.
const (
	knowsRemote = 1 << 8
	isRemote    = 1 << 9
)

// Spans returns all spans of data in the order in which they come.
func Spans(data ptrace.Traces) []tracetree.Span {
	spans := make([]tracetree.Span, 0, data.SpanCount())
	for _, resource := range data.ResourceSpans().All() {
		service, instance := sender(resource.Resource())
		of := attributes(resource.Resource().Attributes())
		for _, scope := range resource.ScopeSpans().All() {
			scopeOf := attributes(scope.Scope().Attributes())
			for _, span := range scope.Spans().All() {
				s := convert(span)
				s.Service, s.Instance, s.Resource = service, instance, of
				s.Scope, s.ScopeVersion = scope.Scope().Name(), scope.Scope().Version()
				s.ScopeAttributes = scopeOf
				spans = append(spans, s)
			}
		}
	}
	return spans
}

func convert(span ptrace.Span) tracetree.Span {
	const remote = knowsRemote | isRemote
	return tracetree.Span{
		TraceID:       span.TraceID().String(),
		SpanID:        span.SpanID().String(),
		ParentID:      span.ParentSpanID().String(),
		ParentRemote:  span.Flags()&remote == remote,
		Kind:          strings.ToLower(span.Kind().String()),
		Name:          span.Name(),
		TraceState:    span.TraceState().AsRaw(),
		Flags:         span.Flags() & 0xff,
		Start:         span.StartTimestamp().AsTime(),
		End:           span.EndTimestamp().AsTime(),
		Status:        strings.ToLower(span.Status().Code().String()),
		StatusMessage: span.Status().Message(),
		Attributes:    attributes(span.Attributes()),
		Events:        events(span.Events()),
		Links:         links(span.Links()),
	}
}

func events(from ptrace.SpanEventSlice) []tracetree.Event {
	var events []tracetree.Event
	for _, event := range from.All() {
		events = append(events, tracetree.Event{
			Name:       event.Name(),
			Time:       event.Timestamp().AsTime(),
			Attributes: attributes(event.Attributes()),
		})
	}
	return events
}

func links(from ptrace.SpanLinkSlice) []tracetree.Link {
	var links []tracetree.Link
	for _, link := range from.All() {
		links = append(links, tracetree.Link{
			TraceID:    link.TraceID().String(),
			SpanID:     link.SpanID().String(),
			TraceState: link.TraceState().AsRaw(),
			Attributes: attributes(link.Attributes()),
		})
	}
	return links
}

// Logs returns all log records of data in the order in which they come.
func Logs(data plog.Logs) []tracetree.Log {
	logs := make([]tracetree.Log, 0, data.LogRecordCount())
	for _, resource := range data.ResourceLogs().All() {
		service, instance := sender(resource.Resource())
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				log := convertLog(record)
				log.Service, log.Instance = service, instance
				logs = append(logs, log)
			}
		}
	}
	return logs
}

func convertLog(record plog.LogRecord) tracetree.Log {
	return tracetree.Log{
		Time:       record.Timestamp().AsTime(),
		Severity:   record.SeverityText(),
		Body:       record.Body().AsString(),
		TraceID:    record.TraceID().String(),
		SpanID:     record.SpanID().String(),
		Flags:      uint32(record.Flags()) & 0xff,
		Attributes: attributes(record.Attributes()),
	}
}

// sender returns service.name and service.instance.id, each empty when absent.
func sender(resource pcommon.Resource) (service, instance string) {
	return text(resource, "service.name"), text(resource, "service.instance.id")
}

func text(resource pcommon.Resource, key string) string {
	value, ok := resource.Attributes().Get(key)
	if !ok {
		return ""
	}
	return value.AsString()
}

// attributes returns nil for no attributes: most events and links have none.
func attributes(from pcommon.Map) map[string]any {
	if from.Len() == 0 {
		return nil
	}
	return from.AsRaw()
}
