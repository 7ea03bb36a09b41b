package scenario

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"
)

var refPattern = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9_-]*\}`)

var namePattern = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]*$`)

// refs returns the names of the variables in s.
func refs(s string) []string {
	var out []string
	for _, r := range refPattern.FindAllString(s, -1) {
		out = append(out, r[1:len(r)-1])
	}
	return out
}

// fill replaces the variables that have a value and leaves other braces alone.
func fill(s string, vars map[string]string) string {
	return refPattern.ReplaceAllStringFunc(s, func(r string) string {
		if v, ok := vars[r[1:len(r)-1]]; ok {
			return v
		}
		return r
	})
}

// builtins returns the variables that every run begins with.
func builtins() map[string]string {
	return map[string]string{
		"run":      strings.ToLower(rand.Text()[:10]),
		"trace-id": randomHex(16),
		"span-id":  randomHex(8),
	}
}

// randomHex returns n random bytes as hex. The top bit is set, so the id is never all zeroes.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	b[0] |= 0x80
	return hex.EncodeToString(b)
}
