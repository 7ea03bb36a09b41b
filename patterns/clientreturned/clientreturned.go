// Package clientreturned continues one trace over many requests by letting the
// client carry the trace context, signed so that it can be trusted when it
// comes back.
//
// # Problem
//
// A process of several requests (a negotiation, a form, polling) should be one
// trace, and the server keeps no state in which to remember it. The client can:
// it returns the traceparent and tracestate of the last response. But a public
// server that adopts whatever context a stranger sends lets him write into
// other people's traces, choose what is sampled and grow one trace for ever.
//
// # Use
//
// After each turn, [Signer.Sign] the context of the SERVER span and [Return]
// it in the response headers. At the edge, before the SERVER span starts,
// [Extract] and [Signer.Verify] what came in. If both succeed, make the result
// the remote parent. If not, start a new root, with what Extract returned as a
// link and [Reason] as an attribute, and serve the request all the same: a bad
// trace context is no reason to refuse business. The signature is a member of
// tracestate, so a client that echoes two headers needs to know nothing else;
// a browser must be allowed to read them (Access-Control-Expose-Headers).
//
// A trace has MaxTurns turns and lives for MaxAge, counted from its first turn.
// What the last of these turns was answered with is no longer continued: Verify
// returns [ErrRotate], and the next turn begins a trace, with [Claims.Links] to the
// last one and to the very first, and [Claims.Rotated] to Sign.
//
// Within that, who holds a token can repeat it, and grow the trace sideways. With
// a memory that all instances share, [Signer.Used], a token is good for one turn:
// turns are a chain, and MaxTurns bounds the trace whatever is sent. A double click
// or a retry sends a token twice as well: the second one gets a root of its own
// with a link, and its answer a token that is good again. Only the picture is in
// two pieces; whether the work may be done twice is not for tracing to decide.
//
// All instances need the same keys. To rotate them without refusing anyone: add the
// new key at the end, everywhere; then move it to the front, everywhere; remove the
// old one MaxAge later. A token does not name its key: there are so few that trying
// them all costs a microsecond each, and nobody has to invent ids or learn from
// them when keys change.
//
// # Don't use
//
// It is no authentication and no session: whoever holds the headers can use them.
// A client that records spans of its own sends its own context, not ours, and is
// refused. For processes of hours or days use a new trace per turn. An intermediary
// that shortens or reorders tracestate breaks the signature, as it should.
//
// # Spec
//
// W3C Trace Context, sections 3.2 (traceparent) and 3.3 (tracestate, with "Value"
// and "tracestate Limits"). Sending both in a response is an agreement between
// this server and its clients; W3C defines them for requests.
package clientreturned

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A Signer signs and verifies contexts. It is safe for concurrent use as long
// as its fields do not change.
type Signer struct {
	// Vendor is our key in tracestate, for example "throughline".
	Vendor string
	// Keys are the secrets: 1 to 8, of at least 32 random bytes each. The first
	// one signs, all verify.
	Keys [][]byte
	// MaxAge is how long after its first turn a trace is continued: whole
	// seconds, at least one, a fraction is cut off.
	MaxAge time.Duration
	// MaxTurns is the number of turns one trace may have, at least 1.
	MaxTurns int
	// Used reports whether a token was used before, and remembers that it now
	// is, in one step, until expires; nil means that nothing is remembered. It is
	// asked last, about a token that is right in all else. id is unique to the
	// token: 43 characters A-Z, a-z, 0-9, - or _. An error of it is one of
	// Verify: what nobody can tell from a replay is not continued.
	Used func(ctx context.Context, id string, expires time.Time) (bool, error)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Claims are what a token says.
type Claims struct {
	Turn    int       // the turn that was signed, counted from 1
	Expires time.Time // from then on the trace is not continued; set by its first turn

	first  int    // the turn that began this trace; 0 means 1
	origin origin // turn 1; zero: the turn to be signed is it
}

// Check reports what is wrong with the signer's fields. Sign and Verify check
// too; call it where the configuration is read, to fail early.
func (s *Signer) Check() error {
	if _, err := (trace.TraceState{}).Insert(s.Vendor, "x"); err != nil {
		return fmt.Errorf("clientreturned: vendor %.40q is not a tracestate key: %w", s.Vendor, err)
	}
	if len(s.Keys) == 0 || len(s.Keys) > maxKeys {
		return fmt.Errorf("clientreturned: %d keys, want 1 to %d", len(s.Keys), maxKeys)
	}
	for i, key := range s.Keys {
		if len(key) < minKey {
			return fmt.Errorf("clientreturned: key %d has %d bytes, want %d or more",
				i, len(key), minKey)
		}
	}
	if s.MaxAge < time.Second {
		return fmt.Errorf("clientreturned: MaxAge is %v, want 1s or more", s.MaxAge)
	}
	if s.MaxTurns < 1 {
		return fmt.Errorf("clientreturned: MaxTurns is %d, want 1 or more", s.MaxTurns)
	}
	return nil
}

// Sign returns sc with our token as the first member of its tracestate, in
// place of any token that was there. sc is the context of the span that served
// the turn after previous, the claims that Verify returned for it: Rotated, if
// this turn began a trace in its stead, and zero for turn 1 and for one that begins
// a trace because nothing could be believed. workflow is the id of the logical process, and
// the same value must be given to Verify. When tracestate already has its 32
// members, the last one makes room.
//
// It fails if sc is not valid, workflow is empty, previous.Turn is negative or
// beyond 999,999,998, or Check fails; sc is then not to be sent.
func (s *Signer) Sign(
	sc trace.SpanContext, workflow string, previous Claims,
) (trace.SpanContext, error) {
	if err := s.Check(); err != nil {
		return trace.SpanContext{}, err
	}
	turn := previous.Turn + 1
	if !sc.IsValid() || workflow == "" || turn < 1 || turn > maxTurn {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: sign turn %d of workflow %.40q: "+
			"want a valid span context (have %t), a workflow and a turn from 1",
			turn, workflow, sc.IsValid())
	}
	// A full tracestate loses its last member to ours. Make room first, so that
	// the signature covers exactly what the client will return.
	state, err := sc.TraceState().Insert(s.Vendor, "x")
	if err != nil {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: insert %q: %w", s.Vendor, err)
	}
	tok := token{turn: turn, first: max(previous.first, 1), expires: s.end(previous).Unix(),
		origin: previous.origin}
	if tok.origin == (origin{}) {
		tok.origin = originOf(sc)
	}
	tok.mac = s.mac(s.Keys[0], sc.WithTraceState(state.Delete(s.Vendor)), workflow, tok)
	if state, err = state.Insert(s.Vendor, tok.String()); err != nil {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: insert token: %w", err)
	}
	return sc.WithTraceState(state), nil
}

// end is when the trace is over: as it was said on its first turn, though never
// later than a trace that begins now would be.
func (s *Signer) end(previous Claims) time.Time {
	end := s.now().Add(s.MaxAge)
	if !previous.Expires.IsZero() && previous.Expires.Before(end) {
		return previous.Expires
	}
	return end
}

func (s *Signer) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
