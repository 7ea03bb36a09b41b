package platform_test

import (
	"net/http"
	"testing"
	"time"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// turn switches a fault on (PUT) or off (DELETE) at one service.
func (r *running) turn(t *testing.T, method, service, fault string) {
	t.Helper()
	url := r.Fleet().Admin[service] + "/faults/" + fault
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: status %d", method, url, resp.StatusCode)
	}
}

// named returns the spans of a kind and name, whichever service they say they are of.
func (r *running) named(kind, name string) []tracetree.Span {
	var found []tracetree.Span
	for _, s := range r.store.All().Spans {
		if s.Kind == kind && s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// parent returns the parent of a span.
func (r *running) parent(t *testing.T, child tracetree.Span) tracetree.Span {
	t.Helper()
	for _, s := range r.store.All().Spans {
		if s.TraceID == child.TraceID && s.SpanID == child.ParentID {
			return s
		}
	}
	t.Fatalf("%s %s has no parent", child.Kind, child.Name)
	return tracetree.Span{}
}

// Clock skew: the tree is whole, and the child starts an hour before its parent. With the clock
// set right it starts within it.
func TestAClockThatIsWrongPutsTheChildBeforeItsParent(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.turn(t, http.MethodPut, "pricing", "clock-skew")
	r.quoted(t)
	r.turn(t, http.MethodDelete, "pricing", "clock-skew")
	r.quoted(t)
	r.quiesce(t)
	quotes := r.named("server", "POST /quotes") // by start: the wrong one first
	if len(quotes) != 2 {
		t.Fatalf("got %d quotes, want 2", len(quotes))
	}
	for i, quote := range quotes {
		call := r.parent(t, quote)
		if quote.Service != "pricing" || call.Service != "order" || call.Kind != "client" {
			t.Errorf("quote %d: %s below %s %s", i, quote.Service, call.Service, call.Kind)
		}
	}
	wrong, right := r.parent(t, quotes[0]), r.parent(t, quotes[1])
	if early := wrong.Start.Sub(quotes[0].End); early < 59*time.Minute {
		t.Errorf("skewed: ended %v before its parent started, want about an hour", early)
	}
	if quotes[1].Start.Before(right.Start) || quotes[1].End.After(right.End) {
		t.Errorf("not skewed: %v to %v, want within %v to %v",
			quotes[1].Start, quotes[1].End, right.Start, right.End)
	}
}

// No service.name: the tree is whole, and a part of it is nobody's.
func TestAServiceWithoutANameIsUnknown(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.turn(t, http.MethodPut, "pricing", "service-name-missing")
	r.quoted(t)
	r.turn(t, http.MethodDelete, "pricing", "service-name-missing")
	r.quoted(t)
	r.quiesce(t)
	quotes := r.named("server", "POST /quotes")
	if len(quotes) != 2 {
		t.Fatalf("got %d quotes, want 2", len(quotes))
	}
	for i, want := range []string{"unknown_service:pricing", "pricing"} {
		if quotes[i].Service != want || r.parent(t, quotes[i]).Service != "order" {
			t.Errorf("quote %d: service %q below %q, want %q below order",
				i, quotes[i].Service, r.parent(t, quotes[i]).Service, want)
		}
	}
	if quotes[0].Instance != quotes[1].Instance {
		t.Errorf("instances %q and %q, want one", quotes[0].Instance, quotes[1].Instance)
	}
}

// A full queue: what was dropped is in the ledger, and the ledger balances.
func TestTheLedgerCountsWhatAFullQueueDrops(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.turn(t, http.MethodPut, "gateway", "queue-full")
	r.must(t, "POST", "/checkouts", `{"customer":"c-1","continuation":"linked"}`)
	// Spans of the gateway: two for Redis, one CLIENT, one SERVER; two fit.
	gateway := r.quiesce(t)[0]
	if n := gateway.Dropped[telemetry.DroppedQueueFull]; n != 2 || gateway.Exported != 2 {
		t.Errorf("ledger: %+v, want 2 exported and 2 dropped", gateway)
	}
	if err := gateway.Balanced(); err != nil {
		t.Error(err)
	}
	if roots := r.named("server", "POST /checkouts"); len(roots) != 0 {
		t.Errorf("got %d SERVER spans of the gateway, want none", len(roots))
	}

	r.turn(t, http.MethodDelete, "gateway", "queue-full")
	r.must(t, "POST", "/checkouts", `{"customer":"c-1","continuation":"linked"}`)
	gateway = r.quiesce(t)[0]
	if n := gateway.Dropped[telemetry.DroppedQueueFull]; n != 2 || gateway.Exported != 6 {
		t.Errorf("mended: ledger %+v, want 6 exported and no more dropped", gateway)
	}
}

// Polls that find nothing are in no journey: nothing leads to them, and they lead nowhere.
func TestPollsForNothingAreTracesOfOneSpan(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.turn(t, http.MethodPut, "payment", "polls-outside-the-trace")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); ; {
		r.quiesce(t)
		polls := r.named("client", "receive orders.placed")
		for _, p := range polls {
			if p.ParentID != "" || len(p.Links) != 0 {
				t.Errorf("a poll has parent %q and links %v, want neither", p.ParentID, p.Links)
			}
		}
		if len(polls) >= 2 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("got %d polls, want 2", len(polls))
		}
	}
}
