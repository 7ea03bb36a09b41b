package platform_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The spans of a stream's request arrive while it is open, at both hops, and nobody waits for it.
func TestAStreamHoldsNoSpan(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.quoted(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next := r.listen(t, ctx, path)
	for _, state := range []string{"created", "filled", "addressed", "quoted"} {
		if got := next(); got != "order."+state {
			t.Fatalf("event %q, want order.%s", got, state)
		}
	}
	ended := map[string]int{}
	for _, s := range r.journey(t).Spans {
		if strings.HasSuffix(s.Name, "/events") || s.Name == "GET" && s.Service == "gateway" {
			ended[s.Service+" "+s.Kind]++
		}
	}
	for _, span := range []string{"gateway server", "gateway client", "order server"} {
		if ended[span] != 1 {
			t.Errorf("%s: %d spans have ended, want 1", span, ended[span])
		}
	}
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	if got := next(); got != "order.authorised" {
		t.Errorf("event %q, want order.authorised", got)
	}
}

// Whoever still listens does not keep the services from stopping.
func TestAPlatformWithListenersStops(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	next := r.listen(t, t.Context(), r.quoted(t))
	next()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopped after %v, want it at once", took)
	}
	for next() != "" { // to the end of the stream
	}
}

// listen opens the stream of a checkout and returns what reads the name of its next event, "" at
// its end.
func (r *running) listen(t *testing.T, ctx context.Context, path string) (next func() string) {
	t.Helper()
	url := r.Fleet().Targets["gateway"] + path + "/events"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	text := bufio.NewScanner(resp.Body)
	return func() string {
		for text.Scan() {
			if name, ok := strings.CutPrefix(text.Text(), "event: "); ok {
				return name
			}
		}
		return ""
	}
}
