package backend

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

const (
	traceA = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceB = "0af7651916cd43dd8448eb211c80319c"
)

// claim is a scenario of two linked traces.
func claim(t *testing.T) *scenario.Scenario {
	t.Helper()
	sc, err := scenario.Parse("claim.txtar", []byte(`Two traces, one linked to the other.

-- turns --
GET gateway /
status 200

-- trace --
gateway server GET /  @start
  order server GET /orders  remote
-- trace --
order server GET /later  link(origin)=@start
`))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// journey is what the scenario expects.
func journey() []tracetree.Span {
	at := time.Unix(1_700_000_000, 0).UTC()
	span := func(trace, id, parent, service, name string) tracetree.Span {
		at = at.Add(time.Millisecond)
		return tracetree.Span{TraceID: trace, SpanID: id, ParentID: parent, Service: service,
			Instance: service + "-1", Kind: "server", Name: name, Flags: 1, Start: at,
			End: at.Add(time.Second), Status: "unset", ParentRemote: parent != ""}
	}
	spans := []tracetree.Span{
		span(traceA, "00f067aa0ba902b7", "", "gateway", "GET /"),
		span(traceA, "00f067aa0ba902b8", "00f067aa0ba902b7", "order", "GET /orders"),
		span(traceB, "b7ad6b7169203331", "", "order", "GET /later"),
	}
	spans[2].Links = []tracetree.Link{{TraceID: traceA, SpanID: "00f067aa0ba902b7",
		Attributes: map[string]any{"shop.link.type": "origin"}}}
	return spans
}

// held is a backend that holds these spans.
func held(spans ...tracetree.Span) Reader {
	return func(_ context.Context, id string) ([]tracetree.Span, error) {
		return byTrace(spans)[id], nil
	}
}

// verify asks a reader called name for the journey, which the store holds too.
func verify(t *testing.T, name string, read Reader, more ...tracetree.Span) Report {
	t.Helper()
	store := tracetree.New(100)
	store.AddSpans(append(journey(), more...)...)
	v := &Verifier{Readers: map[string]Reader{name: read}}
	return v.Verify(t.Context(), claim(t), store,
		scenario.Result{Pass: true, Journey: scenario.Journey{Spans: journey()}})[name]
}

func TestVerifyTellsEveryKindOfDifference(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, backend string
		change        func(s []tracetree.Span) []tracetree.Span
		want          []string
	}{
		{"an attribute more", JaegerName, func(s []tracetree.Span) []tracetree.Span {
			s[1].Attributes = map[string]any{"n": int64(1)}
			return s
		}, []string{`jaeger: span order server "GET /orders" (trace ` + traceA,
			"jaeger: + attribute n = 1"}},
		{"no link", JaegerName, func(s []tracetree.Span) []tracetree.Span {
			s[2].Links = nil
			return s
		}, []string{"jaeger: - link 0 = " + traceA + "/00f067aa0ba902b7",
			"jaeger: - link attribute 0 shop.link.type = \"origin\""}},
		{"another status", JaegerName, func(s []tracetree.Span) []tracetree.Span {
			s[1].Status = "error"
			return s
		}, []string{"jaeger: - status = unset", "jaeger: + status = error"}},
		{"another parent", JaegerName, func(s []tracetree.Span) []tracetree.Span {
			s[1].ParentID = ""
			return s
		}, []string{"jaeger: - parent = 00f067aa0ba902b7", "jaeger: + parent = none"}},
		{"no flags where they should be", JaegerName, func(s []tracetree.Span) []tracetree.Span {
			s[1].Flags, s[1].ParentRemote = 0, false
			return s
		}, []string{"jaeger: - flags = 01 remote parent\n", "jaeger: + flags = 00\n"}},
		{"other flags than the rule declares", TempoName, func(s []tracetree.Span) []tracetree.Span {
			s[1].ParentRemote = false
			return s
		}, []string{"tempo: - flags = 01 remote parent\n", "tempo: + flags = 01\n"}},
		{"a span twice", TempoName, func(s []tracetree.Span) []tracetree.Span {
			return append(s, s[1])
		}, []string{`tempo: + span order server "GET /orders" (trace ` + traceA}},
		{"another id", TempoName, func(s []tracetree.Span) []tracetree.Span {
			s[1].SpanID = "00f067aa0ba902bf"
			return s
		}, []string{`tempo: - span order server "GET /orders"`, "span 00f067aa0ba902b8)",
			`tempo: + span order server "GET /orders"`, "span 00f067aa0ba902bf)"}},
		{"a microsecond", TempoName, func(s []tracetree.Span) []tracetree.Span {
			s[1].End = s[1].End.Add(time.Microsecond)
			return s
		}, []string{"tempo: + end = 2023-11-14T22:13:21.002001Z"}},
	} {
		report := verify(t, tc.backend, held(tc.change(journey())...))
		if report.Pass {
			t.Errorf("%s: passes", tc.name)
		}
		for _, want := range tc.want {
			if !strings.Contains(report.Diff, want) {
				t.Errorf("%s: want %q in\n%s", tc.name, want, report.Diff)
			}
		}
	}
}

func TestVerifyAllowsWhatIsDeclared(t *testing.T) {
	t.Parallel()
	spans := journey()
	for i := range spans {
		spans[i].Flags, spans[i].ParentRemote = 0, false
	}
	report := verify(t, TempoName, held(spans...))
	if !report.Pass || report.Equal != 0 || report.Changed["flags"] != 3 || report.Diff != "" {
		t.Errorf("%+v, want all three spans changed in their flags, and the tree to hold", report)
	}
}

// The trees are compared with what the backend holds, not with the store.
func TestVerifyComparesTheTrees(t *testing.T) {
	t.Parallel()
	spans := journey()
	spans[1].Name = "GET /other"
	v := &Verifier{Readers: map[string]Reader{JaegerName: held(spans...)}}
	report := v.Verify(t.Context(), claim(t), tracetree.New(1),
		scenario.Result{Pass: true, Journey: scenario.Journey{Spans: spans}})[JaegerName]
	if report.Pass || report.Equal != 3 || !strings.Contains(report.Diff, "jaeger: claim.txtar:") ||
		!strings.Contains(report.Diff, "GET /other") {
		t.Errorf("%+v, want a line of the tree", report)
	}
}

func TestVerifyWaitsForWhatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		arriving := func(_ context.Context, id string) ([]tracetree.Span, error) {
			all := byTrace(journey())[id]
			switch since := time.Since(started); {
			case since < 3*time.Second:
				return nil, errors.New("503")
			case since < 6*time.Second:
				return all[:1], nil
			}
			return all, nil
		}
		report := verify(t, JaegerName, arriving)
		if !report.Pass || report.Equal != 3 {
			t.Errorf("%+v, want to pass with three equal spans", report)
		}
		if waited := time.Since(started); waited < 6*time.Second || waited > 7*time.Second {
			t.Errorf("waited %v, want hardly more than six seconds", waited)
		}
	})
}

func TestVerifyNamesWhatNeverArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		v := &Verifier{Readers: map[string]Reader{JaegerName: func(
			_ context.Context, id string,
		) ([]tracetree.Span, error) {
			if id == traceB {
				return nil, errors.New("connection refused")
			}
			return journey()[:1], nil
		}}}
		res := scenario.Result{Pass: true, Journey: scenario.Journey{Spans: journey()}}
		report := v.Verify(t.Context(), claim(t), tracetree.New(1), res)[JaegerName]
		for _, want := range []string{
			"jaeger: trace " + traceA + ": 1 of 2 spans are there in time",
			"jaeger: trace " + traceB + ": 0 of 1 spans are there in time",
			"jaeger: connection refused",
		} {
			if report.Pass || !strings.Contains(report.Diff, want) {
				t.Errorf("%+v, want %q", report, want)
			}
		}
		first := time.Since(started)
		v.Verify(t.Context(), claim(t), tracetree.New(1), res)
		if second := time.Since(started) - first; first < defaultDeadline ||
			second > first/hopeless+time.Second {
			t.Errorf("waited %v, then %v: want %v, then a part of it", first, second, defaultDeadline)
		}
	})
}

func TestVerifyDoesNotWaitAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		report := verify(t, TempoName, func(context.Context, string) ([]tracetree.Span, error) {
			return nil, refuse("holds the trace in part")
		})
		if report.Pass || !strings.Contains(report.Diff, "holds the trace in part") ||
			time.Since(started) != 0 {
			t.Errorf("%+v after %v, want the refusal at once", report, time.Since(started))
		}
	})
}

// A trace that other scenarios share may grow after this one has been judged.
func TestVerifyAsksTheStoreAgain(t *testing.T) {
	t.Parallel()
	late := journey()[1]
	late.SpanID = "00f067aa0ba902b9"
	late.ParentID = "00f067aa0ba902b8"
	sc, err := scenario.Parse("claim.txtar", []byte("Claim.\n-- turns --\nGET gateway /\nstatus 200\n"+
		"-- trace --\ngateway server GET /\n  ...\n-- trace --\norder server GET /later\n"))
	if err != nil {
		t.Fatal(err)
	}
	store := tracetree.New(100)
	store.AddSpans(append(journey(), late)...)
	v := &Verifier{Readers: map[string]Reader{
		StoreName: nil, JaegerName: held(append(journey(), late)...)}}
	for name, report := range v.Verify(t.Context(), sc, store,
		scenario.Result{Pass: true, Journey: scenario.Journey{Spans: journey()}}) {
		if !report.Pass || report.Spans != 4 || report.Equal != 4 {
			t.Errorf("%s: %+v, want four equal spans", name, report)
		}
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	var tally Tally
	if got := tally.Table(); got != "" {
		t.Errorf("a table of nothing: %q", got)
	}
	for range 2 {
		tally.Add(map[string]Report{
			StoreName: {Pass: true, Traces: 1, Spans: 3, Equal: 3},
			TempoName: {Traces: 1, Spans: 3, Equal: 1, Changed: map[string]int{"flags": 2}},
		})
	}
	rule := Rules()[slices.IndexFunc(Rules(), func(r Rule) bool { return r.Backend == TempoName })]
	want := strings.Join([]string{
		"  backend  scenarios  failed  traces  spans  equal",
		"    store          2       0       2      6      6",
		"    tempo          2       2       2      6      2",
		"  tempo: flags of 4 spans became " + rule.Becomes + ": " + rule.Reason,
		"",
	}, "\n")
	if got := tally.Table(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
