// Package rpcspan instruments gRPC with otelgrpc, and adds the one attribute that otelgrpc leaves
// out: error.type on every span with status Error, the name of the gRPC status code (RPC semantic
// conventions, error.type). What a call brings is mended first, as internal/httpserver does it with
// headers: otelgrpc takes the first value of each name.
package rpcspan

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/boundary"
)

// Server returns the handler of a gRPC server: one SERVER span a call, none for health checks.
func Server(tel *telemetry.Telemetry) stats.Handler {
	options := append(common(tel), otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))
	return mended{handler{Handler: otelgrpc.NewServerHandler(options...), isError: serverError}}
}

// Client returns the handler of a gRPC client: one CLIENT span a call, whose context it injects.
func Client(tel *telemetry.Telemetry) stats.Handler {
	return handler{Handler: otelgrpc.NewClientHandler(common(tel)...), isError: clientError}
}

func common(tel *telemetry.Telemetry) []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(tel.TracerProvider),
		otelgrpc.WithMeterProvider(tel.MeterProvider),
		otelgrpc.WithPropagators(tel.Propagator),
	}
}

// handler sets the attribute before otelgrpc ends the span.
type handler struct {
	stats.Handler
	isError func(codes.Code) bool
}

func (h handler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if end, ok := s.(*stats.End); ok {
		if code := status.Code(end.Error); h.isError(code) {
			trace.SpanFromContext(ctx).SetAttributes(semconv.ErrorTypeKey.String(Name(code)))
		}
	}
	h.Handler.HandleRPC(ctx, s)
}

// mended starts the SERVER span from metadata that a propagator reads rightly.
type mended struct{ stats.Handler }

func (m mended) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	came, _ := metadata.FromIncomingContext(ctx)
	header := http.Header{}
	for _, name := range []string{"traceparent", "tracestate", "baggage"} {
		header[http.CanonicalHeaderKey(name)] = came[name]
	}
	clean := boundary.Edge{}.Clean(header, true)
	if clean == nil {
		return m.Handler.TagRPC(ctx, info)
	}
	mended := came.Copy()
	for name := range header {
		mended.Delete(name)
		mended.Append(name, clean[name]...)
	}
	ctx = m.Handler.TagRPC(metadata.NewIncomingContext(ctx, mended), info)
	return metadata.NewIncomingContext(ctx, came) // what came over the wire is logged as it came
}

// clientError: the caller did not get what it asked for.
func clientError(code codes.Code) bool { return code != codes.OK }

// serverError: the codes that are the server's fault (RPC semantic conventions, gRPC status).
func serverError(code codes.Code) bool {
	switch code {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal,
		codes.Unavailable, codes.DataLoss:
		return true
	default:
		return false
	}
}

// Name is the code's name in the gRPC specification, such as NOT_FOUND, which codes.Code.String
// does not give.
func Name(code codes.Code) string {
	names := [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
		"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
		"UNAUTHENTICATED",
	}
	if int(code) < len(names) {
		return names[code]
	}
	return "UNKNOWN"
}
