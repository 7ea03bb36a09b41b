package httpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const parent = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"

// router returns a router with one route.
func router(
	t *testing.T, o httpserver.Options, pattern string, h httpserver.HandlerFunc,
) (*httpserver.Router, *telemetrytest.Recorder) {
	t.Helper()
	tel := telemetrytest.New(t)
	o.Telemetry = tel.Telemetry
	rt := httpserver.New(o)
	rt.Handle(pattern, h)
	return rt, tel
}

func ok(w http.ResponseWriter, _ *http.Request) error {
	return httpserver.Respond(w, http.StatusOK, map[string]string{"a": "b"})
}

// ask sends a request and returns the response and its body.
func ask(
	h http.Handler, method, path, body string, headers ...string,
) (*http.Response, map[string]any) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var fields map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &fields)
	return w.Result(), fields
}

func traceID(s tracetest.SpanStub) string { return s.SpanContext.TraceID().String() }

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		h         httpserver.HandlerFunc
		status    int
		code      codes.Code
		errorType string
		level     string
	}{
		"a client's mistake": {func(http.ResponseWriter, *http.Request) error {
			return problem.New(409, "out-of-stock", "one left").Because(errors.New("the cause"))
		}, 409, codes.Unset, "", "WARN"},
		"an unavailable peer": {func(http.ResponseWriter, *http.Request) error {
			return problem.New(503, "unavailable", "order").Because(errors.New("the cause"))
		}, 503, codes.Error, "503", "ERROR"},
		"any error": {func(http.ResponseWriter, *http.Request) error {
			return errors.New("the cause")
		}, 500, codes.Error, "500", "ERROR"},
		"a panic": {func(http.ResponseWriter, *http.Request) error {
			panic("the cause")
		}, 500, codes.Error, "500", "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, tel := router(t, httpserver.Options{}, "GET /x/{id}", tt.h)
			resp, body := ask(rt, "GET", "/x/1", "")
			span := tel.Span("GET /x/{id}")
			attrs := telemetrytest.Attributes(span)
			if resp.StatusCode != tt.status || body["trace_id"] != traceID(span) {
				t.Errorf("status %d, body %v, want %d and the span's trace_id",
					resp.StatusCode, body, tt.status)
			}
			if strings.Contains(fmt.Sprint(body), "the cause") {
				t.Errorf("the body tells the cause: %v", body)
			}
			if span.Status.Code != tt.code || attrs["error.type"] != tt.errorType {
				t.Errorf("status %v, error.type %q, want %v, %q",
					span.Status.Code, attrs["error.type"], tt.code, tt.errorType)
			}
			if len(span.Events) != 0 {
				t.Errorf("events %v, want none: the log record is the one place", span.Events)
			}
			lines := append(tel.Lines("request failed"), tel.Lines("request refused")...)
			if len(lines) != 1 {
				t.Fatalf("%d log records, want one", len(lines))
			}
			line := lines[0]
			if line["level"] != tt.level || line["trace_id"] != traceID(span) ||
				!strings.Contains(fmt.Sprint(line["error"]), "the cause") ||
				line["http.response.status_code"] != float64(tt.status) {
				t.Errorf("log record = %v", line)
			}
		})
	}
}

// With 503 a stranger could raise our error rate by hanging up. What is no outage stays what it is.
func TestACallerWhoHangsUpIsNoFailureOfOurs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail      func(ctx context.Context) error
		status    string
		errorType string
	}{
		"an unavailable peer": {func(ctx context.Context) error {
			return problem.New(503, "unavailable", "order").Because(ctx.Err())
		}, "499", ""},
		"a context's own error": {func(ctx context.Context) error { return ctx.Err() }, "499", ""},
		"a mistake of theirs": {func(context.Context) error {
			return problem.New(409, "out-of-stock", "one left")
		}, "409", ""},
		"a panic": {func(context.Context) error { panic("ours") }, "500", "500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := make(chan struct{})
			rt, tel := router(t, httpserver.Options{}, "GET /x",
				func(_ http.ResponseWriter, r *http.Request) error {
					close(begun)
					<-r.Context().Done()
					return tt.fail(r.Context())
				})
			hangUpAfter(t, rt, begun)
			span := tel.Span("GET /x")
			attrs := telemetrytest.Attributes(span)
			if attrs["http.response.status_code"] != tt.status ||
				attrs["error.type"] != tt.errorType ||
				(span.Status.Code == codes.Error) != (tt.errorType != "") {
				t.Errorf("span %v, %v, want status code %s and error.type %q",
					attrs, span.Status, tt.status, tt.errorType)
			}
		})
	}
}

// hangUpAfter asks h for /x, hangs up when begun is closed, and returns when h has.
func hangUpAfter(t *testing.T, h http.Handler, begun <-chan struct{}) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		<-begun
		hangUp()
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := server.Client().Do(request); err == nil {
		_ = response.Body.Close()
		t.Fatal("there was an answer before the caller hung up")
	}
}

func TestAPanicsStackIsLoggedAndBounded(t *testing.T) {
	t.Parallel()
	var deep func(n int)
	deep = func(n int) {
		if n == 0 {
			panic(strings.Repeat("x", 10000))
		}
		deep(n - 1)
	}
	rt, tel := router(t, httpserver.Options{}, "GET /x",
		func(http.ResponseWriter, *http.Request) error { deep(200); return nil })
	ask(rt, "GET", "/x", "")
	line := tel.Lines("request failed")[0]
	stack, _ := line["exception.stacktrace"].(string)
	if !strings.Contains(stack, "goroutine") || len(stack) > 4<<10 {
		t.Errorf("stack of %d bytes, want one of at most 4 KiB", len(stack))
	}
	if message := line["error"].(string); len(message) > 300 {
		t.Errorf("message of %d bytes, want it bounded", len(message))
	}
}

func TestAFailureAfterTheResponseHasBegun(t *testing.T) {
	t.Parallel()
	rt, tel := router(t, httpserver.Options{}, "GET /x",
		func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "half")
			return errors.New("the cause")
		})
	if resp, _ := ask(rt, "GET", "/x", ""); resp.StatusCode != 200 {
		t.Errorf("status = %d", resp.StatusCode)
	}
	span := tel.Span("GET /x")
	if span.Status.Code != codes.Error || telemetrytest.Attributes(span)["error.type"] == "" {
		t.Errorf("status %v, attributes %v, want Error and error.type", span.Status, span.Attributes)
	}
	if got := len(tel.Lines("request failed")); got != 1 {
		t.Errorf("%d log records, want one", got)
	}
}

func TestAHandlersOwn5xxIsAnErrorToo(t *testing.T) {
	t.Parallel()
	rt, tel := router(t, httpserver.Options{}, "GET /x",
		func(w http.ResponseWriter, _ *http.Request) error {
			return httpserver.Respond(w, http.StatusBadGateway, nil)
		})
	ask(rt, "GET", "/x", "")
	span := tel.Span("GET /x")
	if span.Status.Code != codes.Error ||
		telemetrytest.Attributes(span)["error.type"] != "502" {
		t.Errorf("status %v, attributes %v, want Error and 502", span.Status, span.Attributes)
	}
	if got := len(tel.Lines("request failed")); got != 1 {
		t.Errorf("%d log records, want one", got)
	}
}

func TestErrAbortHandlerCutsTheConnection(t *testing.T) {
	t.Parallel()
	rt, tel := router(t, httpserver.Options{}, "GET /x",
		func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	func() {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
				t.Errorf("recovered %v, want %v", err, http.ErrAbortHandler)
			}
		}()
		w := httptest.NewRecorder()
		defer func() {
			if w.Body.Len() > 0 {
				t.Errorf("the caller was sent %q", w.Body)
			}
		}()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil))
	}()
	span := tel.Span("GET /x")
	if span.Status.Code != codes.Error || telemetrytest.Attributes(span)["error.type"] == "" {
		t.Errorf("status %v, attributes %v, want Error and error.type", span.Status, span.Attributes)
	}
}

func TestWhatNoRouteMatchesIsInstrumented(t *testing.T) {
	t.Parallel()
	rt, tel := router(t, httpserver.Options{}, "GET /x", ok)
	resp, body := ask(rt, "PUT", "/y", "")
	span := tel.Span("PUT")
	if resp.StatusCode != 404 || body["trace_id"] != traceID(span) {
		t.Errorf("unmatched path: %d %v", resp.StatusCode, body)
	}
	if attrs := telemetrytest.Attributes(span); attrs["http.route"] != "" {
		t.Errorf("http.route = %q, want none", attrs["http.route"])
	}
	resp, body = ask(rt, "POST", "/x", "")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" ||
		body["trace_id"] != traceID(tel.Span("POST")) {
		t.Errorf("unmatched method: %d, Allow %q, %v",
			resp.StatusCode, resp.Header.Get("Allow"), body)
	}
}

func TestARequestIsOneServerSpanNamedByItsPattern(t *testing.T) {
	t.Parallel()
	rt, tel := router(t, httpserver.Options{}, "POST /checkouts/{id}", ok)
	resp, _ := ask(rt, "POST", "/checkouts/7", "", "Traceparent", parent, "Baggage", "k=canary")
	if got := tel.Spans(); len(got) != 1 {
		t.Fatalf("%d spans, want one", len(got))
	}
	span := tel.Span("POST /checkouts/{id}")
	if attrs := telemetrytest.Attributes(span); attrs["http.route"] != "/checkouts/{id}" {
		t.Errorf("http.route = %q", attrs["http.route"])
	}
	if span.SpanKind != trace.SpanKindServer || !span.Parent.IsRemote() ||
		span.Parent.SpanID().String() != "bbbbbbbbbbbbbbbb" || span.Status.Code != codes.Unset {
		t.Errorf("kind %v, parent %v, status %v", span.SpanKind, span.Parent, span.Status)
	}
	timing := resp.Header.Get("Server-Timing")
	if want := fmt.Sprintf("00-%s-%s-01", traceID(span), span.SpanContext.SpanID()); !strings.Contains(
		timing, want) {
		t.Errorf("Server-Timing = %q, want it to contain %s", timing, want)
	}
	lines := tel.Lines("received")
	if len(lines) != 1 {
		t.Fatalf("%d wire records, want one", len(lines))
	}
	for key, want := range map[string]any{
		"http.request.header.traceparent": []any{parent}, "shop.baggage.members": []any{"k"},
		"http.request.method": "POST", "http.route": "/checkouts/{id}",
		"span_id": span.SpanContext.SpanID().String()} {
		if !cmp.Equal(lines[0][key], want) {
			t.Errorf("wire record: %s = %v, want %v", key, lines[0][key], want)
		}
	}
}

func TestTheEdgeChoosesTheRemoteParent(t *testing.T) {
	t.Parallel()
	chosen := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
		Remote: true})
	pathValue := ""
	rt, tel := router(t, httpserver.Options{
		Propagator: propagation.NewCompositeTextMapPropagator(), // extracts nothing
		Edge: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				pathValue = r.PathValue("id")
				ctx := trace.ContextWithRemoteSpanContext(r.Context(), chosen)
				next.ServeHTTP(w, r.WithContext(ctx))
			})
		},
	}, "GET /x/{id}", ok)
	ask(rt, "GET", "/x/7", "", "Traceparent", parent) // the stranger's must not win
	span := tel.Span("GET /x/{id}")
	if !span.Parent.IsRemote() || !span.Parent.Equal(chosen) {
		t.Errorf("parent = %+v, want %+v", span.Parent, chosen)
	}
	if attrs := telemetrytest.Attributes(span); attrs["http.route"] != "/x/{id}" {
		t.Errorf("http.route = %q: the edge must not cost it", attrs["http.route"])
	}
	if pathValue != "7" {
		t.Errorf("the edge saw id %q, want 7", pathValue)
	}
}

func TestRespondRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	rt, _ := router(t, httpserver.Options{}, "GET /x",
		func(w http.ResponseWriter, _ *http.Request) error {
			return httpserver.Respond(w, 200, func() {})
		})
	if resp, _ := ask(rt, "GET", "/x", ""); resp.StatusCode != 500 {
		t.Errorf("status = %d, want 500", resp.StatusCode)
	}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	rt, _ := router(t, httpserver.Options{}, "GET /x",
		func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "first")
			return http.NewResponseController(w).Flush()
		})
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", "/x", nil))
	if !w.Flushed || w.Body.String() != "first" {
		t.Errorf("flushed %t, body %q", w.Flushed, w.Body)
	}
	if diff := cmp.Diff(200, w.Code); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestHeadersAreMendedBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	other := strings.Replace(parent, "b", "c", 1)
	rt, tel := router(t, httpserver.Options{}, "GET /x", ok)
	ask(rt, "GET", "/x", "", "traceparent", parent, "traceparent", other, "tracestate", "a=1")
	if span := tel.Span("GET /x"); span.Parent.IsValid() || span.SpanContext.TraceState().Len() > 0 {
		t.Errorf("two traceparents: parent %v, tracestate %q, want neither",
			span.Parent, span.SpanContext.TraceState())
	}
	if lines := tel.Lines("received"); len(lines) != 1 ||
		!cmp.Equal(lines[0]["http.request.header.traceparent"], []any{parent, other}) {
		t.Errorf("received %v, want what came over the wire", lines)
	}
	ask(rt, "GET", "/nowhere", "", "traceparent", parent, "traceparent", other)
	if span := tel.Span("GET"); span.Parent.IsValid() {
		t.Errorf("two traceparents on no route: parent %v, want none", span.Parent)
	}
	rt, tel = router(t, httpserver.Options{}, "GET /x", ok)
	ask(rt, "GET", "/x", "", "traceparent", parent, "tracestate", "a=1", "tracestate", "b=2")
	if got := tel.Span("GET /x").SpanContext.TraceState().String(); got != "a=1,b=2" {
		t.Errorf("tracestate in two lines: %q, want a=1,b=2", got)
	}
}
