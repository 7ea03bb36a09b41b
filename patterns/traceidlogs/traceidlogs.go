// Package traceidlogs makes every log line name the span it was written in.
//
// # Problem
//
// A log line without a trace id can be found, but not placed. slog's own
// handlers know nothing of spans, and the obvious remedy, adding the ids as
// attributes, breaks on the first logger that has an open group: the ids land
// inside it ("http.trace_id"), where no log pipeline looks for them.
//
// # Use
//
// [New] gives a logger that writes JSON lines with the top-level fields
// trace_id, span_id and trace_flags, and sends the same record as OTLP through
// otelslog. [NewHandler] adds only the three fields, in front of any handler.
// Always log with the Context methods (InfoContext, not Info): the ids come from
// ctx, and a call without one has none.
//
// # Don't use
//
// Without the Context methods it does nothing; have a linter demand them
// (sloglint, context: all). Where a collector agent already turns stdout into
// OTLP, use NewHandler alone, or every record is stored twice. A top-level
// attribute of your own named trace_id would be a second field of that name.
//
// # Spec
//
// Field names and forms: OpenTelemetry, "Trace Context in non-OTLP Log Formats".
// In OTLP the ids are fields of the log record (Logs Data Model, "Trace Context
// Fields"), so they are not repeated as attributes there.
package traceidlogs

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// The top-level fields of a line written inside a span: 32, 16 and 2 lower-case
// hexadecimal digits. A line outside any span has none of them.
const (
	TraceIDKey    = "trace_id"
	SpanIDKey     = "span_id"
	TraceFlagsKey = "trace_flags"
)

// New returns a logger that writes each record of at least level to w as one
// line of JSON with the ids of the span in ctx, and emits the same record to
// provider under the instrumentation scope named scope, typically the import
// path of the package that logs.
//
// A nil level means [slog.LevelInfo]; a [slog.LevelVar] can be changed while the
// logger is in use and gates both outputs. A nil provider means w alone, never
// the global provider. An error of one output does not stop the other.
func New(w io.Writer, level slog.Leveler, provider log.LoggerProvider, scope string) *slog.Logger {
	if level == nil {
		level = slog.LevelInfo
	}
	lines := NewHandler(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	if provider == nil {
		return slog.New(lines)
	}
	bridge := otelslog.NewHandler(scope, otelslog.WithLoggerProvider(provider))
	return slog.New(slog.NewMultiHandler(lines, gate{Handler: bridge, level: level}))
}

// NewHandler returns a handler that passes each record to next with the ids of
// the span in ctx added at the top level, whatever groups and attributes the
// logger carries. A record whose ctx holds no valid span context passes
// unchanged.
func NewHandler(next slog.Handler) slog.Handler {
	return &handler{next: next}
}

// handler keeps open groups to itself: once next has been told of a group there
// is no way to make it write a field outside. What follows the first group is
// therefore kept here and rebuilt as a group value of each record.
type handler struct {
	next slog.Handler
	open []group // outermost first
}

// group is one open group, with the attributes added since it was opened.
type group struct {
	name  string
	attrs []slog.Attr
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() && len(h.open) == 0 {
		return h.next.Handle(ctx, r)
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	if sc.IsValid() {
		out.AddAttrs(
			slog.String(TraceIDKey, sc.TraceID().String()),
			slog.String(SpanIDKey, sc.SpanID().String()),
			slog.String(TraceFlagsKey, sc.TraceFlags().String()),
		)
	}
	out.AddAttrs(h.nest(r)...)
	return h.next.Handle(ctx, out)
}

// nest returns the attributes of r, wrapped in the open groups. A group that
// stays empty is left out by next, as slog asks of every handler.
func (h *handler) nest(r slog.Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for _, g := range slices.Backward(h.open) {
		attrs = []slog.Attr{slog.GroupAttrs(g.name, slices.Concat(g.attrs, attrs)...)}
	}
	return attrs
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	if len(h.open) == 0 {
		return &handler{next: h.next.WithAttrs(attrs)}
	}
	// Loggers share handlers, so the innermost group is replaced, not changed.
	open := slices.Clone(h.open)
	last := &open[len(open)-1]
	last.attrs = slices.Concat(last.attrs, attrs)
	return &handler{next: h.next, open: open}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{next: h.next, open: append(slices.Clip(h.open), group{name: name})}
}

// gate holds back records below level: otelslog has no level of its own, and
// would send every DEBUG record to the backend while the console is at INFO.
type gate struct {
	slog.Handler
	level slog.Leveler
}

func (g gate) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= g.level.Level() && g.Handler.Enabled(ctx, level)
}

func (g gate) WithAttrs(attrs []slog.Attr) slog.Handler {
	return gate{Handler: g.Handler.WithAttrs(attrs), level: g.level}
}

func (g gate) WithGroup(name string) slog.Handler {
	return gate{Handler: g.Handler.WithGroup(name), level: g.level}
}
