// Package id makes and checks the ids of checkouts, orders and negotiations.
package id

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"example.com/throughline/patterns/redact"
)

// New returns a fresh id: 26 characters of lower-case base32, 128 bits of randomness. It cannot
// be guessed, so a customer who knows one was given it.
func New() string {
	return strings.ToLower(rand.Text())
}

// Valid reports whether s has the form of an id: 1 to 64 characters, each a-z or 0-9. What fails
// it need not be looked up, and what passes it is safe in a Redis key and in a URL: the number of a
// card is no id, nor is a text in hexadecimal.
func Valid(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return !redact.HasCard(s) && !isText(s)
}

// isText reports whether s is printable text in hexadecimal, which nobody's random id is.
func isText(s string) bool {
	plain, err := hex.DecodeString(s)
	if err != nil || len(plain) < 8 {
		return false
	}
	for _, c := range plain {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
