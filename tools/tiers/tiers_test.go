package tiers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// secondTier is an OTLP receiver in the place of a Collector that samples.
type secondTier struct {
	ptraceotlp.UnimplementedGRPCServer
	got chan<- arrival
	me  int
}

// arrival is one span and where it came to.
type arrival struct {
	trace pcommon.TraceID
	at    int
}

func (s *secondTier) Export(
	ctx context.Context, r ptraceotlp.ExportRequest,
) (ptraceotlp.ExportResponse, error) {
	for _, resource := range r.Traces().ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				select {
				case s.got <- arrival{span.TraceID(), s.me}:
				case <-ctx.Done():
				}
			}
		}
	}
	return ptraceotlp.NewExportResponse(), nil
}

// serve starts n receivers and returns their addresses.
func serve(t testing.TB, n int, tier func(i int) ptraceotlp.GRPCServer) []string {
	t.Helper()
	var addresses []string
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		ptraceotlp.RegisterGRPCServer(server, tier(i))
		go server.Serve(l) //nolint:errcheck // it ends with Stop
		t.Cleanup(server.Stop)
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// firstTier runs a Collector on the files of deploy, with a socket for a port and with addresses for
// a name that DNS would resolve. It returns a connection to it.
func firstTier(t testing.TB, addresses []string) *grpc.ClientConn {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "otlp")
	c, err := New("file:../../deploy/collector/base.yaml",
		"file:../../deploy/k8s/collector/loadbalancing.yaml",
		"yaml:service::telemetry::logs::level: error",
		fmt.Sprintf("yaml:receivers::otlp::protocols: {http: {endpoint: '127.0.0.1:0'}, "+
			"grpc: {endpoint: %s, transport: unix}}", socket),
		fmt.Sprintf("yaml:exporters::load_balancing::resolver: {dns: null, "+
			"static: {hostnames: [%q, %q, %q]}}", addresses[0], addresses[1], addresses[2]))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		c.Shutdown()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Spans of a trace come in requests of their own, from different services; wherever they enter the
// first tier, they must meet in the second.
func TestTracesStayWhole(t *testing.T) {
	const traces, spans = 60, 5
	got := make(chan arrival, traces*spans)
	conn := firstTier(t, serve(t, 3, func(i int) ptraceotlp.GRPCServer {
		return &secondTier{got: got, me: i}
	}))
	var ids []pcommon.TraceID
	for range traces {
		var id pcommon.TraceID
		_, _ = rand.Read(id[:])
		ids = append(ids, id)
	}
	client := ptraceotlp.NewGRPCClient(conn)
	for n := range spans { // the spans of one trace do not come one after the other
		for _, id := range ids {
			data := ptrace.NewTraces()
			span := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			span.SetTraceID(id)
			span.SetSpanID(pcommon.SpanID{7: byte(n + 1)})
			span.SetName("work")
			_, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(data),
				grpc.WaitForReady(true))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	at, load := make(map[pcommon.TraceID]int), make(map[int]int)
	for range traces * spans {
		select {
		case a := <-got:
			if first, seen := at[a.trace]; seen && first != a.at {
				t.Fatalf("trace %s came to %d and to %d", a.trace, first, a.at)
			} else if !seen {
				load[a.at]++
			}
			at[a.trace] = a.at
		case <-t.Context().Done():
			t.Fatalf("%d of %d traces arrived", len(at), traces)
		}
	}
	// 60 traces at 3 places: that one gets none has a chance of 1 in 10^10.
	if len(at) != traces || len(load) != 3 {
		t.Errorf("%d of %d traces, by place %v; want some at each of 3", len(at), traces, load)
	}
}
