package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"example.com/throughline/internal/admin"
	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type check = func(context.Context) error

// ask returns status and body of one request.
func ask(t *testing.T, c admin.Config, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	admin.Handler(c).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w.Code, w.Body.String()
}

// A page in the browser of whoever operates the service must not switch faults or run jobs.
func TestPagesOfOthersChangeNothing(t *testing.T) {
	t.Parallel()
	ran := 0
	h := admin.Handler(admin.Config{Jobs: map[string]admin.Job{
		"fulfil": func(context.Context, url.Values) (any, error) {
			ran++
			return nil, nil
		},
	}})
	for name, test := range map[string]struct {
		header, value string
		status        int
	}{
		"curl":          {"User-Agent", "curl/8", 200},
		"same page":     {"Origin", "http://example.com", 200},
		"another page":  {"Origin", "https://evil.example", 403},
		"another site":  {"Sec-Fetch-Site", "cross-site", 403},
		"another port":  {"Sec-Fetch-Site", "same-site", 403},
		"opaque origin": {"Origin", "null", 403},
	} {
		before := ran
		r := httptest.NewRequestWithContext(t.Context(), "POST", "http://example.com/jobs/fulfil", nil)
		r.Header.Set(test.header, test.value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || (ran > before) != (test.status == 200) {
			t.Errorf("%s: status %d, ran %t, want %d", name, w.Code, ran > before, test.status)
		}
	}
}

func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestReadinessFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		status, body := ask(t, admin.Config{Ready: map[string]check{
			"good": func(context.Context) error { return nil },
			"bad":  func(context.Context) error { return errors.New("refused") },
			"slow": untilDone,
			"deaf": func(context.Context) error {
				<-release
				return nil
			},
		}}, http.MethodGet, "/readyz")
		if status != http.StatusServiceUnavailable {
			t.Errorf("status = %d, want 503", status)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		late := context.DeadlineExceeded.Error()
		if diff := cmp.Diff(map[string]any{"status": "not ready", "checks": map[string]any{
			"good": "ok", "bad": "refused", "slow": late, "deaf": late,
		}}, got); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
	})
}

func TestReadyAndLive(t *testing.T) {
	t.Parallel()
	c := admin.Config{Ready: map[string]check{
		"redis": func(context.Context) error { return nil }}}
	status, body := ask(t, c, http.MethodGet, "/readyz")
	if want := `{"status":"ready","checks":{"redis":"ok"}}` + "\n"; status != 200 || body != want {
		t.Errorf("readyz = %d %s, want 200 %s", status, body, want)
	}
	if status, _ := ask(t, c, http.MethodGet, "/livez"); status != 200 {
		t.Errorf("livez = %d, want 200", status)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var faults fault.Set
	sw := faults.Declare("lost", "Context is lost.")
	c := admin.Config{Faults: &faults}
	status, body := ask(t, c, http.MethodPut, "/faults/unknown")
	if status != http.StatusNotFound || !strings.Contains(body, "lost") {
		t.Errorf("unknown fault: %d %s, want 404 that lists the known", status, body)
	}
	if status, _ := ask(t, c, http.MethodPut, "/faults/lost"); status != 204 || !sw.On() {
		t.Errorf("PUT: status %d, on %t", status, sw.On())
	}
	_, body = ask(t, c, http.MethodGet, "/faults")
	if want := `[{"name":"lost","about":"Context is lost.","on":true}]` + "\n"; body != want {
		t.Errorf("GET = %s, want %s", body, want)
	}
	if status, _ := ask(t, c, http.MethodDelete, "/faults/lost"); status != 204 || sw.On() {
		t.Errorf("DELETE: status %d, on %t", status, sw.On())
	}
	if _, body := ask(t, admin.Config{}, http.MethodGet, "/faults"); body != "[]\n" {
		t.Errorf("without faults GET = %q, want an empty list", body)
	}
}

func TestQuiesceWaitsInOrderAndFlushes(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	_, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "work")
	order := ""
	c := admin.Config{Telemetry: tel.Telemetry, Idle: []check{
		func(context.Context) error { order += "a"; return nil },
		func(context.Context) error { order += "b"; span.End(); return nil },
	}}
	status, body := ask(t, c, http.MethodPost, "/quiesce")
	var got telemetry.Snapshot
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if status != 200 || order != "ab" || got.Ended != 1 || got.Exported != 1 || got.Pending != 0 {
		t.Errorf("status %d, order %s, ledger %+v, want one exported span", status, order, got)
	}
	if err := got.Balanced(); err != nil {
		t.Error(err)
	}
	if _, again := ask(t, c, http.MethodGet, "/ledger"); again != body {
		t.Errorf("ledger = %s, want %s", again, body)
	}
	if got := tel.Spans(); len(got) != 1 {
		t.Errorf("%d spans, want the test's own: admin is not traced", len(got))
	}
}

func TestQuiesceSaysWhatIsAway(t *testing.T) {
	t.Parallel()
	away := func(context.Context) error { return errors.New("redis: connection refused") }
	c := admin.Config{Telemetry: telemetrytest.New(t).Telemetry, Idle: []check{away}}
	status, body := ask(t, c, http.MethodPost, "/quiesce")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "connection refused") {
		t.Errorf("quiesce = %d %s, want a 503 problem that says so", status, body)
	}
}

func TestQuiesceGivesUp(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	synctest.Test(t, func(t *testing.T) {
		c := admin.Config{Telemetry: tel.Telemetry, Idle: []check{untilDone}}
		status, body := ask(t, c, http.MethodPost, "/quiesce")
		if status != http.StatusGatewayTimeout || !strings.Contains(body, "not-idle") {
			t.Errorf("quiesce = %d %s, want a 504 problem", status, body)
		}
	})
}
