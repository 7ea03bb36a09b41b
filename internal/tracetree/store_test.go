package tracetree_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

func span(trace, id, workflow string, links ...string) tracetree.Span {
	s := tracetree.Span{TraceID: trace, SpanID: id, Service: "order", Instance: "o-1"}
	if workflow != "" {
		s.Attributes = map[string]any{"shop.workflow.id": workflow}
	}
	for _, l := range links {
		s.Links = append(s.Links, tracetree.Link{TraceID: l})
	}
	return s
}

func TestAwaitNamesWhoIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tracetree.New(10)
		s.AddSpans(span("t", "1", ""))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := s.Await(ctx, []telemetry.Snapshot{
			{Service: "order", Instance: "o-1", Exported: 1},
			{Service: "order", Instance: "o-2", Exported: 2},
		})
		want := "await spans: context deadline exceeded: " +
			"order (instance o-2): 0 of 2 exported spans arrived"
		if err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestAwaitWakesWhenTheLastSpanArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tracetree.New(1) // what was evicted has still arrived
		done := make(chan error, 1)
		go func() {
			done <- s.Await(t.Context(), []telemetry.Snapshot{
				{Service: "order", Instance: "o-1", Exported: 3}})
		}()
		for i := range 3 {
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("returned after %d of 3 spans: %v", i, err)
			default:
			}
			s.AddSpans(span(fmt.Sprint("t", i), "1", ""))
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestJourneyFollowsLinksBothWaysAndWorkflowIDs(t *testing.T) {
	t.Parallel()
	s := tracetree.New(100)
	s.AddSpans(
		span("a", "1", "", "b"), // links to b
		span("b", "1", ""),
		span("c", "1", "w", "b"), // links to b as well
		span("d", "1", "w", "gone", "g"),
		span("g", "1", ""),                      // found through d's link only
		span("e", "1", "v"), span("f", "1", ""), // strangers
	)
	s.AddLogs(
		tracetree.Log{Body: "in a", TraceID: "a"}, tracetree.Log{Body: "in f", TraceID: "f"},
		tracetree.Log{Body: "loose", Attributes: map[string]any{"shop.workflow.id": "w"}},
		tracetree.Log{Body: "stranger", Attributes: map[string]any{"shop.workflow.id": "v"}},
	)
	j, err := s.Journey(t.Context(), []string{"b", "unknown"})
	if err != nil {
		t.Fatal(err)
	}
	var traces, logs []string
	for _, s := range j.Spans {
		traces = append(traces, s.TraceID)
	}
	for _, l := range j.Logs {
		logs = append(logs, l.Body)
	}
	if got := strings.Join(traces, " "); got != "a b c d g" {
		t.Errorf("traces %s, want a b c d g", got)
	}
	if got := strings.Join(logs, ", "); got != "loose, in a" {
		t.Errorf("log records: %s, want loose, in a", got)
	}
	if got := s.Find("w"); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("Find(w) = %q", got)
	}
	if j.Traces() != 5 || j.Roots() != 5 {
		t.Errorf("%d traces, %d roots, want 5 and 5", j.Traces(), j.Roots())
	}
}

// withType gives all links of a span this type.
func withType(s tracetree.Span, linkType string) tracetree.Span {
	for i := range s.Links {
		s.Links[i].Attributes = map[string]any{"shop.link.type": linkType}
	}
	return s
}

// Two checkouts in one batch: each journey holds the batch, and neither the other checkout.
func TestJourneyEndsAtABatch(t *testing.T) {
	t.Parallel()
	s := tracetree.New(100)
	s.AddSpans(
		span("mine", "1", "m"), span("theirs", "1", "t"),
		withType(span("batch", "1", "", "mine", "theirs"), "batch_item"),
		span("batch", "2", "m"), span("batch", "3", "t"), // the items' spans
		withType(span("ship-mine", "1", "m", "batch"), "caller"),
		withType(span("ship-theirs", "1", "t", "batch"), "caller"),
		withType(span("later", "1", "", "ship-theirs"), "caller"),
		withType(span("sweep", "1", "", "mine", "theirs", "other"), "batch_item"),
	)
	s.AddLogs(tracetree.Log{Body: "loose", Attributes: map[string]any{"shop.workflow.id": "t"}},
		tracetree.Log{Body: "in the batch", TraceID: "batch"})
	for seed, want := range map[string]string{
		"mine":      "batch mine ship-mine sweep",
		"ship-mine": "batch mine ship-mine sweep", // by a link to the batch
		"later":     "batch later ship-theirs sweep theirs",
		"batch":     "batch", // it is asked for, and still no way to those it worked for
	} {
		j, err := s.Journey(t.Context(), []string{seed})
		if err != nil {
			t.Fatal(err)
		}
		var traces []string
		for _, s := range j.Spans {
			traces = append(traces, s.TraceID)
		}
		slices.Sort(traces)
		if got := strings.Join(slices.Compact(traces), " "); got != want {
			t.Errorf("from %s: traces %s, want %s", seed, got, want)
		}
		if loose := len(j.Logs) > 1; loose != strings.Contains(want, "theirs") {
			t.Errorf("from %s: %d log records", seed, len(j.Logs))
		}
	}
}

func TestStoreEvictsOldestTracesAsAWhole(t *testing.T) {
	t.Parallel()
	s := tracetree.New(3)
	s.AddSpans(span("old", "1", "w"), span("new", "1", "w", "old"), span("old", "2", "w"))
	s.AddSpans(span("newest", "1", "", "old"))
	if got := s.Trace("old"); got != nil {
		t.Errorf("old trace has %d spans left, want none", len(got))
	}
	if got := len(s.Trace("new")) + len(s.Trace("newest")); got != 2 {
		t.Errorf("%d spans of the newer traces, want 2", got)
	}
	if got := s.Find("w"); !slices.Equal(got, []string{"new"}) {
		t.Errorf("Find(w) = %q, want new only", got)
	}
	want := map[tracetree.Instance]int64{{Service: "order", ID: "o-1"}: 4}
	if got := s.Received(); got[tracetree.Instance{Service: "order", ID: "o-1"}] != 4 {
		t.Errorf("received %v, want %v", got, want)
	}
	for i := range 100 {
		s.AddLogs(tracetree.Log{Body: fmt.Sprint(i)}, tracetree.Log{TraceID: fmt.Sprint(i)})
	}
	j := s.All()
	if len(j.Logs) > 24 {
		t.Errorf("%d log records, want at most 12 with and 12 without a trace", len(j.Logs))
	}
}

func TestStoreIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := tracetree.New(50)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				id := fmt.Sprint(g, i)
				s.AddSpans(span(id, "1", id, fmt.Sprint(g, i-1)))
				s.AddLogs(tracetree.Log{TraceID: id})
				if _, err := s.Journey(t.Context(), []string{id}); err != nil {
					t.Error(err)
				}
				s.Find(id)
				s.Received()
			}
		})
	}
	err := s.Await(t.Context(), []telemetry.Snapshot{
		{Service: "order", Instance: "o-1", Exported: 400}})
	if err != nil {
		t.Error(err)
	}
	wg.Wait()
}
