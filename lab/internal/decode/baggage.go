package decode

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// The limits of W3C Baggage. They are what everybody must be able to carry;
// the Go SDK carries no more than that.
const (
	maxBaggageMembers = 64
	maxBaggageBytes   = 8192
)

func readBaggage(name, value string) []Line {
	var f findings
	if value == "" {
		return f.under(name, value, Notable, "empty: nothing is carried")
	}
	if len(value) > maxBaggageBytes {
		return f.under(name, value, Invalid, fmt.Sprintf("%d bytes, only %d must be carried "+
			"(Baggage, Limits): the Go SDK drops all of it", len(value), maxBaggageBytes))
	}
	seen := map[string]bool{}
	for member := range strings.SplitSeq(value, ",") {
		baggageMember(&f, member, seen)
	}
	if len(seen) > maxBaggageMembers {
		f.add(Invalid, "list", "", "%d members, only %d must be carried (Baggage, Limits): "+
			"the Go SDK drops the rest", len(seen), maxBaggageMembers)
	}
	if Worst(f) == Invalid {
		return f.under(name, value, Invalid, "the Go SDK carries on what is valid in it")
	}
	return f.under(name, value, Valid, fmt.Sprintf("%d of at most %d members, %d of %d bytes; "+
		"every service and log on the way can read them",
		len(seen), maxBaggageMembers, len(value), maxBaggageBytes))
}

func baggageMember(f *findings, member string, seen map[string]bool) {
	main, properties, _ := strings.Cut(member, ";")
	key, value, found := strings.Cut(main, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !found {
		f.add(Invalid, "member", member, "no '=': a member is key=value (Baggage, Definition)")
		return
	}
	if !token(key) {
		f.add(Invalid, key, value, "key is not a token of RFC 7230, section 3.2.6 (Baggage, key)")
		return
	}
	verdict, why := baggageValue(value)
	if verdict == Valid && seen[key] {
		verdict, why = Notable, "a second member with this key: allowed, and the last one counts in Go"
	}
	if verdict != Invalid {
		seen[key] = true
	}
	f.add(verdict, key, value, why)
	for property := range strings.SplitSeq(properties, ";") {
		baggageProperty(f, property)
	}
}

func baggageValue(value string) (Verdict, string) {
	if at := strings.IndexFunc(value, notBaggageOctet); at >= 0 {
		r, _ := utf8.DecodeRuneInString(value[at:])
		return Invalid, fmt.Sprintf("value holds %q: must be percent-encoded (Baggage, value)", r)
	}
	decoded, err := url.PathUnescape(value)
	switch {
	case err != nil:
		return Invalid, "bad percent-encoding (Baggage, value)"
	case !utf8.ValidString(decoded):
		return Notable, "does not decode to UTF-8: the bad bytes become U+FFFD (Baggage, value)"
	case decoded != value:
		return Valid, fmt.Sprintf("decodes to %q", shorten(decoded))
	}
	return Valid, "as it stands"
}

func baggageProperty(f *findings, property string) {
	if property == "" {
		return
	}
	line := Line{Depth: 2, Name: "property", Value: shorten(strings.TrimSpace(property))}
	key, value, _ := strings.Cut(property, "=")
	switch verdict, why := baggageValue(strings.Trim(value, " \t")); {
	case !token(strings.Trim(key, " \t")):
		line.Verdict, line.Why = Invalid, "key is not a token (Baggage, property)"
	case verdict == Invalid:
		line.Verdict, line.Why = verdict, why
	default:
		line.Why = "opaque metadata"
	}
	*f = append(*f, line)
}

// notBaggageOctet: all but %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E.
func notBaggageOctet(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`",;\`, r)
}

// token follows RFC 7230, section 3.2.6.
func token(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}
