package persistedcontext

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

const id = "checkout-7"

func TestNoRecord(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	p, err := store.Load(t.Context(), id)
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("error = %v, want %v", err, ErrNotFound)
	}
	if p.Parent().IsValid() || p.Links() != nil || p.Turn != 0 {
		t.Errorf("process = %+v, want none", p)
	}
}

func TestMalformedRecordIsAnErrorThatSaveMends(t *testing.T) {
	t.Parallel()
	for field, values := range map[string][]string{
		"turn":                 {"", "x", "0", "-1", "99999999999999999999"},
		"root-turn":            {"", "x", "0", "2"},
		"root-time":            {"", "x", "-1"},
		"root-traceparent":     {"", "x", "00-00000000000000000000000000000000-0000000000000001-01"},
		"origin-traceparent":   {"", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7"},
		"previous-traceparent": {"", "00-0AF7651916CD43DD8448EB211C80319C-00F067AA0BA902B7-01"},
	} {
		for _, value := range values {
			t.Run(field+" "+value, func(t *testing.T) {
				t.Parallel()
				store, server := newStore(t)
				turn(t, store, 1)
				server.HSet(store.Prefix+id, field, value)

				p, err := store.Load(t.Context(), id)
				if !errors.Is(err, ErrMalformed) || !isZero(p) {
					t.Errorf("Load = %+v, %v, want nothing, %v", p, err, ErrMalformed)
				}
				if err := store.Save(t.Context(), id, exampleSpan(p.Parent(), 9), p); err != nil {
					t.Fatal(err)
				}
				if p := load(t, store); p.Turn != 1 || p.Origin.SpanID() != spanID(9) {
					t.Errorf("after Save: %+v, want turn 1 of a new process", p)
				}
			})
		}
	}
}

func TestStoreDownIsNeitherNotFoundNorMalformed(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	p := turn(t, store, 1)
	server.Close()
	_, err := store.Load(t.Context(), id)
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrMalformed) {
		t.Errorf("Load: error = %v, want the client's own", err)
	}
	if err := store.Save(t.Context(), id, exampleSpan(p.Root, 2), p); err == nil {
		t.Error("Save: no error")
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if p := load(t, store); p.Turn != 1 {
		t.Errorf("turn = %d after a failed Save, want 1", p.Turn)
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	noTTL := *store
	noTTL.TTL = 0
	valid := exampleSpan(trace.SpanContext{}, 1)
	for name, err := range map[string]error{
		"invalid span context": store.Save(t.Context(), id, trace.SpanContext{}, Process{}),
		"no id":                store.Save(t.Context(), "", valid, Process{}),
		"no TTL":               noTTL.Save(t.Context(), id, valid, Process{}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := server.Keys(); len(got) != 0 {
		t.Errorf("keys = %v, want none", got)
	}
}

func TestTurnsAreAStar(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	for n := byte(1); n <= 4; n++ {
		turn(t, store, n)
	}
	p := load(t, store)
	if !p.Root.IsRemote() || p.Parent().SpanID() != spanID(1) || !p.Parent().Equal(p.Root) {
		t.Errorf("parent = %v, want turn 1's span, remote", p.Parent())
	}
	if diff := cmp.Diff([]string{"previous_turn 4"}, linksOf(p)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if p.Turn != 4 {
		t.Errorf("turn = %d, want 4", p.Turn)
	}
}

// A caller who sends all turns at once does not get more of them into one trace.
func TestTurnsAtTheSameTimeAllCount(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	store.MaxTurns = 5
	turn(t, store, 1)
	var loaded []Process
	for range 4 {
		loaded = append(loaded, load(t, store))
	}
	for i, p := range loaded {
		if err := store.Save(t.Context(), id, exampleSpan(p.Root, byte(i+2)), p); err != nil {
			t.Fatal(err)
		}
	}
	p := load(t, store)
	if p.Turn != 5 || p.Parent().IsValid() {
		t.Errorf("turn %d, parent %v, want a new root after five", p.Turn, p.Parent())
	}
	// One that was under way when the trace was full brings back the old root, and
	// with it that it is full.
	turn(t, store, 6)
	if err := store.Save(t.Context(), id, exampleSpan(p.Root, 7), loaded[0]); err != nil {
		t.Fatal(err)
	}
	if p := load(t, store); p.Turn != 7 || p.Parent().IsValid() {
		t.Errorf("turn %d, parent %v, want a new root", p.Turn, p.Parent())
	}
}

func TestRotationAfterMaxTurns(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	store.MaxTurns = 2
	for n, want := range []struct {
		parent byte // 0: a new root
		links  []string
	}{
		{0, nil},
		{1, []string{"previous_turn 1"}},
		{0, []string{"previous_turn 2", "origin 1"}},
		{3, []string{"previous_turn 3"}},
		{0, []string{"previous_turn 4", "origin 1"}},
	} {
		p := turn(t, store, byte(n+1))
		if got := p.Parent().SpanID(); got != spanID(want.parent) {
			t.Errorf("turn %d: parent = %s, want %s", n+1, got, spanID(want.parent))
		}
		if diff := cmp.Diff(want.links, linksOf(p)); diff != "" {
			t.Errorf("turn %d: links (-want +got):\n%s", n+1, diff)
		}
	}
	if p := load(t, store); p.Turn != 5 {
		t.Errorf("turn = %d, want 5: it counts all traces", p.Turn)
	}
}

func TestRotationAfterMaxAge(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1767225600000)
	store, _ := newStore(t)
	store.MaxAge, store.Now = time.Minute, func() time.Time { return now }
	turn(t, store, 1)

	now = now.Add(time.Minute - time.Millisecond)
	if p := turn(t, store, 2); p.Parent().SpanID() != spanID(1) {
		t.Errorf("just before: parent = %s, want turn 1's span", p.Parent().SpanID())
	}
	now = now.Add(time.Millisecond) // a minute since turn 1, not since turn 2
	if p := turn(t, store, 3); p.Parent().IsValid() {
		t.Errorf("after MaxAge: parent = %s, want none", p.Parent().SpanID())
	}
	now = now.Add(time.Minute - time.Millisecond)
	if p := turn(t, store, 4); p.Parent().SpanID() != spanID(3) {
		t.Errorf("age counts from the new root: parent = %s, want turn 3's span",
			p.Parent().SpanID())
	}
}

func TestRecordOutlivesItsLastTurnByTTL(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	turn(t, store, 1)
	server.FastForward(store.TTL - time.Millisecond)
	turn(t, store, 2)
	server.FastForward(store.TTL - time.Millisecond)
	if p := load(t, store); p.Turn != 2 {
		t.Errorf("turn = %d, want 2", p.Turn)
	}
	server.FastForward(time.Millisecond)
	if _, err := store.Load(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("error = %v, want %v", err, ErrNotFound)
	}
}

func TestTracestateIsKeptAndDoesNotOutliveItsSpan(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	state, err := trace.ParseTraceState("congo=t61rcWkgMzE,rojo=1")
	if err != nil {
		t.Fatal(err)
	}
	first := exampleSpan(trace.SpanContext{}, 1).WithTraceState(state)
	if err := store.Save(t.Context(), id, first, Process{}); err != nil {
		t.Fatal(err)
	}
	p := load(t, store)
	if !p.Parent().Equal(first.WithRemote(true)) {
		t.Errorf("parent = %v, want %v", p.Parent(), first)
	}
	second := exampleSpan(trace.SpanContext{}, 2) // without a tracestate
	if err := store.Save(t.Context(), id, second, p); err != nil {
		t.Fatal(err)
	}
	if got := server.HGet(store.Prefix+id, "previous-tracestate"); got != "" {
		t.Errorf("previous-tracestate = %q, left from the turn before", got)
	}
	if got := load(t, store).Root.TraceState(); got.String() != state.String() {
		t.Errorf("root's tracestate = %q, want %q", got, state)
	}
}

// BenchmarkTurn is what one turn costs, with a Redis in the same process.
func newStore(t testing.TB) (*Store, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	client := exampleClient(server.Addr())
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Store{Client: client, Prefix: "trace:", TTL: time.Hour}, server
}

// turn is what an edge does: load, start span number n, save.
func turn(t testing.TB, store *Store, n byte) Process {
	t.Helper()
	p, err := store.Load(t.Context(), id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if err := store.Save(t.Context(), id, exampleSpan(p.Parent(), n), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func load(t testing.TB, store *Store) Process {
	t.Helper()
	p, err := store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func isZero(p Process) bool { return cmp.Equal(p, Process{}, cmp.AllowUnexported(Process{})) }

func spanID(n byte) trace.SpanID { return trace.SpanID{7: n} }

func linksOf(p Process) []string {
	var links []string
	for _, link := range p.Links() {
		kind := link.Attributes[0].Value.AsString()
		links = append(links, fmt.Sprintf("%s %d", kind, link.SpanContext.SpanID()[7]))
	}
	return links
}
