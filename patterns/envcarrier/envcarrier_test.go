package envcarrier

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

type environ map[string]string

func (e environ) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

func TestNothingValidLeavesTheContextAsItIs(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]environ{
		"empty":           {},
		"lower case":      {"traceparent": parent},
		"empty variable":  {"TRACEPARENT": ""},
		"malformed":       {"TRACEPARENT": "x"},
		"tracestate only": {"TRACESTATE": "a=1"},
		"new line":        {"TRACEPARENT": parent + "\n"},
	} {
		if ctx := Context(t.Context(), propagation.TraceContext{}, env.lookup); ctx != t.Context() {
			t.Errorf("%s: span context is %v", name, trace.SpanContextFromContext(ctx))
		}
	}
}

func TestAChildDoesNotInheritAnotherContext(t *testing.T) {
	t.Parallel()
	in := []string{"TRACEPARENT=" + parent, "TRACESTATE=a=1", "BAGGAGE=a=1", "PATH=/bin",
		"TRACEPARENT_X=1", "EMPTY="}
	before := slices.Clone(in)
	got := Environ(t.Context(), allOfW3C(), in)
	if diff := cmp.Diff([]string{"PATH=/bin", "TRACEPARENT_X=1", "EMPTY="}, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, in); diff != "" {
		t.Errorf("the caller's list changed (-before +after):\n%s", diff)
	}
}

func TestContextOfTheProcess(t *testing.T) {
	t.Setenv("TRACEPARENT", parent)
	t.Setenv("TRACESTATE", "a=1")
	t.Setenv("BAGGAGE", "tenant=blue")
	ctx := Context(t.Context(), allOfW3C(), nil)
	sc := trace.SpanContextFromContext(ctx)
	if sc.SpanID().String() != "00f067aa0ba902b7" || !sc.IsRemote() ||
		sc.TraceState().String() != "a=1" {
		t.Errorf("span context = %+v", sc)
	}
	if got := baggage.FromContext(ctx).String(); got != "tenant=blue" {
		t.Errorf("baggage = %q", got)
	}
}

// The test binary runs itself, and prints what it was given.
func TestCommand(t *testing.T) {
	if os.Getenv("PRINT_CONTEXT") != "" {
		ctx := Context(t.Context(), allOfW3C(), os.LookupEnv)
		out := propagation.MapCarrier{}
		allOfW3C().Inject(ctx, out)
		t.Log("child: ", out["traceparent"], out["tracestate"], out["baggage"])
		return
	}
	env := environ{"TRACEPARENT": parent, "TRACESTATE": "a=1", "BAGGAGE": "tenant=blue"}
	ctx := Context(t.Context(), allOfW3C(), env.lookup)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCommand$", "-test.v")
	cmd.Env = append(os.Environ(), "PRINT_CONTEXT=1", "TRACEPARENT=stale")
	Command(ctx, allOfW3C(), cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "child:  " + parent + " a=1 tenant=blue"; !strings.Contains(string(out), want) {
		t.Errorf("child printed %s, want %q", out, want)
	}
	if os.Getenv("TRACEPARENT") != "" {
		t.Error("the environment of this process changed")
	}
}

func allOfW3C() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{})
}
