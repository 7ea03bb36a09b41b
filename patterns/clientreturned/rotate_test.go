package clientreturned

import (
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A copy of the token that leads out of a trace leads nowhere: only one trace
// follows it. Without a memory each copy begins one.
func TestOneTraceFollowsAFullOne(t *testing.T) {
	t.Parallel()
	signer, _ := remembering()
	last := sign(t, signer, exampleSpanContext(), signer.MaxTurns)
	expires := epoch().Add(signer.MaxAge)
	refuse(t, signer, last, workflow, ErrRotate, claim(3, expires))
	refuse(t, signer, last, workflow, ErrTurns, claim(3, expires))
	signer.Used = nil
	refuse(t, signer, last, workflow, ErrRotate, claim(3, expires))
}

// Three traces of three turns: turns are counted on, the origin stays, and each
// trace has its own time.
func TestTracesRotate(t *testing.T) {
	t.Parallel()
	signer, now := newSigner(), epoch()
	signer.Now = func() time.Time { return now }
	spanOf := func(turn int) trace.SpanContext {
		var traceID trace.TraceID
		traceID[0] = byte((turn + 2) / 3)
		return exampleSpanContext().WithTraceID(traceID).WithSpanID(trace.SpanID{byte(turn)})
	}
	claims := Claims{}
	for turn := 1; turn <= 9; turn++ {
		signed, err := signer.Sign(spanOf(turn), workflow, claims)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(signer.MaxAge / 4)
		claims, _, err = signer.Verify(t.Context(), signed, workflow)
		if got, want := errors.Is(err, ErrRotate), turn%3 == 0; got != want || claims.Turn != turn {
			t.Fatalf("turn %d: claims of turn %d, %v, want to rotate %t", turn, claims.Turn, err, want)
		}
		if err == nil {
			continue
		}
		links := claims.Links(signed)
		previous, first := links[0].SpanContext, links[1].SpanContext
		if previous.SpanID() != spanOf(turn).SpanID() || previous.TraceState().Len() > 0 ||
			first.TraceID() != spanOf(1).TraceID() || first.SpanID() != spanOf(1).SpanID() {
			t.Errorf("turn %d: links to %v and %v", turn, asJSON(t, previous), asJSON(t, first))
		}
		for i, want := range []string{LinkPreviousTurn, LinkOrigin} {
			if got := links[i].Attributes[0]; got != LinkTypeKey.String(want) {
				t.Errorf("link %d is %v, want %s", i, got, want)
			}
		}
		claims = claims.Rotated()
	}
}
