package inflight_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

// What Wait is for: after a response, then Wait, then a flush, the SERVER span is there.

func TestTheServerSpanOfAnRPCHasEndedAfterWait(t *testing.T) {
	t.Parallel()
	var tr inflight.Tracker
	tel := telemetrytest.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(tr.Stats(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(tel.TracerProvider),
		otelgrpc.WithMeterProvider(tel.MeterProvider),
		otelgrpc.WithPropagators(tel.Propagator)))))
	healthgrpc.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	conn, err := grpc.NewClient(l.Addr().String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	if err := conn.Invoke(t.Context(), "/no.such/Method", &healthgrpc.HealthCheckRequest{},
		&healthgrpc.HealthCheckResponse{}); err == nil {
		t.Error("an unknown method worked")
	}
	client := healthgrpc.NewHealthClient(conn)
	for n := 1; n <= 20; n++ {
		if _, err := client.Check(t.Context(), &healthgrpc.HealthCheckRequest{}); err != nil {
			t.Fatal(err)
		}
		if err := tr.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(tel.Spans()); got != n {
			t.Fatalf("%d spans after %d calls", got, n)
		}
	}
}

func TestTheServerSpanOfARequestHasEndedAfterWait(t *testing.T) {
	t.Parallel()
	var tr inflight.Tracker
	tel := telemetrytest.New(t)
	rt := httpserver.New(httpserver.Options{Telemetry: tel.Telemetry, Inflight: &tr})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Length", "1") // complete for the client once it is written
		_, err := w.Write([]byte("x"))
		return err
	})
	server := httptest.NewServer(rt)
	defer server.Close()
	for n := 1; n <= 20; n++ {
		resp, err := server.Client().Get(server.URL + "/x")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if err := tr.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(tel.Spans()); got != n {
			t.Fatalf("%d spans after %d requests", got, n)
		}
	}
}
