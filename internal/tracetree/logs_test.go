package tracetree_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/tracetree"
)

func logged(body, trace, span string) tracetree.Log {
	return tracetree.Log{Service: "order", Severity: "INFO", Body: body,
		TraceID: trace, SpanID: span, Attributes: map[string]any{"n": int64(1)}}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	it := tracetree.Span{TraceID: "t", SpanID: "s"}
	j := tracetree.Journey{
		Spans: []tracetree.Span{it},
		Logs: []tracetree.Log{
			logged("placed o-1", "t", "s"), logged("stray", "t", "other"), logged("none", "", ""),
		},
	}
	vars, labels := map[string]string{"id": "o-1"}, map[string]tracetree.Span{"it": it}
	for line, want := range map[string]string{
		`order INFO "placed {id}"  @it n=1 !m k=*`: `x:8: - order INFO "placed {id}"  @it n=1 !m k=*
x:8: + order INFO "placed o-1"  n=1 @it
`,
		`order INFO "stray" @it`: `x:8: - order INFO "stray" @it
x:8: + order INFO "stray"  # trace t span other
`,
		`order WARN "none"`: `x:8: - order WARN "none"
x:8: + order INFO "none"  # no trace
`,
		`payment INFO "none"`: `x:8: - payment INFO "none"
x:8: + order INFO "none"  # no trace
`,
		`payment INFO "never"`: "x:8: - payment INFO \"never\"\n",
		`correlated`: `x:8: correlated: no span of the journey for order INFO "stray"  # trace t span other
x:8: correlated: no span of the journey for order INFO "none"  # no trace
`,
		`order INFO "placed {id}"  @it n=1 !m`: "",
		`order INFO "none"  # why`:             "",
	} {
		ls, err := tracetree.ParseLogs("x", 7, line+"\n")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, ls.Match(j, vars, labels)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestWhereFindsEveryPlaceAndDoesNotRepeatIt(t *testing.T) {
	t.Parallel()
	const s = "s3cr3t"
	in := map[string]any{s: "v", "k": "x" + s, "list": []any{"a", map[string]any{"m": s + "\""}},
		"bytes": []byte(s)}
	j := tracetree.Journey{
		Spans: []tracetree.Span{{
			Service: "a", Kind: "server", Name: "GET " + s, Scope: s, StatusMessage: s,
			ScopeVersion: s, ScopeAttributes: in, Resource: in,
			TraceState: "v=" + s, Attributes: in,
			Events: []tracetree.Event{{Name: s, Attributes: in}},
			Links:  []tracetree.Link{{TraceState: s, Attributes: in}},
		}},
		Logs: []tracetree.Log{{Service: "a", Severity: "INFO", Body: s, Attributes: in}},
	}
	got := j.Where(s)
	if len(got) != 32 {
		t.Errorf("found %d places:\n%s", len(got), strings.Join(got, "\n"))
	}
	for _, place := range got {
		if strings.Contains(place, s) {
			t.Errorf("%q repeats what must be nowhere", place)
		}
	}
	for _, want := range []string{
		"a server GET (it): name", "a server GET (it): scope",
		"a server GET (it): scope version", "a server GET (it): scope: attribute k",
		"a server GET (it): resource: attribute k",
		"a server GET (it): status message", "a server GET (it): tracestate",
		"a server GET (it): key (it)", "a server GET (it): attribute k",
		"a server GET (it): attribute list: attribute m", "a server GET (it): attribute bytes",
		"a server GET (it): event name", "a server GET (it): link tracestate",
		"a server GET (it): link: attribute k", "a INFO log body", "a INFO log: attribute k",
		"a server GET (it): event (it): attribute k",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is missing of:\n%s", want, strings.Join(got, "\n"))
		}
	}
	if got := j.Where("not there"); len(got) != 0 {
		t.Errorf("found %q", got)
	}
}

func TestValueText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, ""}, {"a b", "a b"}, {true, "true"}, {3, "3"}, {int64(-4), "-4"}, {2.0, "2"},
		{1e300, "1e+300"}, {0.5, "0.5"}, {math.NaN(), "NaN"}, {math.Inf(1), "Infinity"},
		{math.Inf(-1), "-Infinity"}, {[]byte("hi"), "aGk="}, {[]any{"<", int64(1)}, `["<",1]`},
		{map[string]any{"b": 1, "a": nil}, `{"a":null,"b":1}`}, {[]any{math.NaN()}, "[NaN]"},
	} {
		if got := tracetree.ValueText(tt.in); got != tt.want {
			t.Errorf("ValueText(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
