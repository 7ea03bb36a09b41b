package tracetree

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// FromSDK converts a span as the SDK hands it to an exporter.
func FromSDK(s sdktrace.ReadOnlySpan) Span {
	sc, parent := s.SpanContext(), s.Parent()
	service, instance := identity(s.Resource())
	out := Span{
		TraceID:       sc.TraceID().String(),
		SpanID:        sc.SpanID().String(),
		ParentRemote:  parent.IsRemote(),
		Service:       service,
		Instance:      instance,
		Scope:         s.InstrumentationScope().Name,
		Kind:          s.SpanKind().String(),
		Name:          s.Name(),
		TraceState:    sc.TraceState().String(),
		Flags:         uint32(sc.TraceFlags()),
		Start:         s.StartTime(),
		End:           s.EndTime(),
		Status:        statusText(s.Status().Code),
		StatusMessage: s.Status().Description,
		Attributes:    attributes(s.Attributes()),
	}
	if parent.SpanID().IsValid() {
		out.ParentID = parent.SpanID().String()
	}
	for _, e := range s.Events() {
		out.Events = append(out.Events,
			Event{Name: e.Name, Time: e.Time, Attributes: attributes(e.Attributes)})
	}
	for _, l := range s.Links() {
		out.Links = append(out.Links, Link{
			TraceID:    l.SpanContext.TraceID().String(),
			SpanID:     l.SpanContext.SpanID().String(),
			TraceState: l.SpanContext.TraceState().String(),
			Attributes: attributes(l.Attributes),
		})
	}
	return out
}

// FromSDKLog converts a log record as the SDK hands it to an exporter.
func FromSDKLog(r sdklog.Record) Log {
	service, instance := identity(r.Resource())
	out := Log{
		Time:     logTime(r.Timestamp(), r.ObservedTimestamp()),
		Service:  service,
		Instance: instance,
		Severity: strings.ToUpper(r.SeverityText()),
		Body:     r.Body().String(),
		Flags:    uint32(r.TraceFlags()),
	}
	if out.Severity == "" {
		out.Severity = r.Severity().String()
	}
	if r.TraceID().IsValid() {
		out.TraceID = r.TraceID().String()
	}
	if r.SpanID().IsValid() {
		out.SpanID = r.SpanID().String()
	}
	var kvs []attribute.KeyValue
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		kvs = append(kvs, kv)
		return true
	})
	out.Attributes = attributes(kvs)
	return out
}

// logTime prefers when it happened over when it was seen; a record may carry only the latter.
func logTime(happened, observed time.Time) time.Time {
	if happened.IsZero() {
		return observed
	}
	return happened
}

func identity(res *resource.Resource) (service, instance string) {
	if res == nil {
		return "", ""
	}
	name, _ := res.Set().Value(semconv.ServiceNameKey)
	id, _ := res.Set().Value(semconv.ServiceInstanceIDKey)
	return name.String(), id.String()
}

func statusText(c codes.Code) string {
	switch c {
	case codes.Error:
		return "error"
	case codes.Ok:
		return "ok"
	}
	return "unset"
}

func attributes(kvs []attribute.KeyValue) map[string]any {
	if len(kvs) == 0 {
		return nil
	}
	out := make(map[string]any, len(kvs))
	for _, kv := range kvs {
		out[string(kv.Key)] = plain(kv.Value)
	}
	return out
}

// plain turns a value into what encoding/json would have made of it, but keeps integers whole.
func plain(v attribute.Value) any {
	switch v.Type() {
	case attribute.BOOLSLICE:
		return anys(v.AsBoolSlice())
	case attribute.INT64SLICE:
		return anys(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		return anys(v.AsFloat64Slice())
	case attribute.STRINGSLICE:
		return anys(v.AsStringSlice())
	case attribute.SLICE:
		out := make([]any, 0, len(v.AsSlice()))
		for _, e := range v.AsSlice() {
			out = append(out, plain(e))
		}
		return out
	case attribute.MAP:
		return attributes(v.AsMap())
	}
	return v.AsInterface()
}

func anys[T any](s []T) []any {
	out := make([]any, 0, len(s))
	for _, e := range s {
		out = append(out, e)
	}
	return out
}
