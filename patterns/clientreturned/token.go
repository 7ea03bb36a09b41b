package clientreturned

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// The value of our tracestate member is six fields joined by dots:
//
//	2.1.1.1767226500.S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3.LRCMxBAbOS02yks56Y19dWSaC_MUAj8XNe8pX1a6dVY
//
// format version; turn; the turn that began this trace; expiry in seconds since
// the Unix epoch; trace id and span id of turn 1, and HMAC-SHA256, both in
// base64url without padding. At most 111 characters: a member of more than 128 is
// the first to go when someone has to shorten tracestate (W3C Trace Context,
// "tracestate Limits").
const (
	version   = "2"
	separator = "."
	minKey    = sha256.Size
	maxKeys   = 8 // each costs a hash when a token is forged
	maxTurn   = 999_999_999
	// maxExpiry is the year 9999: what time.Time can print and humans may mean.
	maxExpiry = 253402300799
)

type token struct {
	turn, first int
	expires     int64
	origin      origin
	mac         [sha256.Size]byte
}

// origin is the trace id and the span id of turn 1.
type origin [24]byte

func originOf(sc trace.SpanContext) origin {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	return origin(append(traceID[:], spanID[:]...))
}

// Decode reads the claims of a token, the value of our tracestate member,
// WITHOUT verifying them: for people who debug, never for deciding. The error
// wraps ErrMalformed.
func Decode(value string) (Claims, error) {
	tok, err := parse(value)
	if err != nil {
		return Claims{}, err
	}
	return tok.claims(), nil
}

func (t token) String() string {
	return strings.Join([]string{
		version,
		strconv.Itoa(t.turn),
		strconv.Itoa(t.first),
		strconv.FormatInt(t.expires, 10),
		base64.RawURLEncoding.EncodeToString(t.origin[:]),
		t.id(),
	}, separator)
}

// id is the signature: it covers the span id, and each span signs one token.
func (t token) id() string { return base64.RawURLEncoding.EncodeToString(t.mac[:]) }

func (t token) claims() Claims {
	return Claims{
		Turn: t.turn, Expires: time.Unix(t.expires, 0).UTC(), first: t.first, origin: t.origin,
	}
}

// parse accepts exactly what String writes: one spelling for one token, so that
// nothing can differ from what was signed and still pass.
func parse(value string) (token, error) {
	malformed := func(what string) (token, error) {
		return token{}, fmt.Errorf("clientreturned: token %.20q: %s: %w", value, what, ErrMalformed)
	}
	fields := strings.Split(value, separator)
	if len(fields) != 6 || fields[0] != version {
		return malformed("want 2.turn.first.expiry.origin.mac")
	}
	turn, err := strconv.Atoi(fields[1])
	if err != nil || turn < 1 || turn > maxTurn {
		return malformed("turn is not a number from 1")
	}
	first, err := strconv.Atoi(fields[2])
	if err != nil || first < 1 || first > turn {
		return malformed("first turn is not a number from 1 to turn")
	}
	expires, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil || expires < 1 || expires > maxExpiry {
		return malformed("expiry is not a time in seconds")
	}
	begin, err := base64.RawURLEncoding.DecodeString(fields[4])
	if err != nil || len(begin) != len(origin{}) {
		return malformed("origin is not 24 bytes of base64url")
	}
	mac, err := base64.RawURLEncoding.DecodeString(fields[5])
	if err != nil || len(mac) != sha256.Size {
		return malformed("mac is not 32 bytes of base64url")
	}
	tok := token{turn: turn, first: first, expires: expires,
		origin: origin(begin), mac: [sha256.Size]byte(mac)}
	if tok.String() != value {
		return malformed("not in canonical form")
	}
	return tok, nil
}

// signed reports whether any of our keys made the token for sc and workflow.
func (s *Signer) signed(sc trace.SpanContext, workflow string, tok token) bool {
	for _, key := range s.Keys {
		mac := s.mac(key, sc, workflow, tok)
		if hmac.Equal(mac[:], tok.mac[:]) { // constant time
			return true
		}
	}
	return false
}

// mac covers everything that Verify lets pass, the rest of the tracestate
// included: other systems take sampling decisions from it. sc is without our
// own member.
func (s *Signer) mac(key []byte, sc trace.SpanContext, workflow string, tok token) [32]byte {
	h := hmac.New(sha256.New, key)
	traceID, spanID := sc.TraceID(), sc.SpanID()
	// Only these two flags travel in traceparent version 00.
	flags := sc.TraceFlags() & (trace.FlagsSampled | trace.FlagsRandom)
	write(h, []byte("clientreturned "+version)) // a key used for two purposes serves one
	write(h, []byte(s.Vendor))
	write(h, traceID[:])
	write(h, spanID[:])
	write(h, []byte{byte(flags)})
	write(h, []byte(sc.TraceState().String()))
	write(h, []byte(workflow))
	write(h, binary.BigEndian.AppendUint64(nil, uint64(tok.turn)))
	write(h, binary.BigEndian.AppendUint64(nil, uint64(tok.first)))
	write(h, tok.origin[:])
	write(h, binary.BigEndian.AppendUint64(nil, uint64(tok.expires)))
	return [32]byte(h.Sum(nil))
}

// write adds a field behind its length, so that no two lists of fields are the
// same bytes.
func write(h hash.Hash, field []byte) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
	h.Write(field)
}
