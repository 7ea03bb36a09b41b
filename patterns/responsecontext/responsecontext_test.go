package responsecontext

import (
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

const (
	parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	other  = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
	good   = `traceparent;desc="` + parent + `"`
)

func TestParseFindsNothing(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"no header":             nil,
		"empty":                 {""},
		"other metrics":         {`db;dur=53, cache;desc="hit"`},
		"no parameter":          {"traceparent"},
		"no desc":               {"traceparent;dur=1"},
		"empty desc":            {`traceparent;desc=""`},
		"garbage":               {`traceparent;desc="x"`},
		"zero ids":              {`traceparent;desc="00-00000000000000000000000000000000-0000000000000000-00"`},
		"quote not closed":      {`traceparent;desc="` + parent},
		"quote not opened":      {`traceparent;desc=` + parent + `"`},
		"inside another string": {`db;desc="a, traceparent;desc=` + parent + `"`},
		"after an open quote":   {`db;desc="a, traceparent;desc=` + parent},
		"another name":          {`xtraceparent;desc="` + parent + `"`},
		"only the first desc":   {`traceparent;desc="x";desc="` + parent + `"`},
		"two that differ":       {good, `traceparent;desc="` + other + `"`},
		"one of two is bad":     {good + `, traceparent;desc="x"`},
		"only separators":       {`,;,;;="\`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if sc, ok := Parse(http.Header{"Server-Timing": values}); ok || sc.IsValid() {
				t.Errorf("Parse(%q) = %v, %t, want none", values, sc.TraceID(), ok)
			}
		})
	}
}

func TestParseFinds(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"alone":                  {good},
		"token":                  {"traceparent;desc=" + parent},
		"spaces":                 {" traceparent ;\tdesc = \"" + parent + "\" ;dur=1 "},
		"case":                   {`Traceparent;DESC="` + parent + `"`},
		"among others":           {`db;dur=53, ` + good + `, cache;desc="hit"`},
		"in the second header":   {`db;dur=53`, good},
		"other parameters first": {`traceparent;dur=1;x="a;desc=b,c";desc="` + parent + `"`},
		"after quoted commas":    {`db;desc="a, \", b", ` + good},
		"after an open quote":    {`db;desc="a`, good},
		"escaped":                {`traceparent;desc="\0\0` + parent[2:] + `"`},
		"twice the same":         {good, good},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc, ok := Parse(http.Header{"Server-Timing": values})
			if !ok || !sc.Equal(exampleSpanContext().WithRemote(true)) {
				t.Errorf("Parse(%q) = %v, %t, want %s, remote", values, sc.TraceID(), ok, parent)
			}
		})
	}
}

func TestSetOfAnInvalidSpanContextAddsNothing(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	Set(h, trace.SpanContext{})
	if len(h) != 0 {
		t.Errorf("header = %v, want none", h)
	}
}
