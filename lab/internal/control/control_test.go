package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	one = "4bf92f3577b34da6a3ce929d0e0e4736"
	two = "0af7651916cd43dd8448eb211c80319c"
)

// serve returns a client of a lab whose store holds two linked traces.
func serve(t *testing.T) (*Client, *tracetree.Store) {
	t.Helper()
	store := tracetree.New(100)
	workflow := map[string]any{"shop.workflow.id": "checkout-1", "big": int64(1<<62 + 1)}
	store.AddSpans(
		tracetree.Span{TraceID: one, SpanID: "00f067aa0ba902b7", Service: "gateway", Instance: "i",
			Attributes: workflow},
		tracetree.Span{TraceID: two, SpanID: "b7ad6b7169203331", Service: "order", Instance: "j",
			Links: []tracetree.Link{{TraceID: one, SpanID: "00f067aa0ba902b7"}}})
	fleet := scenario.Fleet{Targets: map[string]string{"gateway": "http://127.0.0.1:1"},
		Admin: map[string]string{"gateway": "http://127.0.0.1:2"}}
	server := httptest.NewServer(Handler(fleet, store))
	client := NewClient(server.URL, nil)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, store
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	base := server.URL
	server.Close()
	client := NewClient(base, nil)
	defer client.Close()
	if _, err := client.Platform(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

func TestNotALab(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	client := NewClient(strings.TrimPrefix(server.URL, "http://"), nil)
	defer client.Close()
	_, err := client.Platform(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is it a lab?") {
		t.Errorf("got %v, want a doubt about the address", err)
	}
}

func TestAwaitTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	client, _ := serve(t)
	// The lab's time runs out, however busy the machine is; the client has no deadline.
	err := client.do(t.Context(), http.MethodPost, "/await?timeout=50ms",
		[]telemetry.Snapshot{{Service: "order", Instance: "j", Exported: 2,
			Logs: telemetry.LogCounts{Exported: 1}}}, nil)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 exported spans arrived") ||
		!strings.Contains(err.Error(), "0 of 1 exported log records arrived") {
		t.Errorf("got %v, want the service and its numbers", err)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	client, store := serve(t)
	done := make(chan error, 1)
	go func() {
		done <- client.Await(t.Context(),
			[]telemetry.Snapshot{{Service: "order", Instance: "j", Exported: 2}})
	}()
	store.AddSpans(tracetree.Span{TraceID: two, Service: "order", Instance: "j"})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPoints(t *testing.T) {
	t.Parallel()
	client, store := serve(t)
	exported := tracetree.Point{Service: "order", Instance: "j", Count: 1,
		Metric: "otel.sdk.exporter.span.exported", Exemplars: []tracetree.Exemplar{{TraceID: one, SpanID: "s"}}}
	store.AddPoints(exported)
	ledgers := []telemetry.Snapshot{{Service: "order", Instance: "j", Exported: 1}}
	points, err := client.Points(t.Context(), ledgers)
	if diff := cmp.Diff([]tracetree.Point{exported}, points); diff != "" || err != nil {
		t.Errorf("error %v, points (-want +got):\n%s", err, diff)
	}
	ledgers[0].Exported = 2
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = client.Points(ctx, ledgers)
	if err == nil {
		t.Error("metrics of 2 spans came, want an error")
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	client, _ := serve(t)
	for _, tc := range []struct{ method, path, body, want string }{
		{"POST", "/await", "{", "bad-ledgers"},
		{"POST", "/await", "[" + strings.Repeat(" ", maxBody) + "]", "bad-ledgers"},
		{"POST", "/await?timeout=-1s", "[]", "bad-timeout"},
		{"POST", "/metrics", "{", "bad-ledgers"},
		{"GET", "/journey", "", "no-id"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, client.base+tc.path,
			strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s %s: %s %s; want 400 %s", tc.method, tc.path, resp.Status, body, tc.want)
		}
	}
}

func TestJourney(t *testing.T) {
	t.Parallel()
	client, store := serve(t)
	direct, err := store.Journey(t.Context(), []string{one})
	if err != nil || len(direct.Spans) != 2 {
		t.Fatalf("store: %d spans, %v", len(direct.Spans), err)
	}
	byTrace, err := client.Journey(t.Context(), []string{two})
	if err != nil {
		t.Fatal(err)
	}
	byID, err := client.Find(t.Context(), "checkout-1")
	if err != nil {
		t.Fatal(err)
	}
	// As text, numbers are what they were: also one that no float can hold.
	want := tracetree.PrintWith(direct, tracetree.PrintOptions{})
	for _, got := range []scenario.Journey{byTrace, byID} {
		if diff := cmp.Diff(want, tracetree.PrintWith(got, tracetree.PrintOptions{})); diff != "" {
			t.Error(diff)
		}
	}
	if !strings.Contains(want, "4611686018427387905") {
		t.Logf("the tree does not print the number:\n%s", want)
	}
	if got := tracetree.ValueText(byID.Spans[0].Attributes["big"]); got != "4611686018427387905" &&
		tracetree.ValueText(byID.Spans[1].Attributes["big"]) != "4611686018427387905" {
		t.Errorf("a big integer arrives as %q", got)
	}
	if none, err := client.Find(t.Context(), "checkout-2"); err != nil || len(none.Spans) != 0 {
		t.Errorf("an unknown id: %d spans, %v", len(none.Spans), err)
	}
}

func TestPlatformAndReceived(t *testing.T) {
	t.Parallel()
	client, store := serve(t)
	store.AddLogs(tracetree.Log{Service: "order", Instance: "j"},
		tracetree.Log{Service: "order", Instance: "j"})
	fleet, err := client.Platform(t.Context())
	if err != nil || fleet.Targets["gateway"] != "http://127.0.0.1:1" ||
		fleet.Admin["gateway"] != "http://127.0.0.1:2" {
		t.Errorf("fleet %+v, %v", fleet, err)
	}
	got, err := client.Received(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Arrived{{"gateway", "i", 1, 0}, {"order", "j", 1, 2}}, got); diff != "" {
		t.Error(diff)
	}
}
