package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a peer that answers with h, and returns its URL and a client for it.
func serve(
	t *testing.T, o httpclient.Options, h http.HandlerFunc,
) (string, *http.Client, *telemetrytest.Recorder) {
	t.Helper()
	peer := httptest.NewServer(h)
	t.Cleanup(peer.Close)
	tel := telemetrytest.New(t)
	client := httpclient.New(tel.Telemetry, o)
	t.Cleanup(client.CloseIdleConnections)
	return peer.URL, client, tel
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestEveryWayToFailIsAProblem(t *testing.T) {
	t.Parallel()
	conflict := `{"type":"https://throughline.example/problems/out-of-stock","title":"Out of stock",` +
		`"status":409,"detail":"one left","left":1,"trace_id":"theirs"}`
	for name, tt := range map[string]struct {
		peer   http.HandlerFunc
		status int
		slug   string
		detail string
	}{
		"the peer's problem": {answer(409, problem.ContentType, conflict), 409, "out-of-stock", "one left"},
		"no problem":         {answer(400, "text/plain", "canary"), 502, "bad-gateway", ""},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/path" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, "{}") // must not be fetched
		}, 502, "bad-gateway", ""},
		"a problem in a 302": {answer(302, problem.ContentType, conflict), 502, "bad-gateway", ""},
		"no JSON":            {answer(200, "application/json", "canary"), 502, "bad-gateway", ""},
		"too large": {answer(200, "application/json", `"`+strings.Repeat("x", 1<<20)+`"`),
			502, "bad-gateway", ""},
		"a cut connection": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, 503, "unavailable", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, client, _ := serve(t, httpclient.Options{}, tt.peer)
			var out any
			err := httpclient.JSON(t.Context(), client, http.MethodGet,
				url+"/path?token=canary", nil, &out)
			var p *problem.Problem
			if !errors.As(err, &p) {
				t.Fatalf("error = %v, want a problem", err)
			}
			if p.Status != tt.status || p.Slug() != tt.slug || !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("problem = %+v, want %d %s", p, tt.status, tt.slug)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a value: %v", err)
			}
			if p.Members["trace_id"] != nil {
				t.Error("the peer's trace_id is passed on")
			}
		})
	}
}

func TestNobodyListensIs503AndTheHostIsForUsAlone(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	tel := telemetrytest.New(t)
	client := httpclient.New(tel.Telemetry, httpclient.Options{})
	err := httpclient.JSON(t.Context(), client, http.MethodGet, gone.URL+"/canary", nil, nil)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != 503 {
		t.Fatalf("error = %#v, want a 503", err)
	}
	host := strings.TrimPrefix(gone.URL, "http://")
	if strings.Contains(p.Detail, host) || !strings.Contains(err.Error(), host) {
		t.Errorf("detail %q, error %q, want the host %s in the latter alone", p.Detail, err, host)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows the path: %v", err)
	}
	span := tel.Span("GET")
	if span.Status.Code != codes.Error || telemetrytest.Attributes(span)["error.type"] == "" {
		t.Errorf("status %v, attributes %v, want Error and error.type", span.Status, span.Attributes)
	}
}

func TestATimeoutIs503(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url, client, _ := serve(t, httpclient.Options{Timeout: 20 * time.Millisecond},
		func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	err := httpclient.JSON(t.Context(), client, http.MethodGet, url, nil, nil)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != 503 {
		t.Errorf("error = %v, want 503", err)
	}
}

func TestAnEndedContextStaysInTheChain(t *testing.T) {
	t.Parallel()
	url, client, _ := serve(t, httpclient.Options{}, answer(200, "application/json", "{}"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := httpclient.JSON(ctx, client, http.MethodGet, url, nil, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func TestTheCallIsOneClientSpan(t *testing.T) {
	t.Parallel()
	var got http.Header
	url, client, tel := serve(t, httpclient.Options{}, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.WriteHeader(http.StatusNotFound)
	})
	ctx, parent := tel.TracerProvider.Tracer("test").Start(t.Context(), "caller")
	// User, password and query values must not be in the span.
	address := strings.Replace(url, "http://", "http://canary:canary@", 1)
	_ = httpclient.JSON(ctx, client, http.MethodGet, address+"/x?token=canary&canary&b=", nil, nil)
	parent.End()

	span := tel.Span("GET")
	if span.SpanKind != trace.SpanKindClient ||
		span.Parent.SpanID() != parent.SpanContext().SpanID() {
		t.Errorf("kind %v, parent %v", span.SpanKind, span.Parent.SpanID())
	}
	attrs := telemetrytest.Attributes(span)
	if span.Status.Code != codes.Error || attrs["error.type"] != "404" {
		t.Errorf("a 404: status %v, error.type %q, want Error and 404",
			span.Status.Code, attrs["error.type"])
	}
	if want := url + "/x?token=REDACTED&REDACTED&b=REDACTED"; attrs["url.full"] != want {
		t.Errorf("url.full = %q, want %q", attrs["url.full"], want)
	}
	if strings.Contains(fmt.Sprint(span), "canary") {
		t.Errorf("the span shows a secret: %v", span)
	}
	want := fmt.Sprintf("00-%s-%s-01", span.SpanContext.TraceID(), span.SpanContext.SpanID())
	if got.Get("traceparent") != want {
		t.Errorf("traceparent = %q, want that of the CLIENT span, %q", got.Get("traceparent"), want)
	}
	lines := tel.Lines("sent")
	if len(lines) != 1 || fmt.Sprint(lines[0]["http.request.header.traceparent"]) != "["+want+"]" ||
		lines[0]["span_id"] != span.SpanContext.SpanID().String() ||
		fmt.Sprintf("http://%s:%v", lines[0]["server.address"], lines[0]["server.port"]) != url {
		t.Errorf("wire records = %v, want one of the CLIENT span", lines)
	}
}

func TestAnotherPropagatorReplacesTheDefault(t *testing.T) {
	t.Parallel()
	var got http.Header
	url, client, _ := serve(t, httpclient.Options{Propagator: b3.New()},
		func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	if err := httpclient.JSON(t.Context(), client, http.MethodGet, url, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got.Get("traceparent") != "" || got.Get("b3") == "" {
		t.Errorf("headers = %v, want b3 and no traceparent", got)
	}
}

func TestARoundTrip(t *testing.T) {
	t.Parallel()
	type message struct {
		Text string `json:"text"`
	}
	url, client, tel := serve(t, httpclient.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("content type = %q", got)
		}
		_, _ = io.Copy(w, r.Body)
	})
	var out message
	err := httpclient.JSON(t.Context(), client, http.MethodPost, url, message{"hello"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(message{"hello"}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if span := tel.Span("POST"); span.Status.Code != codes.Unset {
		t.Errorf("status = %v, want unset", span.Status)
	}
}

func TestATooLargeResponseIsNeverTaken(t *testing.T) {
	t.Parallel()
	url, client, _ := serve(t, httpclient.Options{},
		answer(200, "application/json", `"`+strings.Repeat("x", 1<<20)+`"`))
	err := httpclient.JSON(t.Context(), client, http.MethodGet, url, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("error = %v, want one about the size", err)
	}
}

func TestIdleConnectionsOfTheBaseAreClosed(t *testing.T) {
	t.Parallel()
	base := &idler{}
	httpclient.New(telemetrytest.New(t).Telemetry, httpclient.Options{Base: base}).
		CloseIdleConnections()
	if !base.closed {
		t.Error("CloseIdleConnections did not reach the base")
	}
}

type idler struct {
	http.RoundTripper
	closed bool
}

func (i *idler) CloseIdleConnections() { i.closed = true }

func TestAMistakeOfOursIsNoProblem(t *testing.T) {
	t.Parallel()
	var p *problem.Problem
	err := httpclient.JSON(t.Context(), http.DefaultClient, http.MethodPost, "http://x",
		func() {}, nil)
	if err == nil || errors.As(err, &p) {
		t.Errorf("error = %v, want a plain one", err)
	}
}
