package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader has the value
//
//	t=1767225600,v1=HMAC
//
// with the time of sending in seconds since the Unix epoch and the HMAC-SHA256, in
// lower-case hex, of "1767225600." and the body.
const SignatureHeader = "Webhook-Signature"

// Tolerance is how far the time of a signature may be from the receiver's: what is
// older may be a replay.
const Tolerance = 5 * time.Minute

const minSecret = sha256.Size

// What Verify may find; match with [errors.Is].
var (
	ErrMalformed = errors.New("malformed webhook signature")
	ErrForged    = errors.New("forged webhook signature")
	ErrExpired   = errors.New("webhook signature out of time")
)

// Sign returns the value of SignatureHeader for body, sent at now.
func Sign(secret, body []byte, now time.Time) string {
	seconds := strconv.FormatInt(now.Unix(), 10)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac(secret, seconds, body))
}

// Verify checks that header, the value of SignatureHeader, is that of body, made
// with secret, within Tolerance of now. The error wraps ErrMalformed, ErrForged or
// ErrExpired. Verify the bytes that arrived, not what they were decoded to.
func Verify(secret []byte, header string, body []byte, now time.Time) error {
	stamp, signature, _ := strings.Cut(header, ",v1=")
	seconds, ok := strings.CutPrefix(stamp, "t=")
	sent, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil || len(signature) != hex.EncodedLen(sha256.Size) {
		return fmt.Errorf("webhook: %.40q, want t=SECONDS,v1=HMAC: %w", header, ErrMalformed)
	}
	got, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("webhook: %.40q, want hex: %w", header, ErrMalformed)
	}
	if len(secret) < minSecret || !hmac.Equal(got, mac(secret, seconds, body)) { // constant time
		return fmt.Errorf("webhook: %w", ErrForged)
	}
	if off := now.Sub(time.Unix(sent, 0)); off > Tolerance || off < -Tolerance {
		return fmt.Errorf("webhook: %v from now: %w", off.Round(time.Second), ErrExpired)
	}
	return nil
}

func mac(secret []byte, seconds string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(seconds)) // digits only, so the dot ends it
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}
