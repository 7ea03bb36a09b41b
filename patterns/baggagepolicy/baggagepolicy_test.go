package baggagepolicy

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestNoBaggageForThirdParties(t *testing.T) {
	t.Parallel()
	p := Policy{Internal: []string{"order", ".svc.local", "127.0.0.1", "::1"}}
	for url, want := range map[string]bool{
		"http://bank.example/":          false,
		"http://order.bank.example/":    false,
		"http://evilsvc.local/":         false,
		"http://svc.local.bank.example": false,
		"http://order@bank.example/":    false,
		"http://127.0.0.10/":            false,
		"http://order/":                 true,
		"http://ORDER:8080/":            true,
		"http://pricing.svc.local./":    true,
		"http://svc.local/":             true,
		"http://127.0.0.1:80/":          true,
		"http://[::1]:80/":              true,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		r.Header.Set("baggage", "tenant=blue")
		r.Header.Set("accept", "*/*")
		var sent http.Header
		response, err := p.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
			sent = r.Header
			return &http.Response{Body: http.NoBody}, nil
		})).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if got := sent.Get("baggage") != ""; got != want {
			t.Errorf("%s: baggage sent %t, want %t", url, got, want)
		}
		if sent.Get("accept") == "" || r.Header.Get("baggage") == "" {
			t.Errorf("%s: other headers or the caller's request changed", url)
		}
	}
}

func TestStrangersBringNoBaggage(t *testing.T) {
	t.Parallel()
	var inside *http.Request
	h := Policy{Allow: []string{"tenant"}}.Inbound(http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) { inside = r }))
	ctx := withBaggage(t, t.Context(), "tenant=blue")
	for _, r := range []*http.Request{
		httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil),
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil),
	} {
		r.Header.Set("baggage", "tenant=blue")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if inside.Header.Get("baggage") != "" || baggage.FromContext(inside.Context()).Len() > 0 {
			t.Errorf("baggage came in: %q, %q", inside.Header, baggage.FromContext(inside.Context()))
		}
		if r.Header.Get("baggage") == "" {
			t.Error("the caller's request changed")
		}
	}
}

func TestOnlyAllowedMembersBecomeAttributes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		allow []string
		want  map[string]string
	}{
		"zero value": {nil, map[string]string{}},
		"allowed":    {[]string{"tenant", "absent"}, map[string]string{"tenant": "blue"}},
	} {
		memory := tracetest.NewInMemoryExporter()
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(Policy{
			Allow: test.allow}.Processor()), sdktrace.WithSyncer(memory))
		ctx := withBaggage(t, t.Context(), "tenant=blue,user=ada,tenant2=red")
		_, span := tp.Tracer("test").Start(ctx, "work")
		span.End()
		got := map[string]string{}
		for _, kv := range memory.GetSpans()[0].Attributes {
			got[string(kv.Key)] = kv.Value.AsString()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: attributes (-want +got):\n%s", name, diff)
		}
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	var many, long, keys []string
	for i := range 70 {
		key := fmt.Sprintf("k%02d", i)
		keys = append(keys, key)
		many = append(many, key+"=1")
	}
	for i := range 5 {
		long = append(long, keys[i]+"="+strings.Repeat("v", 2000))
	}
	all := Policy{Allow: keys}
	for name, test := range map[string]struct {
		policy Policy
		bag    string
		want   int
	}{
		"nothing allowed": {Policy{}, "k00=1", 0},
		"one allowed":     {Policy{Allow: []string{"k01"}}, "k00=1,k01=2;p=3", 1},
		"64 members":      {all, strings.Join(many[:64], ","), 64},
		"8192 bytes":      {all, strings.Join(long[:4], ","), 4},
		"no baggage":      {all, "", 0},
	} {
		ctx := test.policy.Filter(withBaggage(t, t.Context(), test.bag))
		if got := baggage.FromContext(ctx).Len(); got != test.want {
			t.Errorf("%s: %d members, want %d", name, got, test.want)
		}
	}
	bag := baggage.Baggage{}
	for _, pair := range append(many, long...) { // more than the limits, set one by one
		next, err := bag.SetMember(member(t, pair))
		if err != nil {
			break
		}
		bag = next
	}
	got := baggage.FromContext(all.Filter(baggage.ContextWithBaggage(t.Context(), bag)))
	if got.Len() > MaxMembers || len(got.String()) > MaxBytes {
		t.Errorf("%d members, %d bytes passed", got.Len(), len(got.String()))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func member(t *testing.T, pair string) baggage.Member {
	t.Helper()
	key, value, _ := strings.Cut(pair, "=")
	m, err := baggage.NewMember(key, value)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func withBaggage(tb testing.TB, ctx context.Context, text string) context.Context {
	tb.Helper()
	bag, err := baggage.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return baggage.ContextWithBaggage(ctx, bag)
}
