package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry/telemetrytest"
	"example.com/throughline/services/gateway"
)

// A context that a client brings back too late is ours and is not continued: a new root, linked to
// what the client brought, that says why. The request is served.
func TestAContextThatExpiredIsALink(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	var late atomic.Int64
	service := serveGateway(t, tel, func() time.Time {
		return time.Now().Add(time.Duration(late.Load()))
	})
	base := service.URL()

	created := request(t, http.MethodPost, base+"/checkouts",
		`{"customer":"c-1","continuation":"client"}`, http.Header{})
	path := base + "/checkouts/" + created.id
	inTime := request(t, http.MethodGet, path, "", created.header)
	late.Store(int64(time.Minute)) // the very moment at which it expires is too late, too
	tooLate := request(t, http.MethodGet, path, "", inTime.header)
	after := request(t, http.MethodGet, path, "", tooLate.header)

	turns := serverSpans(t, tel, service)
	if len(turns) != 4 {
		t.Fatalf("got %d SERVER spans, want 4", len(turns))
	}
	if turns[1].Parent.SpanID() != turns[0].SpanContext.SpanID() {
		t.Errorf("in time: parent %s, want turn 1", turns[1].Parent.SpanID())
	}
	expired := turns[2]
	attrs := telemetrytest.Attributes(expired)
	if expired.Parent.IsValid() || attrs[string(shop.ContinuationRejected)] != "expired" {
		t.Errorf("too late: parent %v, %v, want a root that was rejected as expired",
			expired.Parent, attrs)
	}
	if len(expired.Links) != 1 ||
		expired.Links[0].SpanContext.SpanID() != turns[1].SpanContext.SpanID() {
		t.Errorf("too late: links %v, want one to the span before", expired.Links)
	}
	if turns[3].Parent.SpanID() != expired.SpanContext.SpanID() {
		t.Errorf("after: parent %s, want the new root", turns[3].Parent.SpanID())
	}
	if after.id != created.id {
		t.Errorf("got order %q, want %q", after.id, created.id)
	}
}

// serveGateway starts a gateway whose signer goes by the clock now and whose order service
// answers everything with the id that it is asked about.
func serveGateway(
	t *testing.T, tel *telemetrytest.Recorder, now func() time.Time,
) *gateway.Service {
	t.Helper()
	orders := httptest.NewServer(http.HandlerFunc(orderStub))
	t.Cleanup(orders.Close)
	cfg := gateway.Config{
		Listen: "127.0.0.1:0", Trusted: "127.0.0.1:0", Admin: "127.0.0.1:0",
		RedisAddr: miniredis.RunT(t).Addr(), KeyPrefix: "test:",
		OrderURL: orders.URL, PricingURL: orders.URL,
		MaxTurns: 10, MaxAge: time.Minute,
	}
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
