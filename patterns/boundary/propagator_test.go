package boundary

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type carrier = propagation.MapCarrier

func TestNoValidTraceparentLeavesTheContextAsItIs(t *testing.T) {
	t.Parallel()
	before := Propagator{}.Extract(t.Context(), carrier{"traceparent": other})
	for _, bad := range []string{
		"", "x", parent + ".", parent + "-more", "ff" + parent[2:], "0" + parent,
		strings.ToUpper(parent), "00-" + strings.Repeat("0", 32) + parent[35:],
	} {
		in := carrier{"traceparent": bad, "tracestate": "a=1,foo@=1"}
		if after := (Propagator{}).Extract(before, in); after != before {
			t.Errorf("traceparent %q changed the context", bad)
		}
	}
}

func TestFlagsThatAreNotDefinedDoNotCostTheTrace(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		parent[:53] + "00":              parent[:53] + "00",
		parent[:53] + "03":              parent[:53] + "03",
		parent[:53] + "04":              parent[:53] + "00",
		parent[:53] + "ff":              parent[:53] + "03",
		parent[:53] + "FF":              "",
		parent[:53] + "+9":              "",
		"cc" + parent[2:53] + "ff":      parent[:53] + "03",
		"cc" + parent[2:53] + "ff-more": parent[:53] + "03",
	} {
		got := inject(Propagator{}.Extract(t.Context(), carrier{"traceparent": in}))
		if got["traceparent"] != want {
			t.Errorf("traceparent %q is sent on as %q, want %q", in, got["traceparent"], want)
		}
	}
}

// What arrives, and what is sent on.
func TestTracestate(t *testing.T) {
	t.Parallel()
	all := "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
	chars := ""
	for c := ' '; c <= '~'; c++ {
		if c != ',' && c != '=' {
			chars += string(c)
		}
	}
	for name, test := range map[string]struct{ in, want string }{
		// Any member that is not valid costs the list ("Key", "Value").
		"upper case key":        {"a=1,FOO=1", ""},
		"blank before =":        {"foo =1,a=1", ""},
		"dot in key":            {"foo.bar=1", ""},
		"no key":                {"=1,a=1", ""},
		"no =":                  {"foo,a=1", ""},
		"key begins with @":     {"@foo=1,bar=2", ""},
		"key begins with _":     {"_foo=1,bar=2", ""},
		"key of 257":            {"foo=1," + strings.Repeat("z", 257) + "=1", ""},
		"no value":              {"foo=,bar=3", ""},
		"= in value":            {"foo=bar=baz", ""},
		"control in value":      {"foo=a\tb", ""},
		"not ASCII":             {"foo=\u00e9", ""},
		"value of 257":          {"foo=" + strings.Repeat("v", 257), ""},
		"33 members":            {list(33), ""},
		"33 members, one level": {list(32) + ",foo@=1", ""},

		// Level 1, which trace.TraceState holds.
		"empty":              {"", ""},
		"empty members":      {", ,\t,", ""},
		"order":              {"c=1,a=2,b=3", "c=1,a=2,b=3"},
		"blanks":             {" \tfoo=1 \t , \t bar=2,, baz=3\t", "foo=1,bar=2,baz=3"},
		"blanks lead value":  {"foo=  1", "foo=  1"},
		"duplicates, equal":  {"foo=1,foo=1", "foo=1"},
		"duplicates, differ": {"foo=1,bar=2,foo=3", "foo=1,bar=2"},
		"all characters":     {all + "=" + chars, all + "=" + chars},
		"32 members":         {list(32), list(32)},
		"key of 256":         {pad("z", 256) + "=1", pad("z", 256) + "=1"},
		"value of 256":       {"a=" + pad("v", 256), "a=" + pad("v", 256)},
		"tenant":             {pad("t", 241) + "@" + pad("v", 14) + "=1", pad("t", 241) + "@" + pad("v", 14) + "=1"},

		// Level 2, which it does not: kept beside the span context.
		"@ at the end":        {"foo@=1,bar=2", "foo@=1,bar=2"},
		"two @":               {"bar=2,foo@@bar=1,a=3", "bar=2,foo@@bar=1,a=3"},
		"@ twice":             {"foo@bar@baz=1,bar=2", "foo@bar@baz=1,bar=2"},
		"begins with a digit": {"1a=1,b=2", "1a=1,b=2"},
		"long tenant":         {"foo=1," + pad("t", 242) + "@v=1", "foo=1," + pad("t", 242) + "@v=1"},
		"long system":         {"foo=1,t@" + pad("v", 15) + "=1", "foo=1,t@" + pad("v", 15) + "=1"},
		"@ key of 257":        {"foo=1," + pad("t", 256) + "@=1", ""},
		"duplicate with @":    {"foo@=1,a=2,foo@=3", "foo@=1,a=2"},
		"32 with @":           {list(31) + ",foo@=1", list(31) + ",foo@=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := Propagator{}.Extract(t.Context(), carrier{
				"traceparent": parent, "tracestate": test.in})
			if !trace.SpanContextFromContext(ctx).IsRemote() {
				t.Fatal("no remote span context: a tracestate must not cost the traceparent")
			}
			want := carrier{"traceparent": parent}
			if test.want != "" {
				want["tracestate"] = test.want
			}
			if diff := cmp.Diff(want, inject(ctx)); diff != "" {
				t.Errorf("sent on (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembersBesideBelongToOneTrace(t *testing.T) {
	t.Parallel()
	ctx := Propagator{}.Extract(t.Context(), carrier{
		"traceparent": parent, "tracestate": "a=1,foo@=1"})
	anotherSpan := trace.SpanContextFromContext(ctx).WithSpanID(trace.SpanID{1})
	anotherTrace := anotherSpan.WithTraceID(trace.TraceID{1}).WithTraceState(trace.TraceState{})
	later := Propagator{}.Extract(ctx, carrier{"traceparent": parent, "tracestate": "b=1"})
	for name, test := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"a child":                   {trace.ContextWithSpanContext(ctx, anotherSpan), "a=1,foo@=1"},
		"another trace":             {trace.ContextWithSpanContext(ctx, anotherTrace), ""},
		"no span":                   {trace.ContextWithSpanContext(ctx, trace.SpanContext{}), ""},
		"the same trace, read anew": {later, "b=1"},
	} {
		if got := inject(test.ctx)["tracestate"]; got != test.want {
			t.Errorf("%s: tracestate = %q, want %q", name, got, test.want)
		}
	}
}

func TestChangesOfTheSpanContextAreKept(t *testing.T) {
	t.Parallel()
	insert := func(key, value string) func(trace.TraceState) (trace.TraceState, error) {
		return func(s trace.TraceState) (trace.TraceState, error) { return s.Insert(key, value) }
	}
	for name, test := range map[string]struct {
		in     string
		change func(trace.TraceState) (trace.TraceState, error)
		want   string
	}{
		"added":   {"a=1,foo@=2,b=3", insert("n", "9"), "n=9,a=1,foo@=2,b=3"},
		"changed": {"a=1,foo@=2,b=3", insert("b", "9"), "b=9,a=1,foo@=2"},
		"deleted": {"a=1,foo@=2,b=3", func(s trace.TraceState) (trace.TraceState, error) {
			return s.Delete("a"), nil
		}, "foo@=2,b=3"},
		"added to a full list": {
			list(31) + ",foo@=1", insert("n", "9"), "n=9," + list(31)},
	} {
		ctx := Propagator{}.Extract(t.Context(), carrier{
			"traceparent": parent, "tracestate": test.in})
		sc := trace.SpanContextFromContext(ctx)
		state, err := test.change(sc.TraceState())
		if err != nil {
			t.Fatal(err)
		}
		ctx = trace.ContextWithSpanContext(ctx, sc.WithTraceState(state))
		if got := inject(ctx)["tracestate"]; got != test.want {
			t.Errorf("%s: tracestate = %q, want %q", name, got, test.want)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"traceparent", "tracestate"}, Propagator{}.Fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func inject(ctx context.Context) carrier {
	out := carrier{}
	Propagator{}.Inject(ctx, out)
	return out
}

func list(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf("k%02d=%02d", i, i)
	}
	return strings.Join(members, ",")
}

func pad(s string, n int) string { return strings.Repeat(s, n) }
