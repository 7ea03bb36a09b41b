package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Logs returns an exporter that hands next copies of the records of which body,
// attributes, event name and severity text are redacted.
func (r *Redactor) Logs(next sdklog.Exporter) sdklog.Exporter {
	return logExporter{Exporter: next, r: r}
}

type logExporter struct {
	sdklog.Exporter
	r *Redactor
}

func (e logExporter) Export(ctx context.Context, records []sdklog.Record) error {
	clean := make([]sdklog.Record, len(records))
	for i := range records {
		record := records[i].Clone() // other processors see the original
		record.SetBody(e.r.value(record.Body(), e.r.Text))
		record.SetEventName(e.r.Text(record.EventName()))
		record.SetSeverityText(e.r.Text(record.SeverityText()))
		attrs := make([]attribute.KeyValue, 0, record.AttributesLen())
		record.WalkAttributes(func(kv attribute.KeyValue) bool {
			attrs = append(attrs, e.r.Attribute(kv))
			return true
		})
		record.SetAttributes(attrs...)
		clean[i] = record
	}
	return e.Exporter.Export(ctx, clean)
}

// Handler returns a handler that hands next records of which message and
// attributes are redacted, groups included.
func (r *Redactor) Handler(next slog.Handler) slog.Handler {
	return handler{next: next, r: r}
}

type handler struct {
	next slog.Handler
	r    *Redactor
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, in slog.Record) error {
	out := slog.NewRecord(in.Time, in.Level, h.r.Text(in.Message), in.PC)
	in.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.r.slogAttr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{next: h.next.WithAttrs(h.r.slogAttrs(attrs)), r: h.r}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{next: h.next.WithGroup(name), r: h.r}
}

func (r *Redactor) slogAttrs(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = r.slogAttr(a)
	}
	return out
}

func (r *Redactor) slogAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		return slog.GroupAttrs(a.Key, r.slogAttrs(v.Group())...)
	}
	if list, ok := v.Any().([]string); ok {
		kv := r.Attribute(attribute.StringSlice(a.Key, list))
		return slog.Any(string(kv.Key), kv.Value.AsInterface())
	}
	text := written(v)
	kv := r.Attribute(attribute.String(a.Key, text))
	if clean := kv.Value.AsString(); clean != text || v.Kind() == slog.KindString {
		err, ok := v.Any().(error)
		v = slog.StringValue(clean)
		if ok {
			v = slog.AnyValue(cleanError{clean, semconv.ErrorType(err).Value.AsString()})
		}
	}
	return slog.Attr{Key: string(kv.Key), Value: v}
}

// cleanError is still an error, for a bridge that makes exception.message and exception.type of
// one. It does not lead to the original.
type cleanError struct{ text, kind string }

func (e cleanError) Error() string { return e.text }

// ErrorType is what the original's would be, see [semconv.ErrorType].
func (e cleanError) ErrorType() string { return e.kind }

// written is what a handler would make of v. A value of any other type is seen
// as its JSON, and if that holds a secret, the value becomes redacted text.
func written(v slog.Value) string {
	if v.Kind() != slog.KindAny {
		return v.String()
	}
	switch x := v.Any().(type) {
	case error:
		return x.Error()
	case fmt.Stringer:
		return x.String()
	case []byte:
		return string(x)
	default:
		if text, err := json.Marshal(x); err == nil {
			return string(text)
		}
		return fmt.Sprintf("%+v", x)
	}
}
