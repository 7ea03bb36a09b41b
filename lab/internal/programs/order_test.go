package programs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/patterns/responsecontext"
)

// order is one checkout, and the customer who wants it confirmed whatever happens.
type order struct {
	id, url string
	client  *http.Client

	mu       sync.Mutex
	served   []trace.SpanContext // of every request that was answered
	confirms map[string]bool     // traces of the attempts to confirm
	statuses map[int]int
}

// answer is what a customer looks at in a response.
type answer struct {
	status int
	body   map[string]any
	trace  trace.SpanContext
}

// authorised opens a checkout and takes it as far as its payment.
func (f *fleet) authorised(t *testing.T) *order {
	t.Helper()
	o := &order{url: f.at("gateway/http") + "/checkouts", client: client(t),
		confirms: map[string]bool{}, statuses: map[int]int{}}
	opened := o.must(t, "POST", "", `{"customer":"c-1","continuation":"linked"}`)
	o.id, _ = opened.body["id"].(string)
	o.url += "/" + o.id
	o.must(t, "PUT", "/items", `{"items":[{"sku":"mug","qty":2}]}`)
	o.must(t, "PUT", "/shipping", `{"country":"DE","method":"standard"}`)
	o.must(t, "POST", "/quote", `{}`)
	o.must(t, "POST", "/payment", `{"card_token":"tok_visa"}`)
	return o
}

func (o *order) must(t *testing.T, method, path, body string) answer {
	t.Helper()
	a, err := o.call(t.Context(), method, path, body, "")
	if err != nil || a.status/100 != 2 {
		t.Fatalf("%s %s: status %d, %v, %v", method, path, a.status, a.body, err)
	}
	return a
}

// confirm asks for the confirmation until the order is confirmed, as a customer does whose
// requests fail: again with the same Idempotency-Key. A request that Redis' death has cut off holds
// its key for half a minute; who does not wait takes another key, and leaves it to the state of the
// order that nothing is done twice.
func (o *order) confirm(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for keys := 1; ; {
		a, err := o.call(ctx, "POST", "/confirm", "", fmt.Sprintf("key-%d", keys))
		if err != nil { // the gateway lives: it answers every request
			t.Errorf("confirm %s: %v", o.id, err)
			return
		}
		if kind, _ := a.body["type"].(string); strings.HasSuffix(kind, "/in-progress") {
			keys++
		}
		if a.status == http.StatusOK || o.isConfirmed(ctx) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Errorf("confirm %s: not within %v, the last answer: %d %v",
				o.id, patience, a.status, a.body)
			return
		}
	}
}

func (o *order) isConfirmed(ctx context.Context) bool {
	a, err := o.call(ctx, "GET", "", "", "")
	return err == nil && a.body["state"] == "confirmed"
}

// state returns the state of the order and that of its payment.
func (o *order) state(t *testing.T) (state, payment any) {
	t.Helper()
	a := o.must(t, "GET", "", "")
	return a.body["state"], a.body["payment"]
}

func (o *order) call(
	ctx context.Context, method, path, body, key string,
) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, o.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode}
	a.trace, _ = responsecontext.Parse(resp.Header)
	o.note(a, path)
	return a, json.Unmarshal(data, &a.body)
}

// note remembers which traces served the customer.
func (o *order) note(a answer, path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.statuses[a.status]++
	o.served = append(o.served, a.trace)
	if path == "/confirm" {
		o.confirms[a.trace.TraceID().String()] = true
	}
}
