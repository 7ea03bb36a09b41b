package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/problem"
)

// send writes err in answer to a request inside a span, and returns the response and its body.
func send(t *testing.T, err error) (*http.Response, map[string]any) {
	t.Helper()
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{1}})
	r := httptest.NewRequestWithContext(
		trace.ContextWithSpanContext(t.Context(), sc), http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	problem.Write(w, r, err)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	return w.Result(), body
}

func TestAnErrorGivesNothingAway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
	}{
		"plain":      {errors.New("canary"), 500},
		"deadline":   {fmt.Errorf("canary: %w", context.DeadlineExceeded), 503},
		"cancelled":  {fmt.Errorf("canary: %w", context.Canceled), 503},
		"cause":      {problem.New(409, "x", "d").Because(errors.New("canary")), 409},
		"wrapped":    {fmt.Errorf("canary: %w", problem.New(404, "x", "d")), 404},
		"bad status": {problem.New(200, "x", "d"), 500},
	} {
		resp, body := send(t, tt.err)
		if resp.StatusCode != tt.status || body["status"] != float64(tt.status) {
			t.Errorf("%s: status %d, member %v, want %d",
				name, resp.StatusCode, body["status"], tt.status)
		}
		if text := fmt.Sprint(body); strings.Contains(text, "canary") {
			t.Errorf("%s: the body tells the cause: %s", name, text)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	p := problem.New(422, "unknown-sku", "there is no %q", "cup").
		With("sku", "cup").With("status", 200).With("trace_id", "forged").With("instance", "/x")
	resp, body := send(t, p)
	if diff := cmp.Diff(map[string]any{
		"type": "https://throughline.example/problems/unknown-sku", "title": "Unknown sku",
		"status": 422.0, "detail": `there is no "cup"`, "sku": "cup",
		"trace_id": "ab000000000000000000000000000000",
	}, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if p.Slug() != "unknown-sku" {
		t.Errorf("Slug = %q", p.Slug())
	}
}

func TestWithoutSlugTheTypeIsAboutBlank(t *testing.T) {
	t.Parallel()
	p := problem.New(404, "", "gone")
	if p.Type != "about:blank" || p.Title != "Not Found" || p.Slug() != "" {
		t.Errorf("got %+v", p)
	}
	if got := p.Because(io.EOF).Error(); got != "Not Found: gone: EOF" {
		t.Errorf("Error = %q", got)
	}
}

func TestWithAndBecauseCopy(t *testing.T) {
	t.Parallel()
	p := problem.New(404, "x", "d").With("a", 1)
	q := p.With("b", 2).Because(io.EOF)
	if len(p.Members) != 1 || p.Err != nil {
		t.Errorf("the original became %+v", p)
	}
	if !errors.Is(q, io.EOF) {
		t.Error("the cause is not in the chain")
	}
}

func TestAMemberThatIsNotJSONCostsTheMembersOnly(t *testing.T) {
	t.Parallel()
	resp, body := send(t, problem.New(400, "x", "d").With("nan", math.NaN()))
	if resp.StatusCode != 400 || body["detail"] != "d" {
		t.Errorf("status %d, body %v", resp.StatusCode, body)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, contentType string }{
		"another type": {`{"status":400}`, "application/json"},
		"no type":      {`{"status":400}`, ""},
		"no JSON":      {`status: 400`, problem.ContentType},
		"no object":    {`[400]`, problem.ContentType},
		"no status":    {`{"title":"x"}`, problem.ContentType},
		"success":      {`{"status":200}`, problem.ContentType},
		"wrong kind":   {`{"status":"400"}`, problem.ContentType},
		"too large": {`{"status":400,"detail":"` + strings.Repeat("x", 64<<10) + `"}`,
			problem.ContentType},
	} {
		if p, ok := problem.Parse(strings.NewReader(tt.body), tt.contentType); ok {
			t.Errorf("%s: parsed as %+v", name, p)
		}
	}
}

func TestParseReadsNoMoreThanItsBound(t *testing.T) {
	t.Parallel()
	endless := &counter{}
	_, _ = problem.Parse(endless, problem.ContentType)
	if endless.n > 64<<10+1 {
		t.Errorf("read %d bytes, want at most 64 KiB and one", endless.n)
	}
}

func TestParseReadsWhatWriteSends(t *testing.T) {
	t.Parallel()
	sent := problem.New(409, "out-of-stock", "one left").With("left", json.Number("1"))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(trace.ContextWithSpanContext(t.Context(),
		trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}})), "GET", "/", nil)
	problem.Write(w, r, sent)
	got, ok := problem.Parse(w.Body, w.Header().Get("Content-Type")+"; charset=utf-8")
	if !ok {
		t.Fatal("not parsed")
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("(-sent +got):\n%s", diff)
	}
}

type counter struct{ n int }

func (c *counter) Read(p []byte) (int, error) {
	c.n += len(p)
	return copy(p, strings.Repeat(" ", len(p))), nil
}
