package platform_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/internal/shop"
)

// counters returns the shop's counters of a service that are not 0, by name and the values of
// their attributes.
func (r *running) counters(t *testing.T, service string) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.metricsOf[service].Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok || !strings.HasPrefix(m.Name, "shop.") {
				continue
			}
			for _, p := range sum.DataPoints {
				key := m.Name
				for _, kv := range p.Attributes.ToSlice() {
					key += " " + kv.Value.AsString()
				}
				if p.Value != 0 {
					got[key] = p.Value
				}
			}
		}
	}
	return got
}

func (r *running) check(t *testing.T, service string, want map[string]int64) {
	t.Helper()
	if diff := cmp.Diff(want, r.counters(t, service)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", service, diff)
	}
}

// Behind the edge every entry span has its caller's span as a parent, until a proxy strips the
// headers; at the edge a new process is a root, as it should be.
func TestOrphansAreCountedWhereTheyArise(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.must(t, "POST", "/checkouts", `{"customer":"c-1"}`)
	r.quiesce(t)
	r.check(t, "gateway", map[string]int64{
		"shop.entry.spans server none": 1, "shop.workflow.turns persisted": 1})
	r.check(t, "order", map[string]int64{"shop.entry.spans server remote": 1})

	r.turn(t, "PUT", "gateway", "header-stripped")
	r.must(t, "POST", "/checkouts", `{"customer":"c-1"}`)
	r.quiesce(t)
	r.check(t, "order", map[string]int64{
		"shop.entry.spans server remote": 1, "shop.entry.spans server none": 1})
}

// A turn that is not continued says so, and why; the link to whom the client claimed to go on from
// is counted as what it is.
func TestTurnsAndLinksAreCounted(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	a := r.must(t, "POST", "/negotiations", `{"sku":"rug","qty":1,"offer":20000}`)
	path := "/negotiations/" + a.body["id"].(string)
	const foreign = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	a = r.call(t, "POST", path+"/counter", `{"offer":21000}`,
		"traceparent", foreign, "tracestate", a.header.Get("Tracestate"))
	if a.status != 200 {
		t.Fatalf("status %d, %v", a.status, a.body)
	}
	a = r.call(t, "POST", path+"/accept", "", "traceparent", a.header.Get("Traceparent"),
		"tracestate", a.header.Get("Tracestate"))
	if a.status != 200 {
		t.Fatalf("status %d, %v", a.status, a.body)
	}
	checkout := r.must(t, "POST", "/checkouts", `{"customer":"c-1","continuation":"linked"}`)
	r.must(t, "PUT", "/checkouts/"+checkout.body["id"].(string)+"/items",
		`{"items":[{"sku":"mug","qty":2}]}`)
	r.quiesce(t)
	r.check(t, "gateway", map[string]int64{
		"shop.workflow.turns client": 3, "shop.continuation.rejections forged": 1,
		"shop.workflow.turns linked":   2,
		"shop.entry.spans server none": 2, "shop.entry.spans server linked": 2,
		"shop.entry.spans server remote":   1,
		"shop.span.links untrusted_caller": 1, "shop.span.links previous_turn": 1,
		"shop.span.links origin": 1,
	})
}

// What the consumers of both services are behind with is published, under the names that traces
// have for stream and group.
func TestStreamsAreMeasured(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.must(t, "POST", "/checkouts", `{"customer":"c-1"}`)
	r.quiesce(t)
	for service, want := range map[string]string{
		"payment": "payment.settlement orders.placed", "order": "order.relay orders.outbox",
	} {
		if got := r.lags(t, service); !slices.Contains(got, want) {
			t.Errorf("%s: lag of %q, want one of %q", service, got, want)
		}
	}
}

// lags returns group and stream of each lag that a service publishes.
func (r *running) lags(t *testing.T, service string) (found []string) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.metricsOf[service].Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			g, ok := m.Data.(metricdata.Gauge[float64])
			if !ok || m.Name != (shop.StreamLag{}).Name() {
				continue
			}
			for _, p := range g.DataPoints {
				group, _ := p.Attributes.Value(semconv.MessagingConsumerGroupNameKey)
				stream, _ := p.Attributes.Value(semconv.MessagingDestinationNameKey)
				found = append(found, group.AsString()+" "+stream.AsString())
			}
		}
	}
	return found
}
