package httpserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

// maxAttribute is more than any attribute of a span may have, in bytes.
const maxAttribute = 1024

// What is too large is refused before the edge or a handler sees it, with a problem, and is on no
// span at its full length.
func TestTooLargeIsRefusedBeforeWorkIsDone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 9<<10)
	many := make([]string, 0, 130)
	for i := range 65 {
		many = append(many, fmt.Sprintf("X-%d", i), "1")
	}
	for name, test := range map[string]struct {
		path   string
		header []string
		status int
		slug   string
	}{
		"path":             {"/x/" + strings.Repeat("p", 2<<10), nil, 414, "uri-too-long"},
		"query":            {"/x/1?token=" + strings.Repeat("q", 2<<10), nil, 414, "uri-too-long"},
		"one field":        {"/x/1", []string{"User-Agent", long + long}, 431, "header-too-large"},
		"two fields":       {"/x/1", []string{"A", long, "B", long}, 431, "header-too-large"},
		"one repeated":     {"/x/1", []string{"Tracestate", long, "Tracestate", long}, 431, "header-too-large"},
		"many fields":      {"/x/1", many, 431, "too-many-header-fields"},
		"no such path":     {"/y" + strings.Repeat("/", 2<<10), nil, 414, "uri-too-long"},
		"large name":       {"/x/1", []string{long + long, "1"}, 431, "header-too-large"},
		"baggage and more": {"/x/1", []string{"Baggage", "k=" + long, "Cookie", long}, 431, "header-too-large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := func(http.ResponseWriter, *http.Request) error {
				t.Error("the handler was called")
				return nil
			}
			edge := func(http.Handler) http.Handler {
				return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					t.Error("the edge was asked")
				})
			}
			rt, tel := router(t, httpserver.Options{Edge: edge}, "GET /x/{id}", seen)
			resp, body := ask(rt, "GET", test.path, "", test.header...)
			if resp.StatusCode != test.status || body["type"] != problem.TypeBase+test.slug ||
				resp.Header.Get("Content-Type") != problem.ContentType {
				t.Errorf("status %d, %v, want %d %s", resp.StatusCode, body, test.status, test.slug)
			}
			span := tel.Span("GET")
			if body["trace_id"] != traceID(span) {
				t.Errorf("trace_id %v, want that of the span", body["trace_id"])
			}
			for key, value := range telemetrytest.Attributes(span) {
				if len(value) > maxAttribute {
					t.Errorf("attribute %s has %d bytes", key, len(value))
				}
			}
		})
	}
}

// What is just small enough is served, and its span is bounded all the same.
func TestTheLargestRequest(t *testing.T) {
	t.Parallel()
	rt, tel := router(t, httpserver.Options{}, "GET /x/{id}", ok)
	resp, _ := ask(rt, "GET", "/x/"+strings.Repeat("p", 2<<10-3), "",
		"User-Agent", strings.Repeat("u", 15<<10))
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", resp.StatusCode)
	}
	for key, value := range telemetrytest.Attributes(tel.Span("GET /x/{id}")) {
		if len(value) > maxAttribute {
			t.Errorf("attribute %s has %d bytes", key, len(value))
		}
	}
}

// More at the same time than there is room for are refused at once, and there is room again when
// one is done.
func TestTooManyAtTheSameTime(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := func(w http.ResponseWriter, r *http.Request) error {
		entered <- struct{}{}
		<-leave
		return ok(w, r)
	}
	rt, _ := router(t, httpserver.Options{MaxRequests: 2}, "GET /slow", slow)
	rt.Handle("GET /fast", ok)
	done := make(chan int, 2)
	for range 2 {
		go func() {
			resp, _ := ask(rt, "GET", "/slow", "")
			done <- resp.StatusCode
		}()
		<-entered
	}
	resp, body := ask(rt, "GET", "/fast", "")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" ||
		body["type"] != problem.TypeBase+"overloaded" {
		t.Errorf("status %d, %v, want 503, overloaded, with Retry-After", resp.StatusCode, body)
	}
	close(leave)
	for range 2 {
		if status := <-done; status != 200 {
			t.Errorf("one that was under way got %d, want 200", status)
		}
	}
	if resp, _ := ask(rt, "GET", "/fast", ""); resp.StatusCode != 200 {
		t.Errorf("status %d after the others, want 200", resp.StatusCode)
	}
}
