package clientreturned

import "errors"

// Why a context is not continued; match with [errors.Is].
var (
	// ErrMissing: there is no context, or one that carries no token of ours, as
	// any stranger's. Nothing was claimed, so nothing is held against the client.
	ErrMissing = errors.New("no signed context")
	// ErrMalformed: the headers or the token do not have the form they must have.
	ErrMalformed = errors.New("malformed")
	// ErrForged: we did not sign this trace id, span id, flags, rest of the
	// tracestate, workflow, turn and expiry together.
	ErrForged = errors.New("forged")
	// ErrExpired: it is ours, and its time is over.
	ErrExpired = errors.New("expired")
	// ErrRotate: it is ours, and of the last turn that its trace may have. The next
	// one begins a new trace, which is linked: nothing is held against the client.
	ErrRotate = errors.New("the trace is full")
	// ErrTurns: it is ours, the trace has all the turns it may have, and another
	// has followed it.
	ErrTurns = errors.New("too many turns")
	// ErrReplayed: it is ours, and was used for a turn already.
	ErrReplayed = errors.New("replayed")
)

// Reason names the error for an attribute or a metric: "malformed", "forged",
// "expired", "turns" or "replayed". It is empty when nothing was rejected: for nil, for
// ErrMissing and ErrRotate, and for errors that are not about what the client sent.
func Reason(err error) string {
	switch {
	case errors.Is(err, ErrMalformed):
		return "malformed"
	case errors.Is(err, ErrForged):
		return "forged"
	case errors.Is(err, ErrExpired):
		return "expired"
	case errors.Is(err, ErrTurns):
		return "turns"
	case errors.Is(err, ErrReplayed):
		return "replayed"
	}
	return ""
}
