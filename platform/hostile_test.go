package platform_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

const (
	theirTrace = "5eed5eed5eed5eed5eed5eed5eed5eed"
	theirSpan  = "badbadbadbadbad1"
)

// lies are all the headers by which a caller could claim a trace, a sampling decision or baggage.
func lies(sampled string) []string {
	flag := "0" + sampled
	return []string{
		"traceparent", "00-" + theirTrace + "-" + theirSpan + "-" + flag,
		"tracestate", "throughline=1.1.9999999999.x,evil=canary,ot=th:0",
		"baggage", "shop.channel=canary,user=canary",
		"b3", theirTrace + "-" + theirSpan + "-" + sampled,
		"x-b3-traceid", theirTrace, "x-b3-spanid", theirSpan, "x-b3-sampled", sampled,
		"x-b3-flags", sampled,
		"uber-trace-id", theirTrace + ":" + theirSpan + ":0:" + sampled,
		"x-amzn-trace-id", "Root=1-5eed5eed-5eed5eed5eed5eed5eed5eed;Sampled=" + sampled,
		"root-traceparent", "00-" + theirTrace + "-" + theirSpan + "-" + flag,
		"x-trusted", "1", "x-forwarded-host", "gateway-trusted", "forwarded", "for=127.0.0.1",
	}
}

// Whatever a stranger claims, on whatever route: whether we record is our sampler's decision, and
// their trace id, state and baggage are in no span of ours but as the link that names them.
func TestAStrangerSteersNothing(t *testing.T) {
	t.Parallel()
	for sampler, spansWanted := range map[string]bool{
		"parentbased_always_on": true, "parentbased_always_off": false,
	} {
		for _, sampled := range []string{"0", "1"} {
			t.Run(sampler+", sampled="+sampled, func(t *testing.T) {
				t.Parallel()
				r := startWith(t, redisAddr(t), func(cfg *telemetry.Config) {
					cfg.Getenv = func(name string) string {
						return map[string]string{"OTEL_TRACES_SAMPLER": sampler}[name]
					}
				})
				visitEverything(t, r, lies(sampled))
				r.quiesce(t)
				spans := r.store.All().Spans
				if got := len(spans) > 0; got != spansWanted {
					t.Errorf("%d spans were recorded: the caller has decided", len(spans))
				}
				for _, s := range spans {
					theirsAsALinkOnly(t, s)
				}
			})
		}
	}
}

// visitEverything makes a request to every route of the public listener, and to paths and methods
// that are none.
func visitEverything(t *testing.T, r *running, header []string) {
	t.Helper()
	for _, strategy := range []string{"persisted", "client", "linked"} {
		a := r.call(t, "POST", "/checkouts",
			`{"customer":"c-1","continuation":"`+strategy+`"}`, header...)
		path := fmt.Sprintf("/checkouts/%v", a.body["id"])
		for _, action := range []string{
			"GET ", "GET /receipt", "PUT /items", "PUT /shipping", "POST /quote", "POST /payment",
			"POST /confirm", "DELETE ", "GET /events?until=never",
		} {
			method, rest, _ := strings.Cut(action, " ")
			if a := r.call(t, method, path+rest, "", header...); a.status >= 500 {
				t.Errorf("%s: status %d, %v", action, a.status, a.body)
			}
		}
		r.call(t, "POST", "/callbacks/"+path[len("/checkouts/"):], "{}", header...)
	}
	a := r.call(t, "POST", "/negotiations", `{"sku":"pen","qty":1,"offer":5}`, header...)
	deal := fmt.Sprintf("/negotiations/%v", a.body["id"])
	r.call(t, "GET", deal, "", header...)
	r.call(t, "POST", deal+"/counter", `{"offer":6}`, header...)
	r.call(t, "POST", deal+"/accept", "", header...)
	r.call(t, "GET", "/products", "", header...)
	r.call(t, "GET", "/nowhere", "", header...)
	r.call(t, "GET", "/checkouts/"+strings.Repeat("x", 3000), "", header...)
}

func theirsAsALinkOnly(t *testing.T, s tracetree.Span) {
	t.Helper()
	if s.TraceID == theirTrace || s.ParentID == theirSpan || s.TraceState != "" {
		t.Errorf("%s %s: trace %s, parent %s, tracestate %q: the caller has decided",
			s.Service, s.Name, s.TraceID, s.ParentID, s.TraceState)
	}
	if strings.Contains(fmt.Sprint(s), "canary") {
		t.Errorf("%s %s: what the caller sent came in: %v", s.Service, s.Name, s)
	}
	for _, link := range s.Links {
		if link.TraceID == theirTrace && (s.Service != "gateway" || s.Kind != "server" ||
			link.Attributes[string(shop.LinkType)] != shop.LinkUntrustedCaller) {
			t.Errorf("%s %s: link %v", s.Service, s.Name, link)
		}
	}
	for key, value := range s.Attributes {
		if n := len(fmt.Sprint(value)); n > 1024 {
			t.Errorf("%s %s: attribute %s has %d bytes", s.Service, s.Name, key, n)
		}
	}
}

// A signed context that is sent a hundred times, many at once, is continued once. All requests are served,
// the rest of them in traces of their own that say why, and a counter counts them.
func TestACopiedTokenGrowsNoTrace(t *testing.T) {
	t.Parallel()
	const copies, parallel = 100, 8
	r := start(t, redisAddr(t))
	a := r.must(t, "POST", "/negotiations", `{"sku":"pen","qty":1,"offer":5}`)
	path := "/negotiations/" + a.body["id"].(string)
	token := []string{
		"traceparent", a.header.Get("traceparent"), "tracestate", a.header.Get("tracestate"),
	}
	flood(parallel, copies, func() {
		if a := r.call(t, "GET", path, "", token...); a.status != 200 ||
			a.header.Get("tracestate") == "" {
			t.Errorf("status %d, tracestate %q, want 200 and a fresh one",
				a.status, a.header.Get("tracestate"))
		}
	})
	r.quiesce(t)
	inFirst, replayed := 0, 0
	for _, s := range r.store.All().Spans {
		if s.Service != "gateway" || s.Kind != "server" {
			continue
		}
		if s.TraceID == token[1][3:35] {
			inFirst++
		}
		if s.Attributes[string(shop.ContinuationRejected)] == "replayed" {
			replayed++
		}
	}
	if inFirst != 2 || replayed != copies-1 {
		t.Errorf("%d turns in the first trace, %d replayed, want 2 and %d",
			inFirst, replayed, copies-1)
	}
	if got := rejections(t, r); got["replayed"] != copies-1 || len(got) != 1 {
		t.Errorf("%s = %v, want %d replayed", shop.ContinuationRejections{}.Name(), got, copies-1)
	}
}

// A caller who sends all turns of a process at once, and one who listens again and again, gets no
// trace of any size: each has its turns, and those that were under way when it was full.
func TestAFloodOfTurnsRotates(t *testing.T) {
	t.Parallel()
	const maxTurns, parallel, total = 10, 8, 100
	r := start(t, redisAddr(t))
	path := "/checkouts/" + r.must(t, "POST", "/checkouts", `{"customer":"c-1"}`).body["id"].(string)
	flood(parallel, total, func() {
		r.call(t, "GET", path, "")
		r.call(t, "GET", path+"/events?until=never", "")
	})
	r.quiesce(t)
	turns := map[string]int{}
	for _, s := range r.store.All().Spans {
		if s.Service == "gateway" && s.Kind == "server" {
			turns[s.TraceID]++
		}
	}
	for id, n := range turns {
		if n > maxTurns+parallel {
			t.Errorf("trace %s has %d turns, want at most %d and %d under way",
				id, n, maxTurns, parallel)
		}
	}
}

// flood runs send total times, so many at once.
func flood(parallel int, total int64, send func()) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range parallel {
		all.Go(func() {
			for next.Add(1) <= total {
				send()
			}
		})
	}
	all.Wait()
}

// rejections returns the counter of contexts that were not continued, by reason.
func rejections(t *testing.T, r *running) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.metricsOf["gateway"].Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok || m.Name != (shop.ContinuationRejections{}).Name() {
				continue
			}
			for _, point := range sum.DataPoints {
				reason, _ := point.Attributes.Value(shop.ContinuationRejected)
				got[reason.AsString()] += point.Value
			}
		}
	}
	return got
}
