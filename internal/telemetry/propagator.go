package telemetry

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/patterns/b3bridge"
	"example.com/throughline/patterns/boundary"
)

// newPropagator takes the names of env, which is OTEL_PROPAGATORS, or else names, or else
// tracecontext and baggage. When a carrier holds several contexts, the last name wins.
func newPropagator(names []string, env string) (propagation.TextMapPropagator, error) {
	if env != "" {
		names = strings.Split(env, ",")
	}
	if len(names) == 0 {
		names = []string{"tracecontext", "baggage"}
	}
	var once []string // Environment Variable Specification: names are to be deduplicated
	for _, name := range names {
		if name = strings.TrimSpace(name); !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	theirs, err := autoprop.TextMapPropagator(once...)
	if err != nil {
		return nil, fmt.Errorf("OTEL_PROPAGATORS: %w: want names like "+
			"tracecontext, baggage, b3, b3multi, jaeger", err)
	}
	if slices.Contains(once, "none") {
		return theirs, nil // whatever else is named
	}
	props := make([]propagation.TextMapPropagator, len(once))
	for i, name := range once {
		if props[i] = ours(name); props[i] != nil {
			continue
		}
		if props[i], err = autoprop.TextMapPropagator(name); err != nil {
			return nil, fmt.Errorf("OTEL_PROPAGATORS: %w", err)
		}
	}
	return propagation.NewCompositeTextMapPropagator(props...), nil
}

// ours is what a name means here and not in autoprop, if anything: W3C Trace Context of level 2,
// and B3 that takes a deferred decision for no refusal and refuses nothing where there is no span.
func ours(name string) propagation.TextMapPropagator {
	switch name {
	case "tracecontext":
		return boundary.Propagator{}
	case "b3":
		return b3bridge.Propagator{Read: b3bridge.B3, Write: b3bridge.B3Single}
	case "b3multi":
		return b3bridge.Propagator{Read: b3bridge.B3, Write: b3bridge.B3Multi}
	}
	return nil
}
