package redisclient

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"example.com/throughline/internal/telemetry"
)

const scope = "example.com/throughline/internal/redisclient"

// hook makes one CLIENT span per command or pipeline, but only inside a span of this process
// that is recording. Without one the span would be a root: every poll of a consumer, and every
// lookup that decides on a parent, would be a trace of its own.
type hook struct {
	tracer   trace.Tracer
	duration dbconv.ClientOperationDuration
	server   []attribute.KeyValue
}

func newHook(tel *telemetry.Telemetry, o *redis.Options) *hook {
	host, port := hostPort(o.Addr)
	h := &hook{
		tracer: tel.TracerProvider.Tracer(scope),
		server: []attribute.KeyValue{
			semconv.DBSystemNameRedis,
			semconv.DBNamespace(strconv.Itoa(o.DB)),
			semconv.ServerAddress(host),
		},
	}
	if port > 0 {
		h.server = append(h.server, semconv.ServerPort(port))
	}
	var err error
	h.duration, err = dbconv.NewClientOperationDuration(tel.MeterProvider.Meter(scope))
	if err != nil { // the instrument works nevertheless, as a no-op
		otel.Handle(err)
	}
	return h
}

func (h *hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if untraced(cmd.Name()) {
			return next(ctx, cmd)
		}
		op := operation{name: strings.ToUpper(cmd.Name())}
		return h.observe(ctx, op, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		op := pipeline(cmds)
		if op.batch == 0 {
			return next(ctx, cmds)
		}
		return h.observe(ctx, op, func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

// operation is what a span says about one round trip.
type operation struct {
	name  string
	batch int // commands of a pipeline
}

// pipeline names a batch by its kind, and by its command when all are the same (Redis semantic
// conventions, db.operation.name).
func pipeline(cmds []redis.Cmder) operation {
	op := operation{name: "PIPELINE"}
	var names []string
	for _, cmd := range cmds {
		switch name := cmd.Name(); {
		case name == "multi":
			op.name = "MULTI"
		case name == "exec", untraced(name):
		default:
			op.batch++
			names = append(names, strings.ToUpper(name))
		}
	}
	if names = slices.Compact(names); len(names) == 1 {
		op.name += " " + names[0]
	}
	return op
}

func (h *hook) observe(
	ctx context.Context, op operation, do func(context.Context) error,
) error {
	attrs := append(slices.Clip(h.server), semconv.DBOperationName(op.name))
	if op.batch > 1 { // a batch of one is no batch
		attrs = append(attrs, semconv.DBOperationBatchSize(op.batch))
	}
	start := time.Now()
	var span trace.Span = noop.Span{}
	if local(ctx) {
		// The Redis conventions want no db.namespace in the name; what is left is the command.
		ctx, span = h.tracer.Start(ctx, op.name,
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
		defer span.End()
	}
	err := do(ctx)
	if failed := failure(err); failed != nil {
		span.SetAttributes(failed...)
		span.SetStatus(codes.Error, description(err))
		attrs = append(attrs, failed...)
	}
	h.duration.RecordSet(ctx, time.Since(start).Seconds(), attribute.NewSet(attrs...))
	return err
}

// local reports whether ctx holds a span of this process that is recorded.
func local(ctx context.Context) bool {
	span := trace.SpanFromContext(ctx)
	sc := span.SpanContext()
	return sc.IsValid() && !sc.IsRemote() && span.IsRecording()
}

// failure returns the attributes of an error, nil for none. An answer of nil is none, and neither
// is a transaction that was not executed because a watched key had changed: both are answers that
// the caller has asked for.
func failure(err error) []attribute.KeyValue {
	var reply redis.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil), errors.Is(err, redis.TxFailedErr):
		return nil
	case errors.As(err, &reply):
		prefix, _, _ := strings.Cut(reply.Error(), " ")
		return []attribute.KeyValue{
			semconv.DBResponseStatusCode(prefix), semconv.ErrorTypeKey.String(prefix),
		}
	}
	return []attribute.KeyValue{semconv.ErrorType(err)}
}

// description leaves out what Redis answered: it may repeat an argument.
func description(err error) string {
	if reply := redis.Error(nil); errors.As(err, &reply) {
		return ""
	}
	return err.Error()
}

// untraced reports whether a command is one of setting up a connection, which go-redis runs under
// the ctx of whatever command needed it, or one that waits, whose time is nobody's.
func untraced(name string) bool {
	switch name {
	case "hello", "auth", "client", "select", "readonly",
		"xread", "xreadgroup", "blpop", "brpop", "brpoplpush", "blmove", "blmpop",
		"bzpopmin", "bzpopmax", "bzmpop", "wait", "waitaof", "subscribe", "psubscribe":
		return true
	}
	return false
}
