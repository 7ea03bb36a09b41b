// Package backend reads traces back from where the Collector has sent them, and compares them span
// for span with what the lab's store says was sent.
//
// A [Reader] asks one backend for one trace: [Jaeger] and [Tempo] over their HTTP APIs, [Store] the
// lab's own. All return the neutral spans of package tracetree. [Verifier] waits until a backend
// holds as many spans as the store, compares every field, and then the scenario's trees with what
// the backend holds.
//
// No backend keeps everything. What one is known to lose is declared in rules.go, each with its
// reason; a change that is not declared there is a failure. docs/backends.md tells the same to
// people.
package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

// The backends that there are.
const (
	StoreName  = "store"
	JaegerName = "jaeger"
	TempoName  = "tempo"
)

// Names lists all backends, in the order in which they are told.
func Names() []string { return []string{StoreName, JaegerName, TempoName} }

// ParseNames reads a list such as "store,jaeger". An unknown name, a name that comes twice and an
// empty list are errors.
func ParseNames(list string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(Names(), name):
			return nil, fmt.Errorf("%.40q is no backend: want some of %s", name,
				strings.Join(Names(), ","))
		case slices.Contains(names, name):
			return nil, fmt.Errorf("%s is there twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// Reader returns all spans that a backend holds of one trace, in any order; none when it does not
// know the trace. An error may pass by itself, unless it is a [Refusal].
type Reader func(ctx context.Context, traceID string) ([]tracetree.Span, error)

// Refusal is an error that asking again will not mend: what answers is not such a backend, or holds
// the trace in part.
type Refusal struct{ error }

func (r Refusal) Unwrap() error { return r.error }

func refuse(format string, args ...any) error { return Refusal{fmt.Errorf(format, args...)} }

func refused(err error) bool {
	var r Refusal
	return errors.As(err, &r)
}

// Store reads from the lab's own store.
func Store(source scenario.Source) Reader {
	return func(ctx context.Context, traceID string) ([]tracetree.Span, error) {
		journey, err := source.Journey(ctx, []string{traceID})
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Clone(journey.Spans), func(s tracetree.Span) bool {
			return s.TraceID != traceID
		}), nil
	}
}
