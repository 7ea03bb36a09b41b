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
// # Don't use
//
// It is no authentication and no session: whoever holds the headers can repeat
// them until they expire. A client that records spans of its own sends its own
// context, not ours, and is refused. For processes of hours or days use a new
// trace per turn. An intermediary that shortens or reorders tracestate breaks
// the signature, as it should.
//
// # Spec
//
// W3C Trace Context, sections 3.2 (traceparent) and 3.3 (tracestate, with "Value"
// and "tracestate Limits"). Sending both in a response is an agreement between
// this server and its clients; W3C defines them for requests.
package clientreturned

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A Signer signs and verifies contexts. It is safe for concurrent use as long
// as its fields do not change.
type Signer struct {
	// Vendor is our key in tracestate, for example "throughline".
	Vendor string
	// Keys are the secrets, of at least 32 random bytes each. The first one
	// signs, all verify: to rotate, put the new one first and drop the old one
	// when its tokens have expired.
	Keys [][]byte
	// TTL is how long the client may take for its next turn: whole seconds, at
	// least one, a fraction is cut off.
	TTL time.Duration
	// MaxTurns is the number of turns one trace may have, at least 1.
	MaxTurns int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Claims are what a token says.
type Claims struct {
	Turn    int       // the turn that was signed, counted from 1 in this trace
	Expires time.Time // from then on the token is refused
}

// Check reports what is wrong with the signer's fields. Sign and Verify check
// too; call it where the configuration is read, to fail early.
func (s *Signer) Check() error {
	if _, err := (trace.TraceState{}).Insert(s.Vendor, "x"); err != nil {
		return fmt.Errorf("clientreturned: vendor %.40q is not a tracestate key: %w", s.Vendor, err)
	}
	if len(s.Keys) == 0 {
		return errors.New("clientreturned: no key")
	}
	for i, key := range s.Keys {
		if len(key) < minKey {
			return fmt.Errorf("clientreturned: key %d has %d bytes, want %d or more",
				i, len(key), minKey)
		}
	}
	if s.TTL < time.Second {
		return fmt.Errorf("clientreturned: TTL is %v, want 1s or more", s.TTL)
	}
	if s.MaxTurns < 1 {
		return fmt.Errorf("clientreturned: MaxTurns is %d, want 1 or more", s.MaxTurns)
	}
	return nil
}

// Sign returns sc with our token as the first member of its tracestate, in
// place of any token that was there. sc is the context of the span that served
// turn number turn (from 1) of the trace; workflow is the id of the logical
// process, and the same value must be given to Verify. When tracestate already
// has its 32 members, the last one makes room.
//
// It fails if sc is not valid, workflow is empty, turn is below 1, or Check
// fails; sc is then not to be sent.
func (s *Signer) Sign(sc trace.SpanContext, workflow string, turn int) (trace.SpanContext, error) {
	if err := s.Check(); err != nil {
		return trace.SpanContext{}, err
	}
	if !sc.IsValid() || workflow == "" || turn < 1 {
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
	tok := token{turn: turn, expires: s.now().Add(s.TTL).Unix()}
	tok.mac = s.mac(s.Keys[0], sc.WithTraceState(state.Delete(s.Vendor)), workflow, tok)
	if state, err = state.Insert(s.Vendor, tok.String()); err != nil {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: insert token: %w", err)
	}
	return sc.WithTraceState(state), nil
}

// Verify checks the context a client returned against the workflow the request
// is about, and returns the remote parent for the next turn: sc without our
// token, which is of no use to anyone behind the edge.
//
// The error wraps ErrMissing, ErrMalformed, ErrForged, ErrExpired or ErrTurns,
// or is that of Check; the returned span context is then zero. The claims are
// believed, and returned, only once the signature holds, so they are zero
// except on success and with ErrExpired and ErrTurns. ErrTurns means that
// the signed turn was the last one that MaxTurns allows.
func (s *Signer) Verify(sc trace.SpanContext, workflow string) (Claims, trace.SpanContext, error) {
	var none trace.SpanContext
	if err := s.Check(); err != nil {
		return Claims{}, none, err
	}
	value := sc.TraceState().Get(s.Vendor)
	if !sc.IsValid() || value == "" {
		return Claims{}, none, fmt.Errorf("clientreturned: tracestate member %q: %w",
			s.Vendor, ErrMissing)
	}
	tok, err := parse(value)
	if err != nil {
		return Claims{}, none, err
	}
	parent := sc.WithTraceState(sc.TraceState().Delete(s.Vendor)).WithRemote(true)
	if !s.signed(parent, workflow, tok) {
		return Claims{}, none, fmt.Errorf("clientreturned: workflow %.40q: %w", workflow, ErrForged)
	}
	claims := tok.claims()
	if now := s.now(); !now.Before(claims.Expires) {
		return claims, none, fmt.Errorf("clientreturned: %v too late: %w",
			now.Sub(claims.Expires).Round(time.Second), ErrExpired)
	}
	if claims.Turn >= s.MaxTurns {
		return claims, none, fmt.Errorf("clientreturned: turn %d of %d: %w",
			claims.Turn, s.MaxTurns, ErrTurns)
	}
	return claims, parent, nil
}

func (s *Signer) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
