package programs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/tracetree"
)

// evidence is what has arrived, and what must have existed although it has not: a span that
// another names as parent or in a link, or that a message names.
type evidence struct {
	*killing
	t     *testing.T
	spans []tracetree.Span
	known map[string]tracetree.Span
	lost  map[string]string // span → its service
}

// traces checks every trace: whole, but for spans that died with their process.
func (k *killing) traces(t *testing.T) {
	t.Helper()
	e := &evidence{
		killing: k, t: t, spans: k.store.All().Spans,
		known: map[string]tracetree.Span{}, lost: map[string]string{},
	}
	for _, s := range e.spans {
		e.known[s.TraceID+s.SpanID] = s
	}
	e.served()
	e.messages()
	for _, s := range e.spans {
		e.whole(s)
	}
	e.tell()
}

// served checks that the gateway, which nobody killed, has exported the span of every answer.
func (e *evidence) served() {
	for _, o := range e.orders {
		for _, sc := range o.served {
			s, ok := e.known[key(sc)]
			if !ok || s.Service != "gateway" || s.Kind != "server" {
				e.t.Errorf("order %s: the SERVER span %s of an answer has not arrived", o.id, key(sc))
			}
		}
	}
}

// messages checks what PATTERNS says of outbox, stream-message and redelivery, against the
// messages as they are in Redis.
func (e *evidence) messages() {
	consumers := map[string][]tracetree.Span{}
	for _, s := range e.spans {
		if s.Name == "process orders.placed" {
			id := fmt.Sprint(s.Attributes["messaging.message.id"])
			consumers[id] = append(consumers[id], s)
		}
	}
	orders := map[string]*order{}
	for _, o := range e.orders {
		orders[o.id] = o
	}
	for _, m := range e.placed {
		o := orders[fmt.Sprint(m.Values["order_id"])]
		if o == nil {
			e.t.Errorf("message %s: of an order that nobody has made: %v", m.ID, m.Values)
			continue
		}
		producer := carried(m)
		if !o.confirms[producer.TraceID().String()] {
			e.t.Errorf("order %s: its message is in trace %s, in which nobody confirmed it",
				o.id, producer.TraceID())
		}
		e.produced(m, producer)
		e.consumed(o, consumers[m.ID], producer)
	}
}

// produced checks the PRODUCER span, a child of the request that confirmed.
func (e *evidence) produced(m redis.XMessage, producer trace.SpanContext) {
	s, ok := e.known[key(producer)]
	if !ok {
		e.loses(key(producer), "order", e.dispatchedBy[m.ID], "a message in Redis")
		return
	}
	if s.Name != "send orders.placed" || s.Kind != "producer" || len(s.Links) != 0 {
		e.t.Errorf("message %s was sent by %+v, want a PRODUCER span without links", m.ID, s)
	}
	if confirm, ok := e.known[s.TraceID+s.ParentID]; ok &&
		(confirm.Name != "POST /orders/{id}/confirm" || confirm.Kind != "server") {
		e.t.Errorf("the parent of %s is %+v, want the request that confirmed", s.Name, confirm)
	}
}

// consumed checks the CONSUMER spans of a message: one for each delivery, with the PRODUCER as
// parent and link, and one that succeeded, unless it was with a process that was killed.
func (e *evidence) consumed(o *order, spans []tracetree.Span, producer trace.SpanContext) {
	succeeded, deliveries := 0, map[string]bool{}
	for _, s := range spans {
		if s.TraceID != producer.TraceID().String() || s.ParentID != producer.SpanID().String() ||
			!s.ParentRemote || len(s.Links) != 1 || s.Links[0].Type() != "producer" ||
			s.Links[0].TraceID != s.TraceID || s.Links[0].SpanID != s.ParentID {
			e.t.Errorf("order %s: %+v, want PRODUCER %s as remote parent and as link",
				o.id, s, key(producer))
		}
		n := fmt.Sprint(s.Attributes["shop.messaging.delivery_count"])
		if deliveries[n] {
			e.t.Errorf("order %s: two CONSUMER spans of delivery %s", o.id, n)
		}
		deliveries[n] = true
		if s.Kind == "consumer" && s.Status != "error" {
			succeeded++
		}
	}
	if succeeded == 0 {
		e.loses("settlement of order "+o.id, "payment", e.settledBy[o.id], "a settled payment")
	}
}

// whole checks that a span's parent and all that it links to are there.
func (e *evidence) whole(s tracetree.Span) {
	if _, ok := e.known[s.TraceID+s.ParentID]; s.ParentID != "" && !ok {
		service, instance := parentOf(s)
		e.loses(s.TraceID+s.ParentID, service, instance, "the parent of "+s.Service+" "+s.Name)
	}
	for _, l := range s.Links {
		if _, ok := e.known[l.TraceID+l.SpanID]; !ok {
			service := "gateway"
			if s.Name == "relay outbox" || l.Type() == "producer" {
				service = "order"
			}
			e.loses(l.TraceID+l.SpanID, service, "", "a link "+l.Type()+" of "+s.Name)
		}
	}
}

// parentOf returns the service that a parent belongs to, and the instance if that is certain: who
// has a local parent has it in the same process.
func parentOf(s tracetree.Span) (service, instance string) {
	switch {
	case !s.ParentRemote:
		return s.Service, s.Instance
	case s.Kind == "producer": // the outbox is order's own
		return s.Service, ""
	case s.Service == "order":
		return "gateway", ""
	default:
		return "order", ""
	}
}

// loses counts a span that has not arrived. It is an error unless the span's process was killed;
// instance is empty if it may be any of the service.
func (e *evidence) loses(span, service, instance, why string) {
	killed := e.killed[instance]
	if instance == "" {
		for name := range e.killed {
			killed = killed || strings.HasPrefix(name, service+"-")
		}
	}
	if !killed {
		e.t.Errorf("span %s of %s (%s) has not arrived, and nobody killed that; known from %s",
			span, service, instance, why)
	}
	e.lost[span] = service
}

// tell prints the account: no ledger survives of what a killed process had not exported, so the
// spans that are known to be lost are those that something else names.
func (e *evidence) tell() {
	statuses, requests := map[int]int{}, 0
	for _, o := range e.orders {
		for status, n := range o.statuses {
			statuses[status] += n
			requests += n
		}
	}
	e.t.Logf("%d orders confirmed and settled once; %d requests, all answered and with their "+
		"SERVER span; by status: %v", len(e.orders), requests, statuses)
	lost := map[string]int{}
	for _, service := range e.lost {
		lost[service]++
	}
	e.t.Logf("killed: %v; spans known to be lost with them: %v; arrived: %d",
		slices.Sorted(maps.Keys(e.killed)), lost, len(e.spans))
}

func key(sc trace.SpanContext) string { return sc.TraceID().String() + sc.SpanID().String() }

// carried is the span context in the fields of a message.
func carried(m redis.XMessage) trace.SpanContext {
	carrier := propagation.MapCarrier{}
	for field, value := range m.Values {
		carrier[field] = fmt.Sprint(value)
	}
	return trace.SpanContextFromContext(
		propagation.TraceContext{}.Extract(context.Background(), carrier))
}
