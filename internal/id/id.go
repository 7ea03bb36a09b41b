// Package id makes and checks the ids of checkouts, orders and negotiations.
package id

import (
	"crypto/rand"
	"strings"
)

// New returns a fresh id: 26 characters of lower-case base32, 128 bits of randomness. It cannot
// be guessed, so a customer who knows one was given it.
func New() string {
	return strings.ToLower(rand.Text())
}

// Valid reports whether s has the form of an id: 1 to 64 characters, each a-z or 0-9. What fails
// it need not be looked up, and what passes it is safe in a Redis key and in a URL.
func Valid(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
