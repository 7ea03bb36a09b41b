package clientreturned

import (
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func FuzzDecode(f *testing.F) {
	signer := newSigner()
	f.Add(sign(f, signer, exampleSpanContext(), 2).TraceState().Get(signer.Vendor))
	f.Add("")
	f.Add("2.2.1.3.4.5")
	f.Add("2..-1.=.=.")
	f.Fuzz(func(t *testing.T, value string) {
		claims, err := Decode(value)
		if err != nil {
			if claims != (Claims{}) {
				t.Errorf("Decode(%q) = %v with error %v", value, claims, err)
			}
			return
		}
		if _, err := (trace.TraceState{}).Insert("v", value); err != nil {
			t.Errorf("accepted %q, which is no tracestate value: %v", value, err)
		}
		if tok, _ := parse(value); tok.String() != value {
			t.Errorf("accepted %q, which is written %q", value, tok)
		}
		if claims.Turn < 1 || claims.Expires.IsZero() {
			t.Errorf("accepted %q with claims %v", value, claims)
		}
	})
}

// Nobody without the key finds a context that is accepted, except the one that
// was signed.
func FuzzVerify(f *testing.F) {
	signer := newSigner()
	signed := sign(f, signer, exampleSpanContext(), 2)
	genuine := http.Header{}
	Return(genuine, signed)
	parent, state := genuine.Get("traceparent"), genuine.Get("tracestate")
	f.Add(parent, state, workflow)
	f.Add(parent, state, "negotiation-8")
	f.Add(parent, "ot=th:0,"+state, workflow)
	f.Add("", "throughline=", "")
	f.Fuzz(func(t *testing.T, parent, state, work string) {
		header := http.Header{}
		header.Set("traceparent", parent)
		header.Set("tracestate", state)
		sc, err := Extract(header)
		if err != nil {
			return
		}
		_, got, err := signer.Verify(t.Context(), sc, work)
		if (err == nil) != got.IsValid() {
			t.Errorf("Verify = %v, %v", asJSON(t, got), err)
		}
		if err == nil && (work != workflow || !sc.Equal(signed.WithRemote(true))) {
			t.Errorf("accepted %s for workflow %q, which was never signed", asJSON(t, sc), work)
		}
	})
}

// Whatever can be signed can be verified.
func FuzzSign(f *testing.F) {
	f.Add("congo=t61rcWkgMzE", workflow, 1)
	f.Add(members(32), "w", 2)
	f.Add("throughline=x", "w", 0)
	f.Fuzz(func(t *testing.T, state, work string, turn int) {
		ts, err := trace.ParseTraceState(state)
		if err != nil {
			return
		}
		signer := newSigner()
		signer.MaxTurns = maxTurn + 1
		signed, err := signer.Sign(exampleSpanContext().WithTraceState(ts), work,
			Claims{Turn: turn - 1})
		if err != nil {
			return
		}
		header := http.Header{}
		Return(header, signed)
		sc, err := Extract(header)
		if err != nil {
			t.Fatal(err)
		}
		if claims, _, err := signer.Verify(t.Context(), sc, work); err != nil || claims.Turn != turn {
			t.Errorf("Verify = turn %d, %v, want turn %d", claims.Turn, err, turn)
		}
	})
}
