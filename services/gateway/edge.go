package gateway

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/clientreturned"
	"example.com/throughline/patterns/underroot"
)

// edge decides, before the SERVER span starts, what the span continues. It must come before
// otelhttp: a span's parent cannot be changed, and what is looked up inside the span, or with a
// context that holds none, would be a child or a root of its own.
//
// On the public listener callers are strangers. Their context becomes a link and nothing more:
// it does not choose our trace id, our sampling or our baggage. On the trusted listener the
// caller's context is continued where the process has none of its own, and those of its baggage
// members come in that the shop knows.
func (a *api) edge(trusted bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, ctx := a.decide(r), r.Context()
			var members baggage.Baggage // of strangers: none
			if trusted {
				caller := a.trustedInbound.Extract(ctx, propagation.HeaderCarrier(r.Header))
				sc := trace.SpanContextFromContext(caller)
				t = t.calledBy(sc)
				members = baggage.FromContext(shop.Baggage().Filter(caller))
				if t.parent.Equal(sc) {
					ctx = caller // and what else came with it: it may be more than a span context
				}
			} else {
				// What cannot be read is nobody's context.
				stranger, _ := clientreturned.Extract(r.Header)
				t = t.calledByStranger(stranger)
			}
			ctx = context.WithValue(ctx, turnKey{}, t)
			ctx = baggage.ContextWithBaggage(ctx, members)
			if t.parent.IsValid() {
				ctx = trace.ContextWithRemoteSpanContext(ctx, t.parent)
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// decide asks the process's strategy. The first request of a process has none yet: its handler
// chooses one.
func (a *api) decide(r *http.Request) turn {
	workflow := r.PathValue("id")
	if !id.Valid(workflow) {
		return turn{}
	}
	if strings.HasPrefix(r.URL.Path, "/callbacks/") {
		return a.notified.turn(r.Context(), workflow)
	}
	if strings.HasPrefix(r.URL.Path, "/negotiations/") {
		return a.strategies["client"].next(r.Context(), workflow, r.Header)
	}
	name, err := a.chosen.get(r.Context(), workflow)
	if err != nil {
		return turn{err: err}
	}
	s, ok := a.strategies[name]
	switch {
	case !ok:
		return turn{} // not known, or forgotten: order will say
	case r.Pattern == listening && name == "client":
		return turn{strategy: name} // what the caller sent is looked at no further, nor used up
	case r.Pattern == listening:
		return s.next(r.Context(), workflow, r.Header).watched()
	}
	return s.next(r.Context(), workflow, r.Header)
}

// watched is t for a caller who listens to the process. That is no turn: a browser that comes back
// ten times has not done ten steps. So it is not counted, and must not be in the trace of the turns
// either: nothing would bound that.
func (t turn) watched() turn {
	t.parent, t.keep, t.number = trace.SpanContext{}, nil, 0
	return t
}

// calledBy adds the context of a trusted caller: the parent, if the turn has nothing else to
// continue, else a link.
func (t turn) calledBy(sc trace.SpanContext) turn {
	switch {
	case !sc.IsValid() || t.parent.Equal(sc) || t.ours:
	case !t.parent.IsValid() && len(t.links) == 0 && t.rejected == "":
		t.parent = sc
	default:
		t.links = append(t.links, shop.Link(sc, shop.LinkCaller))
	}
	return t
}

// calledByStranger adds the context of a stranger: a link, unless it was verified to be ours.
func (t turn) calledByStranger(sc trace.SpanContext) turn {
	if sc.IsValid() && !t.ours && !continues(t.parent, sc) {
		t.links = append(t.links, shop.Link(bare(sc), shop.LinkUntrustedCaller))
	}
	return t
}

// continues reports whether parent is the span that sc names.
func continues(parent, sc trace.SpanContext) bool {
	return parent.TraceID() == sc.TraceID() && parent.SpanID() == sc.SpanID()
}

// bare keeps the ids of a stranger's context and drops the tracestate, which can be 32 members
// of anything.
func bare(sc trace.SpanContext) trace.SpanContext {
	return sc.WithTraceState(trace.TraceState{})
}

// begin is the first thing inside the SERVER span: it adds what otelhttp could not at the start,
// and remembers the turn for the next one.
func (a *api) begin(w http.ResponseWriter, r *http.Request, workflow string, t turn) error {
	span := trace.SpanFromContext(r.Context())
	span.SetAttributes(t.attributes(r, workflow)...)
	t.addLinks(span)
	a.turns.count(r.Context(), t)
	if t.rejected != "" {
		a.rejections.Add(r.Context(), 1,
			metric.WithAttributes(shop.ContinuationRejected.String(t.rejected)))
	}
	if t.err != nil {
		return unavailable(t.err)
	}
	if t.keep == nil {
		return nil
	}
	if err := t.keep(r.Context(), w.Header(), span.SpanContext()); err != nil {
		return unavailable(err)
	}
	return nil
}

func (t turn) addLinks(span trace.Span) {
	for _, link := range t.links {
		span.AddLink(link)
	}
}

// rooted returns ctx with the span that began the trace, for services behind that attach work to
// it: this turn's own, or of a persisted process that of its first turn. Of a trace that came from
// a client or a trusted caller it is not known.
func (t turn) rooted(ctx context.Context) context.Context {
	switch {
	case !t.parent.IsValid():
		return underroot.WithRoot(ctx)
	case t.strategy == "persisted":
		first := underroot.WithRoot(trace.ContextWithSpanContext(ctx, t.parent))
		return trace.ContextWithSpan(first, trace.SpanFromContext(ctx))
	}
	return ctx
}

func unavailable(err error) error {
	return problem.New(http.StatusServiceUnavailable, "unavailable",
		"checkout state cannot be reached, try again").Because(err)
}
