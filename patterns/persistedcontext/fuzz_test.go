package persistedcontext

import (
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
)

func FuzzParse(f *testing.F) {
	good := Process{}.next(exampleSpan(trace.SpanContext{}, 1), time.UnixMilli(1767225600000))
	fields := good.fields()
	f.Add(fields["root-traceparent"], "congo=1", fields["turn"], fields["root-turn"],
		fields["root-time"])
	f.Add("", "", "", "", "")
	f.Add("ff-x", ",,", "-1", "9", "1e9")
	f.Fuzz(func(t *testing.T, parent, state, turn, rootTurn, rootTime string) {
		p, err := parse(map[string]string{
			"turn": turn, "root-turn": rootTurn, "root-time": rootTime,
			"root-traceparent": parent, "root-tracestate": state,
			"origin-traceparent": parent, "origin-tracestate": state,
			"previous-traceparent": parent, "previous-tracestate": state,
		})
		if err != nil {
			if !errors.Is(err, ErrMalformed) || !isZero(p) {
				t.Errorf("parse = %+v, %v", p, err)
			}
			return
		}
		again, err := parse(p.fields())
		if err != nil || again.Turn != p.Turn || !again.Root.Equal(p.Root) {
			t.Errorf("second reading = %+v, %v, want %+v", again, err, p)
		}
	})
}
