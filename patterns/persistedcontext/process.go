package persistedcontext

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Every link says why it is there. No semantic convention names such an
// attribute, so the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey      = attribute.Key("shop.link.type")
	LinkPreviousTurn = "previous_turn"
	LinkOrigin       = "origin"
)

// Process is what is known of a process when a turn arrives. The zero Process is
// one whose first turn it is.
type Process struct {
	// Root is the SERVER span that began the current trace.
	Root trace.SpanContext
	// Origin is the SERVER span of the very first turn; it is Root until the
	// first rotation.
	Origin trace.SpanContext
	// Previous is the SERVER span of the last turn.
	Previous trace.SpanContext
	// Turn is the number of that turn, so the one that arrives is Turn+1.
	Turn int

	rootTurn int       // the turn that began the current trace
	rootTime time.Time // and when
	over     bool      // the current trace has had its turns or its time
}

// Parent returns the remote parent of the turn that arrives: Root, or the zero
// SpanContext if the turn is to be a new root, because it is the first one or
// because the trace's lifetime is over.
func (p Process) Parent() trace.SpanContext {
	if p.over {
		return trace.SpanContext{}
	}
	return p.Root
}

// Links returns the links of the turn that arrives: none for the first,
// previous_turn for a later one, previous_turn and origin for one that begins a
// new trace. Give them to the span at its start if you start it yourself: a
// sampler does not see a link that is added later.
func (p Process) Links() []trace.Link {
	if p.Turn == 0 {
		return nil
	}
	links := []trace.Link{link(p.Previous, LinkPreviousTurn)}
	if p.over {
		links = append(links, link(p.Origin, LinkOrigin))
	}
	return links
}

func link(sc trace.SpanContext, kind string) trace.Link {
	return trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{LinkTypeKey.String(kind)}}
}

// next is the process after the turn whose SERVER span is sc.
func (p Process) next(sc trace.SpanContext, now time.Time) Process {
	if p.Turn == 0 {
		p.Origin = sc
	}
	p.Turn++
	p.Previous = sc
	if p.Turn == 1 || p.over {
		p.Root, p.rootTurn, p.rootTime, p.over = sc, p.Turn, now, false
	}
	return p
}

type named struct {
	name string
	sc   *trace.SpanContext
}

func (p *Process) contexts() []named {
	return []named{{"root", &p.Root}, {"origin", &p.Origin}, {"previous", &p.Previous}}
}

// fields always has every field, empty ones too, so that nothing of the record
// before it survives.
func (p Process) fields() map[string]string {
	fields := map[string]string{
		"turn":      strconv.Itoa(p.Turn),
		"root-turn": strconv.Itoa(p.rootTurn),
		"root-time": strconv.FormatInt(p.rootTime.UnixMilli(), 10),
	}
	for _, c := range p.contexts() {
		w3c := propagation.MapCarrier{}
		ctx := trace.ContextWithSpanContext(context.Background(), *c.sc)
		propagation.TraceContext{}.Inject(ctx, w3c)
		fields[c.name+"-traceparent"] = w3c["traceparent"]
		fields[c.name+"-tracestate"] = w3c["tracestate"]
	}
	return fields
}

func parse(hash map[string]string) (Process, error) {
	var p Process
	for _, c := range p.contexts() {
		parent := hash[c.name+"-traceparent"]
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{
			"traceparent": parent, "tracestate": hash[c.name+"-tracestate"],
		})
		if *c.sc = trace.SpanContextFromContext(ctx); !c.sc.IsValid() {
			return malformed(c.name+"-traceparent", parent)
		}
	}
	var err error
	if p.Turn, err = strconv.Atoi(hash["turn"]); err != nil || p.Turn < 1 {
		return malformed("turn", hash["turn"])
	}
	p.rootTurn, err = strconv.Atoi(hash["root-turn"])
	if err != nil || p.rootTurn < 1 || p.rootTurn > p.Turn {
		return malformed("root-turn", hash["root-turn"])
	}
	ms, err := strconv.ParseInt(hash["root-time"], 10, 64)
	if err != nil || ms < 0 {
		return malformed("root-time", hash["root-time"])
	}
	p.rootTime = time.UnixMilli(ms)
	return p, nil
}

func malformed(field, value string) (Process, error) {
	return Process{}, fmt.Errorf("field %s is %.60q: %w", field, value, ErrMalformed)
}
