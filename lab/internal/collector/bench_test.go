package collector_test

import (
	"context"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
)

// nothing keeps nothing: what is measured is the Collector.
type nothing struct{}

func (nothing) AddSpans(...tracetree.Span)   {}
func (nothing) AddLogs(...tracetree.Log)     {}
func (nothing) AddPoints(...tracetree.Point) {}

// backend takes spans and forgets them.
type backend struct {
	ptraceotlp.UnimplementedGRPCServer
}

func (*backend) Export(context.Context, ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	return ptraceotlp.NewExportResponse(), nil
}

func startBackend(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, &backend{})
	go server.Serve(l) //nolint:errcheck // it ends with Stop
	b.Cleanup(server.Stop)
	return l.Addr().String()
}

// BenchmarkSpans is what one Collector carries, in spans/s, as one sender sends them in requests
// of 512: received and handed on; and received, sampled by the tail, redacted, and sent to two
// backends, which is the second tier of deploy/k8s.
func BenchmarkSpans(b *testing.B) {
	backend := startBackend(b)
	b.Run("received", func(b *testing.B) { spansPerSecond(b, collector.Config{}) })
	b.Run("to two backends", func(b *testing.B) {
		spansPerSecond(b, collector.Config{Jaeger: backend, Tempo: backend})
	})
	b.Run("sampled by the tail", func(b *testing.B) {
		spansPerSecond(b, collector.Config{Jaeger: backend, Tempo: backend,
			Variants: []string{"tailsampling.yaml"},
			// Ten seconds of traces, which it waits in production, are memory and no work.
			Set: map[string]string{"processors::tail_sampling::decision_wait": "100ms"}})
	})
}

func spansPerSecond(b *testing.B, cfg collector.Config) {
	b.Helper()
	cfg.Exporter = storeexporter.NewFactory(nothing{}, nil)
	c, err := collector.Start(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := grpc.NewClient(c.GRPC(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	client := ptraceotlp.NewGRPCClient(conn)
	request, spans := requestOf(512)
	n := uint64(0)
	for b.Loop() {
		for _, span := range spans { // a trace has 16 of them
			n++
			var id pcommon.TraceID
			binary.BigEndian.PutUint64(id[:], n/16*0x9e3779b97f4a7c15)
			id[15] = 1
			span.SetTraceID(id)
		}
		for { // refused when it is too much: a sender tries again, as the SDK does
			_, err := client.Export(b.Context(), request)
			if err == nil {
				break
			}
			if status.Code(err) != codes.Unavailable {
				b.Fatal(err)
			}
		}
	}
	// What is queued belongs to the work.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context()), time.Minute)
	defer cancel()
	if err := c.Shutdown(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "spans/s")
	if err := conn.Close(); err != nil {
		b.Fatal(err)
	}
}

// requestOf returns a request of n spans with the attributes of an HTTP server.
func requestOf(n int) (ptraceotlp.ExportRequest, []ptrace.Span) {
	data := ptrace.NewTraces()
	resource := data.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "order")
	resource.Resource().Attributes().PutStr("service.instance.id", "i-1")
	to := resource.ScopeSpans().AppendEmpty().Spans()
	spans := make([]ptrace.Span, n)
	now := time.Now()
	to.EnsureCapacity(n)
	for i := range n {
		span := to.AppendEmpty()
		span.SetSpanID(pcommon.SpanID{6: byte(i >> 8), 7: byte(i + 1)})
		span.SetKind(ptrace.SpanKindServer)
		span.SetName("PUT /orders/{id}/items")
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Millisecond)))
		a := span.Attributes()
		a.PutStr("http.request.method", "PUT")
		a.PutStr("http.route", "/orders/{id}/items")
		a.PutInt("http.response.status_code", 200)
		a.PutStr("url.path", "/orders/6aljgrwrxqmsxvutzvnsao65l7/items")
		a.PutStr("url.scheme", "http")
		a.PutStr("server.address", "order")
		a.PutInt("server.port", 8081)
		a.PutStr("network.protocol.version", "1.1")
		a.PutStr("user_agent.original", "Go-http-client/1.1")
		a.PutStr("shop.order.id", "6aljgrwrxqmsxvutzvnsao65l7")
		spans[i] = span
	}
	return ptraceotlp.NewExportRequestFromTraces(data), spans
}
