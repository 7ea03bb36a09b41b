package clientreturned

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// memory is what instances share.
type memory struct {
	mu   sync.Mutex
	seen map[string]time.Time
	err  error
}

func (m *memory) used(_ context.Context, id string, expires time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, seen := m.seen[id]
	m.seen[id] = expires
	return seen, m.err
}

func remembering() (*Signer, *memory) {
	signer, m := newSigner(), &memory{seen: map[string]time.Time{}}
	signer.Used = m.used
	return signer, m
}

func TestATokenIsGoodForOneTurn(t *testing.T) {
	t.Parallel()
	signer, m := remembering()
	signed := sign(t, signer, exampleSpanContext(), 2)
	expires := epoch().Add(signer.MaxAge)

	// What fails for another reason is not remembered: nobody can use up the
	// token of another with half of it.
	refuse(t, signer, signed.WithTraceFlags(0), workflow, ErrForged, Claims{})
	refuse(t, signer, signed, "negotiation-8", ErrForged, Claims{})
	refuse(t, signer, sign(t, signer, exampleSpanContext(), 4), workflow, ErrTurns,
		claim(4, expires))
	if len(m.seen) != 0 {
		t.Errorf("remembered %v, want nothing", m.seen)
	}

	if _, parent, err := signer.Verify(t.Context(), signed, workflow); err != nil ||
		!parent.IsValid() {
		t.Fatalf("first use: %v", err)
	}
	for id, until := range m.seen {
		if len(id) != 43 || !until.Equal(expires) {
			t.Errorf("remembered %q until %v, want 43 characters until %v", id, until, expires)
		}
	}
	refuse(t, signer, signed, workflow, ErrReplayed, claim(2, expires))
}

// Of many who send one token at the same time, one continues the trace.
func TestOneOfManyWins(t *testing.T) {
	t.Parallel()
	signer, _ := remembering()
	signed := sign(t, signer, exampleSpanContext(), 1)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			_, _, err := signer.Verify(t.Context(), signed, workflow)
			switch {
			case err == nil:
				accepted.Add(1)
			case !errors.Is(err, ErrReplayed):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := accepted.Load(); got != 1 {
		t.Errorf("%d were accepted, want 1", got)
	}
}

// A memory that cannot be asked costs the trace its continuation, and names no
// fault of the client.
func TestWhatCannotBeToldFromAReplayIsNotContinued(t *testing.T) {
	t.Parallel()
	signer, m := remembering()
	m.err = errors.New("store is down")
	_, parent, err := signer.Verify(t.Context(), sign(t, signer, exampleSpanContext(), 1), workflow)
	if !errors.Is(err, m.err) || parent.IsValid() || Reason(err) != "" {
		t.Errorf("Verify = %v, %v (%q), want the error of the store", parent, err, Reason(err))
	}
}

// However many turns it takes, and however late they come, the trace ends when its
// first turn said it would.
func TestLaterTurnsDoNotProlongTheTrace(t *testing.T) {
	t.Parallel()
	signer, now := newSigner(), epoch()
	signer.Now = func() time.Time { return now }
	signer.MaxTurns = 1000
	end := now.Add(signer.MaxAge)
	claims, sc := Claims{}, exampleSpanContext()
	for range 10 {
		signed, err := signer.Sign(sc, workflow, claims)
		if err != nil {
			t.Fatal(err)
		}
		if claims, sc, err = signer.Verify(t.Context(), signed, workflow); err != nil {
			t.Fatal(err)
		}
		if !claims.Expires.Equal(end) {
			t.Fatalf("turn %d: expires %v, want %v", claims.Turn, claims.Expires, end)
		}
		now = now.Add(signer.MaxAge / 11)
	}
	now = end
	signed, err := signer.Sign(sc, workflow, claims)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, signer, signed, workflow, ErrExpired, claim(11, end))

	// A shorter age counts from now on for the traces under way, too.
	now, signer.MaxAge = epoch(), time.Minute
	if signed, err = signer.Sign(sc, workflow, claims); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(signed.TraceState().Get(signer.Vendor))
	if want := epoch().Add(time.Minute); err != nil || !got.Expires.Equal(want) {
		t.Errorf("expires %v, %v, want %v", got.Expires, err, want)
	}
}

// A trace has MaxTurns turns, whatever is sent and how often.
func TestReplaysDoNotGrowATrace(t *testing.T) {
	t.Parallel()
	signer, _ := remembering()
	tokens := []trace.SpanContext{sign(t, signer, exampleSpanContext(), 1)}
	turns := 1
	for range 20 {
		for _, signed := range tokens {
			claims, parent, err := signer.Verify(t.Context(), signed, workflow)
			if err != nil {
				continue
			}
			turns++
			var id trace.SpanID
			id[0] = byte(turns)
			next, err := signer.Sign(parent.WithSpanID(id), workflow, claims)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, next)
		}
	}
	if turns != signer.MaxTurns {
		t.Errorf("the trace has %d turns, want %d", turns, signer.MaxTurns)
	}
}
