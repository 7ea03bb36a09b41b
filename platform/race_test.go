package platform_test

import (
	"sync"
	"testing"
)

// calls sends n requests at once and counts the answers by status.
func (r *running) calls(t *testing.T, n int, call func(i int) answer) map[int]int {
	t.Helper()
	statuses := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { statuses[i] = call(i).status })
	}
	wg.Wait()
	count := map[int]int{}
	for _, s := range statuses {
		count[s]++
	}
	return count
}

// Eight clients confirm the same order at once, with and without a key: it is done once.
func TestConfirmedAtOnceIsDoneOnce(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{nil, {"Idempotency-Key", "k-1"}} {
		r := start(t, redisAddr(t))
		path := r.quoted(t)
		r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
		got := r.calls(t, 8, func(int) answer {
			return r.call(t, "POST", path+"/confirm", "", header...)
		})
		// With a key, those that come late get the first one's answer.
		if got[200] < 1 || got[200]+got[409] != 8 || header == nil && got[200] != 1 {
			t.Errorf("%q: got %v, want one 200 (or more, replayed), else 409", header, got)
		}
		r.quiesce(t)
		var sent, settled int
		for _, span := range r.store.All().Spans {
			switch span.Name {
			case "send orders.placed":
				sent++
			case "send payments.settled":
				settled++
			}
		}
		if sent != 1 || settled != 1 {
			t.Errorf("%q: sent %d times, settled %d times, want once each", header, sent, settled)
		}
	}
}

// There is one globe. Eight customers want it: one gets it, and when a card is declined it is
// there for the next.
func TestTheLastOneIsSoldOnce(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	paths := make([]string, 8)
	for i := range paths {
		a := r.must(t, "POST", "/checkouts", `{"customer":"c-1"}`)
		paths[i] = "/checkouts/" + a.body["id"].(string)
		r.must(t, "PUT", paths[i]+"/items", `{"items":[{"sku":"globe","qty":1}]}`)
		r.must(t, "PUT", paths[i]+"/shipping", `{"country":"DE","method":"standard"}`)
		r.must(t, "POST", paths[i]+"/quote", `{}`)
	}
	wantProblem(t, r.call(t, "POST", paths[0]+"/payment", `{"card_token":"tok_declined"}`), 402)
	got := r.calls(t, len(paths), func(i int) answer {
		return r.call(t, "POST", paths[i]+"/payment", `{"card_token":"tok_visa"}`)
	})
	if got[200] != 1 || got[409] != len(paths)-1 {
		t.Errorf("got %v, want one 200 and %d times 409", got, len(paths)-1)
	}
}
