// Package envcarrier carries a trace into and out of processes, in the
// environment variables TRACEPARENT, TRACESTATE and BAGGAGE.
//
// # Problem
//
// A pipeline runs a script, the script runs a program, the program runs another.
// There is no request between them, so each is a trace of its own, and nobody
// sees which step of the pipeline was slow.
//
// # Use
//
// Once, at the start of main, [Context] gives the ctx that the program's root
// span continues; [Command] prepares a child process. Shells and CI systems do
// the rest by leaving the environment alone:
//
//	ctx := envcarrier.Context(ctx, prop, os.LookupEnv)
//	ctx, span := tracer.Start(ctx, "settle payments")
//	cmd := exec.CommandContext(ctx, "render", "report")
//	envcarrier.Command(ctx, prop, cmd)
//
// # Don't use
//
// In a server or a long loop. The environment is set once: whatever began it is
// soon over, and every request or iteration would become a child of it, in one
// trace that never ends. Start a root per iteration there, with a link to what
// Context found if that helps. Never write to the environment of the own process.
// Do not let a setuid program, or one that strangers start, continue a trace.
//
// # Spec
//
// OpenTelemetry, "Environment Variables as Context Propagation Carriers" (names
// are upper case, other characters than letters and digits become underscores);
// values as in W3C Trace Context and W3C Baggage.
package envcarrier

import (
	"context"
	"os/exec"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/propagators/envcar"
	"go.opentelemetry.io/otel/propagation"
)

// Context returns ctx with what the environment holds for prop: the remote
// parent and the baggage. Without, or with a malformed one, ctx stays as it is.
// A nil lookup reads the environment of the process; os.LookupEnv is one.
func Context(
	ctx context.Context, prop propagation.TextMapPropagator,
	lookup func(name string) (string, bool),
) context.Context {
	return prop.Extract(ctx, &environment{lookup: lookup})
}

// Command adds the context in ctx to the environment of a child process that has
// not been started. What the child would inherit, from cmd.Env or from this
// process, stays, but for a context that is not ctx's.
func Command(ctx context.Context, prop propagation.TextMapPropagator, cmd *exec.Cmd) {
	cmd.Env = Environ(ctx, prop, cmd.Environ())
}

// Environ returns a copy of environ, a list of "NAME=value", in which prop's
// variables are those of ctx. Where ctx has none, an inherited one is removed:
// it names the parent of this process, and the child has another.
func Environ(
	ctx context.Context, prop propagation.TextMapPropagator, environ []string,
) []string {
	fields := prop.Fields()
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = variable(field)
	}
	out := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(names, name)
	})
	prop.Inject(ctx, &envcar.Carrier{SetEnvFunc: func(name, value string) {
		if strings.IndexByte(value, 0) < 0 { // it would cost the child its environment
			out = append(out, name+"="+value)
		}
	}})
	return out
}

// environment reads through lookup where envcar would ask the process.
type environment struct {
	envcar.Carrier
	lookup func(name string) (string, bool)
}

func (e *environment) Get(key string) string {
	if e.lookup == nil {
		return e.Carrier.Get(key)
	}
	value, _ := e.lookup(variable(key))
	return value
}

// variable is the name of the variable for a field. The rules are envcar's.
func variable(field string) string {
	var name string
	carrier := envcar.Carrier{SetEnvFunc: func(key, _ string) { name = key }}
	carrier.Set(field, "")
	return name
}
