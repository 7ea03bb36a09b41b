package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/patterns/replay"
)

// replays lets a client repeat a request whose answer it did not get: with the same
// Idempotency-Key the work is done once, and every later request gets the first one's answer,
// in a trace of its own turn that links to the original.
type replays struct {
	store  *replay.Store
	logger *slog.Logger
}

// once wraps a turn that must not be done twice. Only a success is kept: a refusal changed
// nothing, and may end otherwise the next time.
func (a *api) once(turn httpserver.HandlerFunc) httpserver.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			return turn(w, r)
		}
		if !validKey(key) {
			return a.decline(w, r, problem.New(400, "invalid-idempotency-key",
				"Idempotency-Key: want 1 to 64 characters A-Z, a-z, 0-9, - or _"))
		}
		workflow := r.PathValue("id")
		claim, original, err := a.replays.store.Begin(r.Context(), workflow+":"+hashed(key),
			replay.Fingerprint([]byte(r.Method), []byte(r.URL.Path)))
		switch {
		case errors.Is(err, replay.ErrInProgress):
			return a.decline(w, r,
				problem.New(409, "in-progress", "a request with this key is under way").Because(err))
		case errors.Is(err, replay.ErrMismatch):
			return a.decline(w, r,
				problem.New(422, "key-reused", "this key was used for another request").Because(err))
		case err != nil:
			return unavailable(err)
		case original != nil:
			return a.repeat(w, r, original)
		}
		return a.replays.first(w, r, claim, turn)
	}
}

// decline refuses a turn that its handler does not get to see: a turn it is all the same, and what it
// brought may be used up, so the answer carries what the next one needs.
func (a *api) decline(w http.ResponseWriter, r *http.Request, err error) error {
	if beginErr := a.begin(w, r, r.PathValue("id"), turnOf(r.Context())); beginErr != nil {
		return beginErr
	}
	return err
}

// repeat answers with what the original request was answered.
func (a *api) repeat(w http.ResponseWriter, r *http.Request, original *replay.Original) error {
	if err := a.begin(w, r, r.PathValue("id"), turnOf(r.Context())); err != nil {
		return err
	}
	original.AddLink(trace.SpanFromContext(r.Context()))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Idempotency-Replayed", "true")
	_, err := w.Write(original.Response)
	return err
}

// first does the work and keeps its answer. The work is done when it is done: that the answer
// cannot be kept is no reason to fail the request.
func (p replays) first(
	w http.ResponseWriter, r *http.Request, claim *replay.Claim, turn httpserver.HandlerFunc,
) error {
	kept := &copied{ResponseWriter: w}
	err := turn(kept, r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Second)
	defer cancel()
	var keepErr error
	if err == nil {
		sc := trace.SpanContextFromContext(ctx)
		keepErr = p.store.Finish(ctx, claim, sc, kept.body.Bytes())
	} else {
		keepErr = p.store.Abandon(ctx, claim)
	}
	if keepErr != nil {
		p.logger.WarnContext(ctx, "answer not kept", "error", keepErr)
	}
	return err
}

// copied keeps a copy of the body that is written.
type copied struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copied) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}

func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// hashed is what Redis sees of a key: callers choose it, and some choose a card's number.
func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

func validKey(key string) bool {
	if len(key) > 64 {
		return false
	}
	for _, c := range []byte(key) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '-' && c != '_' {
			return false
		}
	}
	return true
}
