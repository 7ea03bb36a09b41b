// Package redact takes secrets out of spans, log records, metric labels and
// incoming trace state, in front of whatever would keep them.
//
// # Problem
//
// Nobody decides to log a card number. It is in the query of a URL, in the text
// of an error that became a span status, in a user's free text, in baggage that
// was copied to attributes. Instrumentation records what it sees, and every
// backend, backup and dashboard then keeps it.
//
// # Use
//
// One [Redactor] in front of every output, so that no code path goes around it:
//
//	r := redact.New(redact.Rules{Query: []string{"page", "sort"}})
//	sdktrace.WithBatcher(r.Spans(spanExporter))
//	sdklog.NewBatchProcessor(r.Logs(logExporter))
//	slog.New(r.Handler(slog.NewJSONHandler(os.Stdout, nil)))
//	sdkmetric.NewMeterProvider(sdkmetric.WithView(r.View), ...)
//
// and at the door, so that what travels with a trace is clean from there on:
//
//	prop := r.Propagator(propagation.TraceContext{})
//
// Query parameters are an allow-list: what is not named loses its value. Keys
// that name a secret lose their value whatever it is. Of a user agent, products
// and versions stay. In all other text, card numbers (with the Luhn check),
// credentials, tokens whose issuer gives them a form, e-mail addresses and
// password=... are replaced by what they were: [card]. Percent-encoding, escapes,
// base64 and hexadecimal do not hide them.
//
// # Don't use
//
// As a licence to record: patterns find what they know, and no name, no address
// and no opaque token under a harmless key. What must not be stored is best not
// put into a span. A second layer in the Collector covers the services that
// forgot this one.
//
// # Spec
//
// OpenTelemetry semantic conventions v1.43.0, url.full and url.query: credentials
// and sensitive query values are replaced by REDACTED. OpenTelemetry, "Handling
// sensitive data": allow-lists before deny-lists. ISO/IEC 7812-1, annex B, for
// the check digit. RFC 7519 for what begins with eyJ.
package redact

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

// Redacted replaces a value that goes because of its name.
const Redacted = "REDACTED"

// Rules say what stays and what goes, in addition to what is built in. The zero
// value is strict, but for the paths of URLs.
type Rules struct {
	// Query names the URL query parameters whose values may stay.
	Query []string
	// Segment matches a segment of a URL's path that may stay, as a whole. Nil: all
	// may, but for what is found in them.
	Segment *regexp.Regexp
	// Keys name attributes whose values go: the whole key or its last part after a
	// dot, in any case and with or without - and _. Built in: authorization, cookie,
	// and whatever ends in a word such as password, secret, token.
	Keys []string
	// Patterns are looked for in all text, after the built-in ones.
	Patterns []Pattern
}

// Pattern is something to find in a text.
type Pattern struct {
	Name  string // what replaces it, in brackets
	Match *regexp.Regexp
	Has   string // optional: a text without any of these bytes is not searched
}

// Redactor applies rules. It is safe for concurrent use.
type Redactor struct {
	query, keys map[string]bool
	segment     *regexp.Regexp
	patterns    []Pattern
	issued      *regexp.Regexp // tokens whose issuer gives them a form
	classes     classes

	known  sync.Map // attribute.Key to role: a program has few keys, and uses them often
	knowns atomic.Int64
}

// New returns a redactor for rules.
func New(rules Rules) *Redactor {
	r := &Redactor{
		query: make(map[string]bool), keys: make(map[string]bool),
		segment: rules.Segment, patterns: rules.Patterns, classes: newClasses(),
		issued: regexp.MustCompile(
			`\beyJ[\w-]{5,}(?:\.[\w-]*)*` + // JWT, cut off or not
				`|\b(?:A[KS]IA|A[GIR]PA|ANPA|AIDA|AROA)[A-Z0-9]{12,}` + // AWS
				`|\b(?:[spr]k|whsec)_(?:live_|test_)?\w{10,}` + // Stripe
				`|\b(?:gh[pousr]|github_pat|glpat|xox[abeprs]|ya29)[_.-][\w.-]{10,}` +
				`|\bAIza[\w-]{30,}|\bSG\.[\w-]{10,}\.[\w-]{10,}` +
				`|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*-----)?`),
	}
	for _, name := range rules.Query {
		r.query[name] = true
	}
	for _, key := range rules.Keys {
		r.keys[canonical(key)] = true
	}
	return r
}

// maxLayers bounds how often a text is decoded: %252540 has three layers.
const maxLayers = 3

// maxText is how much of a text is looked at, in bytes, and maxWord how long a word may be that is
// not cut in two there.
const maxText, maxWord = 16 << 10, 256

// bounded cuts what is longer than maxText, for what is not looked at must not stay. Without an end
// a caller could keep us busy with one attribute.
func bounded(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	if i := strings.LastIndexAny(s, " \t\r\n"); i > maxText-maxWord {
		s = s[:i]
	}
	return strings.ToValidUTF8(s, "") + " [cut]"
}

// Text returns s without what the rules forbid. Encoding does not hide anything:
// if something is found underneath, the decoded text is returned. Of a text longer
// than 16 KiB the rest is cut. A traceparent stays: one span id in some ten thousand
// looks like a card number.
func (r *Redactor) Text(s string) string {
	s = bounded(s)
	signs := r.read(s)
	if signs == (marks{}) && !r.custom(s) || traceparent(s) {
		return s
	}
	out := r.flat(s, signs)
	plain := out
	for range maxLayers {
		if !signs.escaped {
			break
		}
		next := unescape(plain)
		if next == plain {
			break
		}
		signs = r.read(next)
		plain = r.flat(next, signs)
		if plain != next {
			out = plain
		}
	}
	return out
}

// flat looks at s as it is, and into its base64 and hexadecimal.
func (r *Redactor) flat(s string, m marks) string {
	if m.params {
		s = r.parameters(s)
	}
	if m.at {
		s = userinfo(s)
	}
	if m.blank {
		s = credentials(s)
	}
	if m.token {
		s = r.issued.ReplaceAllLiteralString(s, "[token]")
	}
	if m.at {
		s = emails(s)
	}
	for _, p := range r.patterns {
		if p.Has == "" || strings.ContainsAny(s, p.Has) {
			s = p.Match.ReplaceAllLiteralString(s, "["+p.Name+"]")
		}
	}
	if m.assigned {
		s = r.assignments(s)
	}
	if m.digits {
		s = cards(s)
	}
	if m.token || m.hex {
		s = r.runs(s)
	}
	return s
}

// custom reports whether a pattern of the rules has to be tried on s.
func (r *Redactor) custom(s string) bool {
	for _, p := range r.patterns {
		if p.Has == "" || strings.ContainsAny(s, p.Has) {
			return true
		}
	}
	return false
}

// traceparent reports whether s has the form of the W3C header, and no more.
func traceparent(s string) bool {
	if len(s) != 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	for i := range len(s) {
		if !hex(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}
