package clientreturned

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Verify checks the context a client returned against the workflow the request
// is about, and returns the remote parent for the next turn: sc without our
// token, which is of no use to anyone behind the edge. With Used it accepts a
// token once.
//
// The error wraps ErrMissing, ErrMalformed, ErrForged, ErrExpired, ErrTurns,
// ErrReplayed or ErrRotate, or is that of Check or Used; the returned span context
// is then zero. The claims are believed, and returned, only once the signature
// holds, so they are zero with ErrMissing, ErrMalformed and ErrForged.
// ErrRotate means that the signed turn was the last one that MaxTurns allows, and
// ErrTurns that this is a copy of such a token, or that the limit has been lowered.
func (s *Signer) Verify(
	ctx context.Context, sc trace.SpanContext, workflow string,
) (Claims, trace.SpanContext, error) {
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
	if err := s.alive(ctx, tok, claims); err != nil {
		return claims, none, fmt.Errorf("clientreturned: turn %d: %w", claims.Turn, err)
	}
	return claims, parent, nil
}

// alive judges a token that is known to be ours.
func (s *Signer) alive(ctx context.Context, tok token, claims Claims) error {
	if now := s.now(); !now.Before(claims.Expires) {
		return fmt.Errorf("%v too late: %w", now.Sub(claims.Expires).Round(time.Second), ErrExpired)
	}
	turns := claims.Turn - max(claims.first, 1) + 1
	if turns > s.MaxTurns {
		return fmt.Errorf("turn %d of %d: %w", turns, s.MaxTurns, ErrTurns)
	}
	used, err := false, error(nil)
	if s.Used != nil {
		used, err = s.Used(ctx, tok.id(), claims.Expires)
	}
	switch full := turns == s.MaxTurns; {
	case err != nil:
		return fmt.Errorf("ask whether it was used: %w", err)
	case used && full:
		return fmt.Errorf("the last of %d, and used: %w", s.MaxTurns, ErrTurns)
	case used:
		return ErrReplayed
	case full:
		return fmt.Errorf("the last of %d: %w", s.MaxTurns, ErrRotate)
	}
	return nil
}
