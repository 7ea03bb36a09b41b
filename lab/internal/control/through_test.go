package control

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

// behind is what a service saw of a request.
type behind struct {
	Line   string
	Header http.Header
	Body   string
}

// hidden serves a fleet of one service through a lab, and returns the lab's URL.
func hidden(t *testing.T) string {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Server-Timing", "traceparent")
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(behind{r.Method + " " + r.RequestURI, r.Header, string(body)})
	}))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	lab := httptest.NewServer(Through(scenario.Fleet{
		Targets: map[string]string{"order": service.URL, "gone": gone.URL},
		Admin:   map[string]string{"order": service.URL + "/admin"},
	}, tracetree.New(1)))
	t.Cleanup(func() { lab.Close(); service.Close() })
	return lab.URL
}

func TestThroughChangesNothing(t *testing.T) {
	t.Parallel()
	lab := hidden(t)
	const path = "/orders/a%2Fb//c?page=2&bare&x=%zz;y"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, lab+"/to/order"+path,
		strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	// Two of a header that must be one, as a stranger may send, and what a proxy likes to touch.
	req.Header = http.Header{
		"Traceparent": {"one", "two"}, "Tracestate": {"a=1", "b=2"},
		"X-Forwarded-For": {"10.0.0.1"}, "User-Agent": {"me"},
		"Accept-Encoding": {"identity"}, "Baggage": {"k=v"},
	}
	want := req.Header.Clone()
	want.Set("Content-Length", "4")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got behind
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	got.Header.Del("Connection") // of the hop, not of the request
	if diff := cmp.Diff(behind{"PUT " + path, want, "body"}, got); diff != "" {
		t.Error(diff)
	}
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Server-Timing") == "" {
		t.Errorf("answer %s %v, want that of the service", resp.Status, resp.Header)
	}
}

func TestThroughTellsItsOwnAddresses(t *testing.T) {
	t.Parallel()
	lab := hidden(t)
	client := NewClient(lab, nil)
	defer client.Close()
	fleet, err := client.Platform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := scenario.Fleet{
		Targets: map[string]string{"order": lab + "/to/order", "gone": lab + "/to/gone"},
		Admin:   map[string]string{"order": lab + "/to/order-admin"},
	}
	if diff := cmp.Diff(want, fleet); diff != "" {
		t.Error(diff)
	}
	var got behind
	if err := client.do(t.Context(), http.MethodPost, "/to/order-admin/quiesce", nil, &got); err != nil ||
		got.Line != "POST /admin/quiesce" {
		t.Errorf("the admin listener got %q, %v", got.Line, err)
	}
}

func TestThroughRefuses(t *testing.T) {
	t.Parallel()
	lab := hidden(t)
	for _, tc := range []struct {
		path, site string
		status     int
		want       string
	}{
		{"/to/nobody/x", "", http.StatusNotFound, "unknown-service"},
		{"/to/gone/x", "", http.StatusBadGateway, "service-unreachable"},
		{"/to/order-admin/quiesce", "cross-site", http.StatusForbidden, "cross-origin"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lab+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tc.site != "" {
			req.Header.Set("Sec-Fetch-Site", tc.site) // as a browser does
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s: %s %s; want %d %s", tc.path, resp.Status, body, tc.status, tc.want)
		}
	}
}
