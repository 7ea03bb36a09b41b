package collector_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a Collector until the end of the test.
func start(t *testing.T, cfg collector.Config) (*collector.Collector, *tracetree.Store) {
	t.Helper()
	store := tracetree.New(1000)
	cfg.Exporter = storeexporter.NewFactory(store, nil)
	c, err := collector.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c, store
}

// stop works in a cleanup too, where the context of the test is done.
func stop(t *testing.T, c *collector.Collector) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := c.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// send exports one trace of a client and a server span over OTLP/gRPC.
func send(t *testing.T, endpoint string) trace.SpanContext {
	t.Helper()
	exporter, err := otlptracegrpc.New(t.Context(),
		otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "order"),
			attribute.String("service.instance.id", "i-1"))))
	tracer := tp.Tracer("example")
	state, _ := trace.ParseTraceState("congo=t61rcWkgMzE")
	caller := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
		TraceFlags: trace.FlagsSampled | trace.FlagsRandom, TraceState: state, Remote: true})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), caller)
	ctx, server := tracer.Start(ctx, "POST /orders", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithLinks(trace.Link{
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID{3}, SpanID: trace.SpanID{4}, TraceState: state}),
			Attributes: []attribute.KeyValue{attribute.String("shop.link.type", "origin")}}))
	_, client := tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient))
	client.AddEvent("retry", trace.WithAttributes(attribute.Int("attempt", 2)))
	client.SetStatus(codes.Error, "refused")
	client.End()
	server.End()
	if err := tp.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server.SpanContext()
}

func await(t *testing.T, store *tracetree.Store, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := store.Await(ctx, []telemetry.Snapshot{{Service: "order", Instance: "i-1", Exported: n}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStartFailsOnTakenAddress(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = collector.Start(t.Context(), collector.Config{GRPC: taken.Addr().String(),
		Exporter: storeexporter.NewFactory(tracetree.New(1), nil)})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, want an error about the taken address", err)
	}
}

// What a listener on all interfaces says of itself begins with a bracket.
func TestStartOnAllInterfaces(t *testing.T) {
	t.Parallel()
	c, store := start(t, collector.Config{GRPC: "[::]:0"})
	send(t, c.GRPC())
	await(t, store, 2)
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := collector.Start(ctx, collector.Config{
		Exporter: storeexporter.NewFactory(tracetree.New(1), nil)})
	if err == nil {
		stop(t, c) // it was ready first: allowed, and to be stopped
	}
}

func TestStartTwiceAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	a, storeA := start(t, collector.Config{})
	b, storeB := start(t, collector.Config{})
	if a.GRPC() == b.GRPC() || a.HTTP() == b.HTTP() || a.GRPC() == a.HTTP() {
		t.Fatalf("listening on %s %s and %s %s", a.GRPC(), a.HTTP(), b.GRPC(), b.HTTP())
	}
	send(t, a.GRPC())
	await(t, storeA, 2)
	if got := storeB.Received(); len(got) != 0 {
		t.Errorf("the other Collector received %v", got)
	}
	stop(t, a)
	// The same address again: nothing of the first one is left.
	again, store := start(t, collector.Config{GRPC: a.GRPC()})
	send(t, again.GRPC())
	await(t, store, 2)
}

func TestSpanArrivesWhole(t *testing.T) {
	t.Parallel()
	c, store := start(t, collector.Config{})
	sc := send(t, c.GRPC())
	await(t, store, 2)
	spans := store.Trace(sc.TraceID().String())
	if len(spans) != 2 {
		t.Fatalf("%d spans in the trace, want 2", len(spans))
	}
	client, server := spans[0], spans[1]
	checkServer(t, server, sc)
	if client.ParentID != server.SpanID || client.ParentRemote || client.Kind != "client" {
		t.Errorf("client span: %+v; want a local child of %s", client, server.SpanID)
	}
	if client.Status != "error" || client.StatusMessage != "refused" {
		t.Errorf("status %s %q, want error refused", client.Status, client.StatusMessage)
	}
	if len(client.Events) != 1 || client.Events[0].Name != "retry" ||
		client.Events[0].Attributes["attempt"] != int64(2) {
		t.Errorf("events %+v, want retry with attempt 2", client.Events)
	}
}

func checkServer(t *testing.T, server tracetree.Span, sc trace.SpanContext) {
	t.Helper()
	if server.SpanID != sc.SpanID().String() || server.ParentID != "0200000000000000" ||
		!server.ParentRemote || server.Kind != "server" || server.Status != "unset" {
		t.Errorf("server span: %+v; want the remote parent 0200000000000000", server)
	}
	if server.Service != "order" || server.Instance != "i-1" || server.Scope != "example" {
		t.Errorf("sent by %s %s %s, want order i-1 example",
			server.Service, server.Instance, server.Scope)
	}
	if server.TraceState != "congo=t61rcWkgMzE" || server.Flags != 3 {
		t.Errorf("tracestate %q, flags %d; want congo=t61rcWkgMzE, 3", server.TraceState, server.Flags)
	}
	if server.Start.IsZero() || server.End.Before(server.Start) {
		t.Errorf("from %v to %v", server.Start, server.End)
	}
	if len(server.Links) != 1 {
		t.Fatalf("%d links, want 1", len(server.Links))
	}
	// No tracestate: the Go SDK's OTLP exporter (v1.47.0) does not send that of a link.
	link := server.Links[0]
	if link.TraceID != "03000000000000000000000000000000" || link.SpanID != "0400000000000000" ||
		link.TraceState != "" || link.Type() != "origin" {
		t.Errorf("link %+v", link)
	}
}

// Jaeger and Tempo are OTLP receivers as any other, so Collectors stand in.
func TestTracesGoToJaegerAndTempo(t *testing.T) {
	t.Parallel()
	jaeger, inJaeger := start(t, collector.Config{})
	tempo, inTempo := start(t, collector.Config{})
	c, store := start(t, collector.Config{Jaeger: jaeger.GRPC(), Tempo: tempo.GRPC()})
	send(t, c.GRPC())
	for _, s := range []*tracetree.Store{store, inJaeger, inTempo} {
		await(t, s, 2)
	}
}

func TestBackendThatIsDownDoesNotMatter(t *testing.T) {
	t.Parallel()
	gone, _ := start(t, collector.Config{})
	stop(t, gone)
	var log lines
	c, store := start(t, collector.Config{Jaeger: gone.GRPC(), Log: &log})
	send(t, c.GRPC())
	await(t, store, 2)
	stop(t, c)
	if !strings.Contains(log.String(), "otlp_grpc/jaeger") {
		t.Errorf("the Collector's log does not name the backend:\n%s", log.String())
	}
}

// lines is a buffer for a log that is written by many goroutines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
