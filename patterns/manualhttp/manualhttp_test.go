package manualhttp

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestTheServerIsUnderTheClientAndNotBesideIt(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	ctx, caller := tracer.Start(t.Context(), "place order")
	call(t, ctx, tracer, respond(http.StatusOK), "/orders/o-7?token=secret")
	caller.End()

	server, client := spans.Ended()[0], spans.Ended()[1]
	if client.Parent().SpanID() != caller.SpanContext().SpanID() {
		t.Errorf("CLIENT's parent = %v, want the caller", client.Parent().SpanID())
	}
	if want := client.SpanContext().WithRemote(true); !server.Parent().Equal(want) {
		t.Errorf("SERVER's parent = %v, remote %t, want the CLIENT, remote",
			server.Parent().SpanID(), server.Parent().IsRemote())
	}
	if server.SpanKind() != trace.SpanKindServer || client.SpanKind() != trace.SpanKindClient {
		t.Errorf("kinds = %v, %v", server.SpanKind(), client.SpanKind())
	}
	if server.Name() != "GET /orders/{id}" || client.Name() != "GET" {
		t.Errorf("names = %q, %q", server.Name(), client.Name())
	}
	if diff := cmp.Diff(map[string]string{
		"http.request.method": "GET", "http.route": "/orders/{id}", "url.path": "/orders/o-7",
		"url.scheme": "http", "http.response.status_code": "200",
	}, attributes(server)); diff != "" {
		t.Errorf("SERVER's attributes (-want +got):\n%s", diff)
	}
	got := attributes(client)
	if !strings.HasSuffix(got["url.full"], "/orders/o-7") || got["server.address"] != "127.0.0.1" ||
		got["server.port"] == "" || got["http.response.status_code"] != "200" {
		t.Errorf("CLIENT's attributes = %v", got)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		next           http.Handler
		client, server string // error.type
	}{
		"200":      {respond(200), "", ""},
		"implicit": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "", ""},
		"body only": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("x"))
		}), "", ""},
		"early hints": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		}), "404", ""},
		"404": {respond(404), "404", ""},
		"503": {respond(503), "503", "503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := recording()
			call(t, t.Context(), tracer, test.next, "/orders/o-7")
			checkStatus(t, "SERVER", spans.Ended()[0], test.server)
			checkStatus(t, "CLIENT", spans.Ended()[1], test.client)
		})
	}
}

func TestNoResponse(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	refused := errors.New("refused")
	transport := Transport{Tracer: tracer, Propagator: propagation.TraceContext{},
		Base: roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused })}
	r := httptest.NewRequestWithContext(t.Context(), "BREW", "https://u:p@h/pot", nil)
	if _, err := transport.RoundTrip(r); !errors.Is(err, refused) {
		t.Errorf("error = %v, want %v", err, refused)
	}
	if r.Header.Get("traceparent") != "" {
		t.Error("the caller's request changed")
	}
	span := spans.Ended()[0]
	checkStatus(t, "CLIENT", span, "*errors.errorString")
	want := map[string]string{
		"http.request.method": "_OTHER", "url.full": "https://h/pot", "server.address": "h",
		"server.port": "443", "error.type": "*errors.errorString"}
	if diff := cmp.Diff(want, attributes(span)); diff != "" || span.Name() != "HTTP" {
		t.Errorf("%q: attributes (-want +got):\n%s", span.Name(), diff)
	}
}

func TestAHandlerThatPanicsIsAnError(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	h := handler(tracer, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(),
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}()
	checkStatus(t, "SERVER", spans.Ended()[0], "500")
}

func TestMalformedContextMakesARoot(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("traceparent", "00-zero")
	handler(tracer, respond(200)).ServeHTTP(httptest.NewRecorder(), r)
	if parent := spans.Ended()[0].Parent(); parent.IsValid() {
		t.Errorf("parent = %v, want none", parent.SpanID())
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func recording() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"), spans
}

func respond(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func handler(tracer trace.Tracer, next http.Handler) http.Handler {
	return Handler{Tracer: tracer, Propagator: propagation.TraceContext{},
		Route: "/orders/{id}", Next: next}
}

// call makes one request, and returns when both spans have ended.
func call(tb testing.TB, ctx context.Context, tracer trace.Tracer, next http.Handler, path string) {
	tb.Helper()
	server := httptest.NewServer(handler(tracer, next))
	client := http.Client{Transport: Transport{Tracer: tracer, Propagator: propagation.TraceContext{},
		Base: server.Client().Transport}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		tb.Error(err)
	}
	server.Close()
}

func checkStatus(t *testing.T, name string, span sdktrace.ReadOnlySpan, errorType string) {
	t.Helper()
	want := codes.Unset
	if errorType != "" {
		want = codes.Error
	}
	if got := span.Status(); got.Code != want || got.Description != "" {
		t.Errorf("%s: status = %v, want %v without text", name, got, want)
	}
	if got := attributes(span)["error.type"]; got != errorType {
		t.Errorf("%s: error.type = %q, want %q", name, got, errorType)
	}
}

func attributes(span sdktrace.ReadOnlySpan) map[string]string {
	got := map[string]string{}
	for _, kv := range span.Attributes() {
		got[string(kv.Key)] = kv.Value.String()
	}
	return got
}
