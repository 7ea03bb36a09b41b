package platform_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/throughline/internal/tracetree"
)

// A URL that would not be called is refused when it is registered, whatever is wrong with it.
func TestCallbackURLsAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	customer := r.Fleet().Targets["customer"]
	long := customer + "/" + strings.Repeat("x", 512-len(customer)-1)
	for _, target := range []string{
		"http://127.0.0.1/", "http://localhost:1/", "http://[::1]/", "ftp" + customer[4:],
		"javascript:alert(1)", "//example.com", "%zz", "http://user@" + customer[7:],
		customer + "@example.com/", long + "x",
	} {
		body, err := json.Marshal(map[string]string{"customer": "c-1", "callback_url": target})
		if err != nil {
			t.Fatal(err)
		}
		a := r.call(t, "POST", "/checkouts", string(body))
		wantProblem(t, a, 422)
		if slug, _ := a.body["type"].(string); !strings.HasSuffix(slug, "/invalid-callback-url") {
			t.Errorf("%.80q: got %v, want invalid-callback-url", target, a.body)
		}
	}
	r.must(t, "POST", "/checkouts", `{"customer":"c-1","callback_url":"`+long+`"}`)
}

// What the customer is told is the CLIENT span itself.
func TestTheCustomerIsToldTheClientSpan(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.confirmed(t, "/hook")
	var got struct{ Traceparent string }
	r.ask(t, "customer", "/received/"+strings.TrimPrefix(path, "/checkouts/"), &got)
	for _, s := range r.journey(t).Spans {
		if s.Service == "order" && s.Kind == "client" && s.Name == "POST" &&
			strings.Contains(tracetree.ValueText(s.Attributes["url.full"]), "REDACTED") {
			if want := "00-" + s.TraceID + "-" + s.SpanID + "-01"; got.Traceparent != want {
				t.Errorf("told %s, want %s", got.Traceparent, want)
			}
			return
		}
	}
	t.Error("no CLIENT span of a webhook")
}

// A customer's server that refuses costs the order nothing: the job's spans say what happened.
func TestAWebhookThatIsNotAcceptedCostsTheOrderNothing(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.confirmed(t, "/no-such-path?key=canary")
	if a := r.must(t, "GET", path, ""); a.body["state"] != "confirmed" {
		t.Errorf("got %v, want a confirmed order", a.body)
	}
	j := r.journey(t)
	for _, s := range j.Spans {
		if s.Name == "notify customer" {
			if got := tracetree.ValueText(s.Attributes["error.type"]); got != "404" {
				t.Errorf("error.type = %q, want 404", got)
			}
			if places := j.Where("canary"); len(places) != 0 {
				t.Errorf("the query is in %v", places)
			}
			return
		}
	}
	t.Error("no span of the job")
}

// confirmed takes a checkout to its end; its status is sent to a path of the customer's server.
func (r *running) confirmed(t *testing.T, hook string) (path string) {
	t.Helper()
	a := r.must(t, "POST", "/checkouts",
		`{"customer":"c-1","callback_url":"`+r.Fleet().Targets["customer"]+hook+`"}`)
	path = "/checkouts/" + a.body["id"].(string)
	r.must(t, "PUT", path+"/items", `{"items":[{"sku":"mug","qty":2}]}`)
	r.must(t, "PUT", path+"/shipping", `{"country":"DE","method":"standard"}`)
	r.must(t, "POST", path+"/quote", `{}`)
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	r.must(t, "POST", path+"/confirm", "")
	r.quiesce(t)
	return path
}

// journey is everything that has arrived.
func (r *running) journey(t *testing.T) tracetree.Journey {
	t.Helper()
	if err := r.store.Await(t.Context(), r.quiesce(t)); err != nil {
		t.Fatal(err)
	}
	return r.store.All()
}

// ask reads the JSON answer of any target.
func (r *running) ask(t *testing.T, target, path string, into any) {
	t.Helper()
	url := r.Fleet().Targets[target] + path
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", url, resp.StatusCode, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
}
