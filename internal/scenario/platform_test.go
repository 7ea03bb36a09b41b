package scenario_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// platform is a service that poses as gateway: real HTTP, real spans, an admin listener.
type platform struct {
	store  *tracetree.Store
	fleet  scenario.Fleet
	tracer trace.Tracer

	mu       sync.Mutex
	ended    int64
	missing  int64 // spans that the ledger claims on top
	lost     int64 // spans that ended but are neither exported nor dropped
	pending  int64
	logs     int64 // log records that the ledger claims
	quiesced int
	faults   map[string]bool
	asked    []string // requests to the admin listener that change something
	headers  []http.Header
	last     trace.SpanContext // of the last request's span
}

func (p *platform) served() trace.SpanContext {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{store: tracetree.New(1000), faults: map[string]bool{"sever": false}}
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(p.store.SpanExporter()),
		sdktrace.WithResource(sdkresource.NewSchemaless(
			attribute.String("service.name", "gateway"),
			attribute.String("service.instance.id", "g-1"))))
	p.tracer = tp.Tracer("test")
	public := httptest.NewServer(http.HandlerFunc(p.serve))
	admin := httptest.NewServer(p.admin())
	t.Cleanup(public.Close)
	t.Cleanup(admin.Close)
	p.fleet = scenario.Fleet{
		Targets: map[string]string{"gateway": public.URL, "other": "http://127.0.0.1:1"},
		Admin:   map[string]string{"gateway": admin.URL},
	}
	return p
}

func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.headers = append(p.headers, r.Header.Clone())
	body, _ := io.ReadAll(r.Body)
	ctx, span := p.tracer.Start(r.Context(), r.Method+" "+r.URL.Path,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.Int("length", len(body)),
			attribute.String("shop.workflow.id", r.URL.Query().Get("workflow"))))
	sc := span.SpanContext()
	p.last = sc
	w.Header().Set("Server-Timing", fmt.Sprintf(`db;dur=1, traceparent;desc="00-%s-%s-01"`,
		sc.TraceID(), sc.SpanID()))
	var options []trace.SpanStartOption
	if p.faults["sever"] {
		options = append(options, trace.WithNewRoot())
	}
	_, child := p.tracer.Start(ctx, "work", options...)
	child.End()
	span.End()
	p.ended += 2
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
		return
	case "/silent":
		w.Header().Del("Server-Timing")
	case "/big":
		io.WriteString(w, `{"n": 90071992547409931, "type": "`+r.Header.Get("Content-Type")+`"}`)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id": "t-%d", "items": [{"qty": 2, "of": null}], "echo": %q}`,
		len(p.headers), body)
}

func (p *platform) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /quiesce", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.quiesced++
		_ = json.NewEncoder(w).Encode(telemetry.Snapshot{
			Service: "gateway", Instance: "g-1", Pending: p.pending,
			Ended: p.ended + p.missing + p.lost, Exported: p.ended + p.missing,
			Logs: telemetry.LogCounts{Emitted: p.logs, Exported: p.logs},
		})
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"name":"sever","about":"Begins a new trace.","on":false}]`)
	})
	mux.HandleFunc("/faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = append(p.asked, r.Method+" "+r.PathValue("name"))
		p.faults[r.PathValue("name")] = r.Method == http.MethodPut
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}
