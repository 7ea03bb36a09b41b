// Package fault keeps faults in the wiring: switches that are turned at run time, and decorators
// that choose between a good and a bad part on every call.
//
// The code that people copy never asks whether a fault is on. A service declares its faults in a
// [Set], wraps a seam (a propagator, a transport, a context hand-off) where it is wired, and its
// admin listener turns the switches.
package fault

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/propagation"
)

// Set is the faults of one service. The zero value is an empty set. It is safe for concurrent
// use.
type Set struct {
	mu       sync.RWMutex
	switches map[string]*Switch
}

// Switch is one fault. A nil Switch is off, so that parts may be wired without a Set.
type Switch struct {
	about string
	on    atomic.Bool
	times atomic.Uint64
}

// Status is a fault as listed.
type Status struct {
	Name  string `json:"name"`
	About string `json:"about"` // one sentence
	On    bool   `json:"on"`
}

// On reports whether the fault is turned on.
func (s *Switch) On() bool { return s != nil && s.on.Load() }

// Times returns how often the fault has been turned on, for a fault that remembers something and
// must begin anew.
func (s *Switch) Times() uint64 {
	if s == nil {
		return 0
	}
	return s.times.Load()
}

// turn counts before a fault is on, so that whoever sees it on sees the new count as well.
func (s *Switch) turn(on bool) {
	if on && !s.On() {
		s.times.Add(1)
	}
	s.on.Store(on)
}

// Declare returns the switch of that name, off when it is new. about is one sentence that tells
// what breaks; declaring a name twice keeps the first sentence and returns the same switch. A
// nil Set declares nothing and returns a nil Switch.
func (s *Set) Declare(name, about string) *Switch {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sw, ok := s.switches[name]; ok {
		return sw
	}
	if s.switches == nil {
		s.switches = make(map[string]*Switch)
	}
	sw := &Switch{about: about}
	s.switches[name] = sw
	return sw
}

// List returns all faults, sorted by name.
func (s *Set) List() []Status {
	list := []Status{}
	if s == nil {
		return list
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(s.switches)) {
		sw := s.switches[name]
		list = append(list, Status{Name: name, About: sw.about, On: sw.On()})
	}
	return list
}

// Turn turns a fault on or off. An unknown name is an error that lists the known ones.
func (s *Set) Turn(name string, on bool) error {
	var known []string
	if s != nil {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if sw, ok := s.switches[name]; ok {
			sw.turn(on)
			return nil
		}
		known = slices.Sorted(maps.Keys(s.switches))
	}
	if len(known) == 0 {
		return fmt.Errorf("unknown fault %.64q: this service has none", name)
	}
	return fmt.Errorf("unknown fault %.64q: want one of %s", name, strings.Join(known, ", "))
}

// Pick returns bad while the fault is on, else good. It decides once: the decorators of this
// package call it per call.
func Pick[T any](sw *Switch, good, bad T) T {
	if sw.On() {
		return bad
	}
	return good
}

// Propagator returns a propagator that injects and extracts with bad while the fault is on.
func Propagator(
	sw *Switch, good, bad propagation.TextMapPropagator,
) propagation.TextMapPropagator {
	return propagator{sw: sw, good: good, bad: bad}
}

type propagator struct {
	sw        *Switch
	good, bad propagation.TextMapPropagator
}

func (p propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	Pick(p.sw, p.good, p.bad).Inject(ctx, carrier)
}

func (p propagator) Extract(
	ctx context.Context, carrier propagation.TextMapCarrier,
) context.Context {
	return Pick(p.sw, p.good, p.bad).Extract(ctx, carrier)
}

// Fields returns the fields of both: a caller may ask once and clear a carrier much later.
func (p propagator) Fields() []string {
	fields := slices.Concat(p.good.Fields(), p.bad.Fields())
	slices.Sort(fields)
	return slices.Compact(fields)
}

// Context returns a hand-off of contexts that goes through bad while the fault is on. A nil
// function hands the context on unchanged.
func Context(
	sw *Switch, good, bad func(context.Context) context.Context,
) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context {
		if hand := Pick(sw, good, bad); hand != nil {
			return hand(ctx)
		}
		return ctx
	}
}

// Transport returns a round tripper that sends through bad while the fault is on.
func Transport(sw *Switch, good, bad http.RoundTripper) http.RoundTripper {
	return transport{sw: sw, good: good, bad: bad}
}

type transport struct {
	sw        *Switch
	good, bad http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return Pick(t.sw, t.good, t.bad).RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach both.
func (t transport) CloseIdleConnections() {
	for _, rt := range []http.RoundTripper{t.good, t.bad} {
		if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}
