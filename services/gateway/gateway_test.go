package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/telemetry/telemetrytest"
	"example.com/throughline/services/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configured returns the configuration of a gateway with a Redis of its own, whose order service
// answers everything with the id that it is asked about.
func configured(t *testing.T) gateway.Config {
	t.Helper()
	orders := httptest.NewServer(http.HandlerFunc(orderStub))
	t.Cleanup(orders.Close)
	return gateway.Config{
		Listen: "127.0.0.1:0", Trusted: "127.0.0.1:0", Admin: "127.0.0.1:0",
		RedisAddr: miniredis.RunT(t).Addr(), KeyPrefix: "test:",
		OrderURL: orders.URL, PricingURL: orders.URL,
		MaxTurns: 10, MaxAge: time.Minute,
	}
}

// serveGateway starts a gateway whose signer goes by the clock now.
func serveGateway(
	t *testing.T, tel *telemetrytest.Recorder, cfg gateway.Config, now func() time.Time,
) *gateway.Service {
	t.Helper()
	deps := gateway.Wire(cfg, tel.Telemetry)
	deps.Signer.Now = now
	service, err := gateway.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- service.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return service
}

func orderStub(w http.ResponseWriter, r *http.Request) {
	var order struct {
		ID string `json:"id"`
	}
	if _, id, ok := strings.Cut(r.URL.Path, "/orders/"); ok {
		order.ID = id
	} else if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(order)
}

// answer is the id of the order, and the headers that a client sends back.
type answer struct {
	id     string
	header http.Header
}

func request(t *testing.T, method, url, body string, header http.Header) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	client := &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%s %s: status %d, %.200q, %v", method, url, response.StatusCode, data, err)
	}
	var order struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(data, &order); err != nil {
		t.Fatal(err)
	}
	return answer{id: order.ID, header: http.Header{
		"Traceparent": response.Header.Values("Traceparent"),
		"Tracestate":  response.Header.Values("Tracestate"),
	}}
}

// serverSpans returns the SERVER spans of all requests so far, in the order of their starts.
func serverSpans(
	t *testing.T, tel *telemetrytest.Recorder, service *gateway.Service,
) []tracetest.SpanStub {
	t.Helper()
	// A response reaches its client before the span has ended: this waits for exactly that.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		service.AdminURL()+"/quiesce", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	var spans []tracetest.SpanStub
	for _, s := range tel.Spans() {
		if s.SpanKind == trace.SpanKindServer {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b tracetest.SpanStub) int {
		return a.StartTime.Compare(b.StartTime)
	})
	return spans
}
