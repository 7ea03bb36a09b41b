package httpserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
)

type order struct {
	Customer string `json:"customer"`
	Items    []struct {
		SKU string `json:"sku"`
		Qty int    `json:"qty"`
	} `json:"items"`
}

func decode(w http.ResponseWriter, r *http.Request) error {
	var o order
	if err := httpserver.Decode(r, &o); err != nil {
		return err
	}
	return httpserver.Respond(w, http.StatusOK, o)
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	rt, _ := router(t, httpserver.Options{}, "POST /x", decode)
	for name, tt := range map[string]struct {
		body, contentType string
		status            int
		detail            string
	}{
		"empty":          {"", "", 400, "empty"},
		"spaces":         {"  \n", "", 400, "empty"},
		"no JSON":        {`{"customer":x}`, "", 400, "offset 13"},
		"cut":            {`{"customer":"x"`, "", 400, "too early"},
		"unknown field":  {`{"custommer":"x"}`, "", 400, `"custommer"`},
		"wrong type":     {`{"customer":1}`, "", 400, `"customer" is a JSON number: want a string`},
		"nested":         {`{"items":[{"qty":"1"}]}`, "", 400, "qty"},
		"too large int":  {`{"items":[{"qty":1e99}]}`, "", 400, "an integer"},
		"not an object":  {`[]`, "", 400, "want an object"},
		"two values":     {`{} {}`, "", 400, "offset 2"},
		"trailing":       {`{}x`, "", 400, "offset"},
		"a form":         {"a=b", "application/x-www-form-urlencoded", 415, "application/json"},
		"a broken type":  {"{}", "application/json;;", 415, ""},
		"a longish type": {"{}", "application/jsonx", 415, ""},
		"10 MB":          {`{"customer":"` + strings.Repeat("x", 10<<20) + `"}`, "", 413, "65536"},
		"10 MB trailing": {`{}` + strings.Repeat(" ", 10<<20), "", 413, "65536"},
	} {
		headers := []string{}
		if tt.contentType != "" {
			headers = []string{"Content-Type", tt.contentType}
		}
		resp, body := ask(rt, "POST", "/x", tt.body, headers...)
		detail, _ := body["detail"].(string)
		if resp.StatusCode != tt.status || !strings.Contains(detail, tt.detail) {
			t.Errorf("%s: %d %q, want %d and %q", name, resp.StatusCode, detail, tt.status, tt.detail)
		}
		if len(detail) > 200 {
			t.Errorf("%s: a detail of %d bytes", name, len(detail))
		}
	}
}

func TestGoodBodies(t *testing.T) {
	t.Parallel()
	rt, _ := router(t, httpserver.Options{}, "POST /x", decode)
	for _, contentType := range []string{
		"application/json", "application/json; charset=utf-8", "application/vnd.shop+json",
	} {
		resp, body := ask(rt, "POST", "/x", " {\"customer\":\"c\"}\n", "Content-Type", contentType)
		if resp.StatusCode != 200 || body["customer"] != "c" {
			t.Errorf("%s: %d %v", contentType, resp.StatusCode, body)
		}
	}
}

func TestNoMoreThanTheBoundIsRead(t *testing.T) {
	t.Parallel()
	rt, _ := router(t, httpserver.Options{MaxBody: 100}, "POST /x", decode)
	body := &endless{}
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, httptest.NewRequest("POST", "/x", body))
	if w.Code != 413 || body.n > 101 {
		t.Errorf("status %d, read %d bytes, want 413 and at most 101", w.Code, body.n)
	}
	p, ok := problem.Parse(w.Body, w.Header().Get("Content-Type"))
	if !ok || p.Slug() != "body-too-large" {
		t.Errorf("problem = %+v", p)
	}
}

func TestDecodeBoundsABodyWithoutARouter(t *testing.T) {
	t.Parallel()
	body := &endless{}
	var v any
	err := httpserver.Decode(httptest.NewRequest("POST", "/x", body), &v)
	if err == nil || body.n > httpserver.DefaultMaxBody+1 {
		t.Errorf("error %v, read %d bytes", err, body.n)
	}
}

// endless is a JSON string without an end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '"'
		if e.n > 0 {
			p[i] = 'x'
		}
		e.n++
	}
	return len(p), nil
}

var _ io.Reader = (*endless)(nil)
