package linkedturns

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/propagation"
)

func FuzzExtract(f *testing.F) {
	carrier := propagation.MapCarrier{}
	turns(2).Inject(carrier)
	f.Add(carrier[OriginTraceparent], "congo=1", carrier[PreviousTraceparent], "", "2")
	f.Add("", "", "", "", "")
	f.Add("x", ",", "ff-", "=", "-1")
	f.Fuzz(func(t *testing.T, origin, originState, previous, previousState, turn string) {
		in := propagation.MapCarrier{
			OriginTraceparent: origin, OriginTracestate: originState,
			PreviousTraceparent: previous, PreviousTracestate: previousState, TurnNumber: turn,
		}
		chain, err := Extract(in)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || !cmp.Equal(chain, Chain{}) {
				t.Errorf("Extract = %+v, %v", chain, err)
			}
			return
		}
		if valid := chain.Origin.IsValid() && chain.Previous.IsValid(); valid != (chain.Turn > 0) {
			t.Errorf("Extract = %+v", chain)
		}
		out := maps.Clone(in)
		chain.Inject(out)
		if again, err := Extract(out); err != nil || !cmp.Equal(again, chain) {
			t.Errorf("second reading = %+v, %v, want %+v", again, err, chain)
		}
	})
}
