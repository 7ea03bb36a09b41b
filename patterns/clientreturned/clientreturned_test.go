package clientreturned

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
)

const workflow = "negotiation-7"

func TestWhatWeDidNotSignIsForged(t *testing.T) {
	t.Parallel()
	signer := newSigner()
	signed := sign(t, signer, exampleSpanContext(), 2)
	otherTrace, otherSpan := signed.TraceID(), signed.SpanID()
	otherTrace[0]++
	otherSpan[0]++
	otherKey := newSigner()
	otherKey.Keys = [][]byte{[]byte(strings.Repeat("x", minKey))}
	otherVendor := newSigner()
	otherVendor.Vendor = "other"
	token := signed.TraceState().Get(signer.Vendor)
	reuse := func(token string) trace.SpanContext {
		return withState(t, signed, signer.Vendor+"="+token+",congo=t61rcWkgMzE")
	}

	for name, sc := range map[string]trace.SpanContext{
		"other trace id":     signed.WithTraceID(otherTrace),
		"other span id":      signed.WithSpanID(otherSpan),
		"sampled flag":       signed.WithTraceFlags(0),
		"random flag":        signed.WithTraceFlags(trace.FlagsSampled | trace.FlagsRandom),
		"member added":       withState(t, signed, signed.TraceState().String()+",ot=th:0"),
		"member changed":     withState(t, signed, signer.Vendor+"="+token+",congo=changed"),
		"member removed":     withState(t, signed, signer.Vendor+"="+token),
		"key of another":     sign(t, otherKey, exampleSpanContext(), 2),
		"vendor of other":    reuse(sign(t, otherVendor, exampleSpanContext(), 2).TraceState().Get("other")),
		"later turn":         reuse(strings.Replace(token, "2.2.1.", "2.1.1.", 1)),
		"other trace's turn": reuse(strings.Replace(token, "2.2.1.", "2.2.2.", 1)),
		"other origin":       reuse(strings.Replace(token, ".S_kv", ".T_kv", 1)),
		"later expiry":       reuse(strings.Replace(token, ".17", ".27", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse(t, signer, sc, workflow, ErrForged, Claims{})
		})
	}
	t.Run("other workflow", func(t *testing.T) {
		t.Parallel()
		refuse(t, signer, signed, "negotiation-8", ErrForged, Claims{})
	})
}

func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	signer := newSigner()
	signed := sign(t, signer, exampleSpanContext(), 2)
	token := signed.TraceState().Get(signer.Vendor)
	fields := strings.Split(token, ".")
	with := func(field int, value string) string {
		changed := slices.Clone(fields)
		changed[field] = value
		return strings.Join(changed, ".")
	}
	begin, mac := fields[4], fields[5]
	for name, value := range map[string]string{
		"garbage":         "x",
		"version":         with(0, "1"),
		"field missing":   strings.Join(fields[:5], "."),
		"field added":     token + ".x",
		"turn 0":          with(1, "0"),
		"turn padded":     with(1, "02"),
		"turn signed":     with(1, "+2"),
		"turn huge":       with(1, "1000000000"),
		"first 0":         with(2, "0"),
		"first later":     with(2, "3"),
		"expiry negative": with(3, "-5"),
		"expiry huge":     with(3, "9223372036854775807"),
		"origin short":    with(4, begin[1:]),
		"mac short":       with(5, mac[1:]),
		"mac not base64":  with(5, mac[:42]+"!"),
		// The last character holds 4 bits; its other 2 are spelling.
		"mac respelt": with(5, mac[:42]+string(mac[42]+1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := withState(t, signed, signer.Vendor+"="+value)
			refuse(t, signer, sc, workflow, ErrMalformed, Claims{})
			if _, err := Decode(value); !errors.Is(err, ErrMalformed) {
				t.Errorf("Decode: error = %v, want %v", err, ErrMalformed)
			}
		})
	}
}

func TestAStrangersContextIsMissingOurs(t *testing.T) {
	t.Parallel()
	signer := newSigner()
	for name, sc := range map[string]trace.SpanContext{
		"none": {}, "without token": exampleSpanContext(),
		"token without ids": trace.SpanContext{}.WithTraceState(
			sign(t, signer, exampleSpanContext(), 1).TraceState()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse(t, signer, sc, workflow, ErrMissing, Claims{})
		})
	}
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	signer, now := newSigner(), epoch()
	signer.Now = func() time.Time { return now }
	last := sign(t, signer, exampleSpanContext(), signer.MaxTurns)
	signed := sign(t, signer, exampleSpanContext(), signer.MaxTurns-1)
	expires := now.Add(signer.MaxAge).UTC()

	refuse(t, signer, last, workflow, ErrRotate, claim(3, expires))
	refuse(t, signer, sign(t, signer, exampleSpanContext(), 4), workflow, ErrTurns,
		claim(4, expires))
	now = expires.Add(-time.Nanosecond)
	if _, parent, err := signer.Verify(t.Context(), signed, workflow); err != nil || !parent.IsRemote() {
		t.Errorf("just before expiry: remote %t, %v, want a remote parent", parent.IsRemote(), err)
	}
	now = expires
	refuse(t, signer, signed, workflow, ErrExpired, claim(2, expires))

	// Without a signature there is nothing to believe, not even the expiry.
	forged := signed.WithTraceFlags(0)
	refuse(t, signer, forged, workflow, ErrForged, Claims{})
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	valid := exampleSpanContext()
	for name, test := range map[string]struct {
		sc       trace.SpanContext
		workflow string
		turn     int
		change   func(*Signer)
	}{
		"no span context": {trace.SpanContext{}, workflow, 1, func(*Signer) {}},
		"no workflow":     {valid, "", 1, func(*Signer) {}},
		"turn 0":          {valid, workflow, 0, func(*Signer) {}},
		"no key":          {valid, workflow, 1, func(s *Signer) { s.Keys = nil }},
		"short key":       {valid, workflow, 1, func(s *Signer) { s.Keys[1] = s.Keys[1][1:] }},
		"vendor":          {valid, workflow, 1, func(s *Signer) { s.Vendor = "No Key" }},
		"no age":          {valid, workflow, 1, func(s *Signer) { s.MaxAge = 0 }},
		"nine keys":       {valid, workflow, 1, func(s *Signer) { s.Keys = slices.Repeat(s.Keys[:1], 9) }},
		"no turns":        {valid, workflow, 1, func(s *Signer) { s.MaxTurns = 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signer := newSigner()
			signed := sign(t, signer, valid, 1)
			test.change(signer)
			if sc, err := signer.Sign(test.sc, test.workflow, Claims{Turn: test.turn - 1}); err == nil {
				t.Errorf("Sign = %v, want an error", sc)
			}
			if signer.Check() == nil {
				return // the arguments are wrong, not the signer
			}
			if _, sc, err := signer.Verify(t.Context(), signed, workflow); err == nil || sc.IsValid() {
				t.Errorf("Verify = %v, %v, want an error", sc, err)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	signer := newSigner()
	for name, state := range map[string]string{
		"empty": "", "one other member": "congo=t61rcWkgMzE", "full": members(32),
		"stale token of ours": "congo=1,throughline=stale",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := withState(t, exampleSpanContext(), state)
			header := http.Header{}
			Return(header, sign(t, signer, want, 2))
			if got := header.Get("tracestate"); !strings.HasPrefix(got, "throughline=2.2.1.") {
				t.Errorf("tracestate = %q, want our member first", got)
			}
			sc, err := Extract(header)
			if err != nil {
				t.Fatal(err)
			}
			claims, parent, err := signer.Verify(t.Context(), sc, workflow)
			if err != nil {
				t.Fatal(err)
			}
			if want := claim(2, epoch().Add(signer.MaxAge)); claims != want {
				t.Errorf("claims = %v, want %v", claims, want)
			}
			rest := want.TraceState().Delete("throughline")
			if name == "full" {
				rest = withState(t, want, members(31)).TraceState() // the last made room
			}
			if want := want.WithTraceState(rest).WithRemote(true); !parent.Equal(want) {
				t.Errorf("parent = %v, want %v", asJSON(t, parent), asJSON(t, want))
			}
		})
	}
}

func TestReasonIsEmptyWhenNothingWasRejected(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, ErrMissing, ErrRotate, (&Signer{}).Check()} {
		if got := Reason(err); got != "" {
			t.Errorf("Reason(%v) = %q, want none", err, got)
		}
	}
}

func newSigner() *Signer {
	return &Signer{
		Vendor: "throughline",
		Keys: [][]byte{
			[]byte("an example: use 32 random bytes!"), []byte("the key that was first before it"),
		},
		MaxAge:   15 * time.Minute,
		MaxTurns: 3,
		Now:      epoch,
	}
}

// claim is what a token says of a turn of the first trace, that of exampleSpanContext.
func claim(turn int, expires time.Time) Claims {
	return Claims{Turn: turn, Expires: expires, first: 1, origin: originOf(exampleSpanContext())}
}

func epoch() time.Time { return time.Unix(1767225600, 0).UTC() }

func sign(t testing.TB, s *Signer, sc trace.SpanContext, turn int) trace.SpanContext {
	t.Helper()
	signed, err := s.Sign(sc, workflow, Claims{Turn: turn - 1})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// refuse checks that Verify gives want, no parent, and no more than claims.
func refuse(
	t *testing.T, s *Signer, sc trace.SpanContext, workflow string, want error, claims Claims,
) {
	t.Helper()
	got, parent, err := s.Verify(t.Context(), sc, workflow)
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
	if parent.IsValid() || parent.TraceState().Len() > 0 {
		t.Errorf("parent = %v, want none", asJSON(t, parent))
	}
	if got != claims {
		t.Errorf("claims = %v, want %v", got, claims)
	}
	if want := map[error]string{
		ErrForged: "forged", ErrExpired: "expired", ErrTurns: "turns", ErrMalformed: "malformed",
		ErrReplayed: "replayed",
	}[want]; Reason(err) != want {
		t.Errorf("reason = %q, want %q", Reason(err), want)
	}
}

func withState(t testing.TB, sc trace.SpanContext, state string) trace.SpanContext {
	t.Helper()
	ts, err := trace.ParseTraceState(state)
	if err != nil {
		t.Fatal(err)
	}
	return sc.WithTraceState(ts)
}

func members(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("m%d=%d", i, i)
	}
	return strings.Join(list, ",")
}

func asJSON(t testing.TB, sc trace.SpanContext) string {
	t.Helper()
	text, err := sc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
