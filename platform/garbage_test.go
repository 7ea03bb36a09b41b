package platform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever a caller sends, it gets a 4xx problem that says what is wrong, and the order stays as
// it was.
func TestGarbageIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.quoted(t)
	before := r.must(t, "GET", path, "").body
	items := func(s string) string { return `{"items":[` + s + `]}` }
	big := `{"customer":"` + strings.Repeat("x", 10<<20) + `"}`
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"no JSON", "POST", "/checkouts", "customer=1", 400},
		{"empty body", "POST", "/checkouts", "", 400},
		{"null", "POST", "/checkouts", "null", 422},
		{"an array", "POST", "/checkouts", "[]", 400},
		{"two objects", "POST", "/checkouts", `{"customer":"a"}{}`, 400},
		{"unknown field", "POST", "/checkouts", `{"customer":"a","admin":true}`, 400},
		{"wrong type", "POST", "/checkouts", `{"customer":7}`, 400},
		{"no customer", "POST", "/checkouts", `{}`, 422},
		{"customer too long", "POST", "/checkouts", `{"customer":"` + strings.Repeat("x", 65) + `"}`, 422},
		{"10 MB", "POST", "/checkouts", big, 413},
		{"10 MB of items", "PUT", path + "/items", big, 413},
		{"deep nesting", "POST", "/checkouts", strings.Repeat("[", 60_000), 400},
		{"unknown strategy", "POST", "/checkouts", `{"customer":"a","continuation":"magic"}`, 422},
		{"unknown SKU", "PUT", path + "/items", items(`{"sku":"unicorn","qty":1}`), 422},
		{"negative quantity", "PUT", path + "/items", items(`{"sku":"mug","qty":-1}`), 422},
		{"zero quantity", "PUT", path + "/items", items(`{"sku":"mug","qty":0}`), 422},
		{"huge quantity", "PUT", path + "/items", items(`{"sku":"mug","qty":9223372036854775807}`), 422},
		{"overflowing quantity", "PUT", path + "/items", items(`{"sku":"mug","qty":1e99}`), 400},
		{"half a mug", "PUT", path + "/items", items(`{"sku":"mug","qty":0.5}`), 400},
		{"no items", "PUT", path + "/items", items(""), 422},
		{"same SKU twice", "PUT", path + "/items", items(`{"sku":"mug","qty":1},{"sku":"mug","qty":1}`), 422},
		{"51 items", "PUT", path + "/items", items(strings.Repeat(`{"sku":"mug","qty":1},`, 50) + `{"sku":"pen","qty":1}`), 422},
		{"more than in stock", "PUT", path + "/items", items(`{"sku":"globe","qty":2}`), 409},
		{"no country", "PUT", path + "/shipping", `{"method":"standard"}`, 422},
		{"unknown method", "PUT", path + "/shipping", `{"country":"DE","method":"drone"}`, 422},
		{"unknown discount", "POST", path + "/quote", `{"discount_code":"FREE"}`, 422},
		{"discount not met", "POST", path + "/quote", `{"discount_code":"BULK5"}`, 422},
		{"unknown negotiation", "POST", path + "/quote", `{"negotiation_id":"nope"}`, 422},
		{"unknown token", "POST", path + "/payment", `{"card_token":"4111111111111111"}`, 422},
		{"no token", "POST", path + "/payment", `{}`, 422},
		{"confirm before payment", "POST", path + "/confirm", "", 409},
		{"unknown checkout", "GET", "/checkouts/doesnotexist", "", 404},
		{"id with a slash", "GET", "/checkouts/a%2Fb", "", 404},
		{"id too long", "GET", "/checkouts/" + strings.Repeat("a", 2000), "", 404},
		{"id in upper case", "GET", "/checkouts/ABC", "", 404},
		{"id that is a key", "GET", "/checkouts/stock:mug", "", 404},
		{"confirm of an unknown", "POST", "/checkouts/doesnotexist/confirm", "", 404},
		{"unknown path", "GET", "/admin", "", 404},
		{"wrong method", "DELETE", "/checkouts", "", 405},
		{"no offer", "POST", "/negotiations", `{"sku":"pen","qty":1}`, 422},
		{"negative offer", "POST", "/negotiations", `{"sku":"pen","qty":1,"offer":-5}`, 422},
		{"id of one's own", "POST", "/negotiations", `{"id":"mine","sku":"pen","qty":1,"offer":5}`, 422},
		{"counter of an unknown", "POST", "/negotiations/doesnotexist/counter", `{"offer":5}`, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.call(t, c.method, c.path, c.body)
			wantProblem(t, a, c.want)
		})
	}
	if diff := cmp.Diff(before, r.must(t, "GET", path, "").body); diff != "" {
		t.Errorf("the order changed (-before +after):\n%s", diff)
	}
}

func wantProblem(t *testing.T, a answer, status int) {
	t.Helper()
	traceID, _ := a.body["trace_id"].(string)
	title, _ := a.body["title"].(string)
	contentType := a.header.Get("Content-Type")
	if a.status != status || len(traceID) != 32 || title == "" ||
		contentType != "application/problem+json" {
		t.Errorf("got status %d, %s, %v, want a problem with status %d and a trace_id",
			a.status, contentType, a.body, status)
	}
}

// A key that cannot be one is refused before any work is done.
func TestGarbageInTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.quoted(t)
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	for _, key := range []string{strings.Repeat("k", 65), "a b", "a:b", "é", "*"} {
		wantProblem(t, r.call(t, "POST", path+"/confirm", "", "Idempotency-Key", key), 400)
	}
	if a := r.must(t, "GET", path, ""); a.body["state"] != "authorised" {
		t.Errorf("got %v, want the order as it was", a.body)
	}
}

// A turn that was done is refused the second time, and done once.
func TestTurnsAreDoneOnce(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.quoted(t)
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	wantProblem(t, r.call(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`), 409)
	r.must(t, "POST", path+"/confirm", "")
	wantProblem(t, r.call(t, "POST", path+"/confirm", ""), 409)
	wantProblem(t, r.call(t, "PUT", path+"/items", `{"items":[{"sku":"mug","qty":1}]}`), 409)
	r.quiesce(t)
	a := r.must(t, "GET", path, "")
	if a.body["state"] != "confirmed" || a.body["payment"] != "settled" {
		t.Errorf("got %v, want confirmed and settled", a.body)
	}
}

// Propagation headers of any shape cost nobody a request, whatever the strategy.
func TestGarbageInPropagationHeaders(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	headers := [][]string{
		{"traceparent", "garbage"},
		{"traceparent", "00-00000000000000000000000000000000-0000000000000000-01"},
		{"traceparent", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		{"traceparent", strings.ToUpper(good)},
		{"traceparent", good, "traceparent", good},
		{"traceparent", good, "tracestate", "throughline=" + strings.Repeat("x", 256)},
		{"traceparent", good, "tracestate", "a=1,a=2"},
		{"traceparent", good, "tracestate", strings.Repeat("k=v,", 100)},
		{"traceparent", strings.Repeat("0", 8000)},
		{"b3", "0"}, {"b3", "garbage"}, {"b3", strings.Repeat("1", 8000)},
		{"x-b3-traceid", "zz", "x-b3-spanid", "zz"},
		{"baggage", strings.Repeat("k=v,", 1500)}, {"baggage", "=;=,,;"},
	}
	for _, strategy := range []string{"persisted", "client", "linked"} {
		body := fmt.Sprintf(`{"customer":"c-1","continuation":%q}`, strategy)
		path := "/checkouts/" + r.must(t, "POST", "/checkouts", body).body["id"].(string)
		for _, h := range headers {
			for _, at := range []string{"gateway", "gateway-trusted"} {
				if a := r.callAt(t, at, "GET", path, "", h...); a.status != 200 {
					t.Errorf("%s, %s, %.60q: got status %d, %v, want 200",
						at, strategy, h, a.status, a.body)
				}
				if a := r.callAt(t, at, "POST", "/checkouts", body, h...); a.status != 201 {
					t.Errorf("%s, %s, %.60q: got status %d, %v, want 201",
						at, strategy, h, a.status, a.body)
				}
			}
		}
	}
}
