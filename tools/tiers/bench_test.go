package tiers

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// counter is a Collector of the second tier that counts spans. It wakes done at each request.
type counter struct {
	ptraceotlp.UnimplementedGRPCServer
	spans *atomic.Int64
	more  chan<- struct{}
}

func (c *counter) Export(
	_ context.Context, r ptraceotlp.ExportRequest,
) (ptraceotlp.ExportResponse, error) {
	c.spans.Add(int64(r.Traces().SpanCount()))
	select {
	case c.more <- struct{}{}:
	default:
	}
	return ptraceotlp.NewExportResponse(), nil
}

// BenchmarkFirstTier is what one Collector of the first tier carries, in spans/s: received from one
// sender in requests of 512, hashed by trace, and delivered to three. Those share the machine with
// it.
func BenchmarkFirstTier(b *testing.B) {
	var arrived atomic.Int64
	more := make(chan struct{}, 1)
	client := ptraceotlp.NewGRPCClient(firstTier(b, serve(b, 3, func(int) ptraceotlp.GRPCServer {
		return &counter{spans: &arrived, more: more}
	})))
	request, spans := requestOf(512)
	n := uint64(0)
	send := func() {
		for _, span := range spans { // a trace has 16 of them
			n++
			var id pcommon.TraceID
			binary.BigEndian.PutUint64(id[:], n/16*0x9e3779b97f4a7c15)
			id[15] = 1
			span.SetTraceID(id)
		}
		for { // refused when it is too much: a sender tries again, as the SDK does
			_, err := client.Export(b.Context(), request, grpc.WaitForReady(true))
			if err == nil {
				break
			}
			if status.Code(err) != codes.Unavailable {
				b.Fatal(err)
			}
		}
	}
	send() // it starts, and connects to the three
	for arrived.Load() < int64(n) {
		<-more
	}
	first := n
	for b.Loop() {
		send()
		// Its queue drops what it does not hold, so no more is under way than half of that.
		for int64(n)-arrived.Load() > 15_000 {
			<-more
		}
	}
	for arrived.Load() < int64(n) {
		<-more
	}
	b.ReportMetric(float64(n-first)/b.Elapsed().Seconds(), "spans/s")
}

// requestOf is a request of n spans with ten attributes each.
func requestOf(n int) (ptraceotlp.ExportRequest, []ptrace.Span) {
	data := ptrace.NewTraces()
	resource := data.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "bench")
	scope := resource.ScopeSpans().AppendEmpty()
	var spans []ptrace.Span
	for i := range n {
		span := scope.Spans().AppendEmpty()
		span.SetSpanID(pcommon.SpanID{6: byte(i>>8) + 1, 7: byte(i)})
		span.SetName("GET /checkouts/{id}")
		for k := range 10 {
			span.Attributes().PutStr(fmt.Sprintf("attribute.number.%d", k), "some value of a usual length")
		}
	}
	for i := range n { // their addresses are known when all have been appended
		spans = append(spans, scope.Spans().At(i))
	}
	return ptraceotlp.NewExportRequestFromTraces(data), spans
}
