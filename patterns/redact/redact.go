// Package redact takes secrets out of spans and log records on their way to an
// exporter.
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
// One [Redactor] in front of every exporter, so that no code path goes around it:
//
//	r := redact.New(redact.Rules{Query: []string{"page", "sort"}})
//	sdktrace.WithBatcher(r.Spans(spanExporter))
//	sdklog.NewBatchProcessor(r.Logs(logExporter))
//	slog.New(r.Handler(slog.NewJSONHandler(os.Stdout, nil)))
//
// Query parameters are an allow-list: what is not named loses its value. Keys
// that name a secret lose their value whatever it is. In all other text, card
// numbers (with the Luhn check), bearer and basic credentials, JSON web tokens,
// e-mail addresses and password=... are replaced by what they were: [card].
//
// # Don't use
//
// As a licence to record: patterns find what they know, and no base64, no name
// and no address. What must not be stored is best not put into a span. A second
// layer in the Collector covers the services that forgot this one. The resource
// of log records and metric labels are out of its reach.
//
// # Spec
//
// OpenTelemetry semantic conventions v1.43.0, url.full and url.query: credentials
// and sensitive query values are replaced by REDACTED. OpenTelemetry, "Handling
// sensitive data": allow-lists before deny-lists. ISO/IEC 7812-1, annex B, for
// the check digit.
package redact

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// Redacted replaces a value that goes because of its name.
const Redacted = "REDACTED"

// Rules say what stays and what goes, in addition to what is built in. The zero
// value is strict.
type Rules struct {
	// Query names the URL query parameters whose values may stay.
	Query []string
	// Keys name attributes whose values go: the whole key or its last part after
	// a dot, in any case. Built in: authorization, cookie, password and their like.
	Keys []string
	// Patterns are looked for in all text, after the built-in ones.
	Patterns []Pattern
}

// Pattern is something to find in a text.
type Pattern struct {
	Name  string // what replaces it, in brackets
	Match *regexp.Regexp
	Has   string // optional: a text without any of these bytes is not searched

	part string // a text without it is not searched
}

// Redactor applies rules. It is safe for concurrent use.
type Redactor struct {
	query, keys               map[string]bool
	patterns                  []Pattern
	assigned, parameter, user *regexp.Regexp
}

// New returns a redactor for rules.
func New(rules Rules) *Redactor {
	secrets := "authorization|proxy-authorization|cookie|set-cookie|password|passwd|secret|" +
		"client_secret|token|access_token|refresh_token|id_token|api_key|api-key|apikey|x-api-key"
	r := &Redactor{
		query: make(map[string]bool), keys: make(map[string]bool),
		parameter: regexp.MustCompile(`([?&])([^=&\s"'<>#]+)=([^&\s"'<>#]*)`),
		assigned: regexp.MustCompile(`(?i)((?:` + secrets + `)["']?\s*[=:]\s*["']?)` +
			`[^\s"',;&\[][^\s"',;&]*`),
		user: regexp.MustCompile(`://[^/\s"'<>@]*@`),
	}
	for _, name := range rules.Query {
		r.query[name] = true
	}
	for _, key := range append(strings.Split(secrets, "|"), rules.Keys...) {
		r.keys[strings.ToLower(key)] = true
	}
	r.patterns = append([]Pattern{
		{
			Name: "token", Has: " +\t",
			Match: regexp.MustCompile(`(?i)\b(?:bearer|basic)(?:\s|\+)+[a-z0-9._~+/=-]{6,}`),
		},
		{
			Name: "token", part: "eyJ",
			Match: regexp.MustCompile(`\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*`),
		},
		{
			Name: "email", part: "@",
			Match: regexp.MustCompile(`[\w.!#$*+~-]+@[\w-]+(?:\.[\w-]+)+`),
		},
	}, rules.Patterns...)
	return r
}

// Text returns s without what the rules forbid. Percent-encoding does not hide
// anything: if something is found underneath, the decoded text is returned. A
// traceparent stays: one span id in some ten thousand looks like a card number.
func (r *Redactor) Text(s string) string {
	if traceparent(s) {
		return s
	}
	out := r.text(s)
	if strings.Contains(out, "%") {
		if plain, err := url.PathUnescape(out); err == nil {
			if clean := r.text(plain); clean != plain {
				return clean
			}
		}
	}
	return out
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

func (r *Redactor) text(s string) string {
	if strings.Contains(s, "://") {
		s = r.user.ReplaceAllString(s, "://"+Redacted+"@")
	}
	if strings.ContainsAny(s, "?&") {
		s = r.parameter.ReplaceAllStringFunc(s, func(found string) string {
			name, _, _ := strings.Cut(found[1:], "=")
			if r.query[name] {
				return found
			}
			return found[:1] + name + "=" + Redacted
		})
	}
	for _, p := range r.patterns {
		if strings.Contains(s, p.part) && (p.Has == "" || strings.ContainsAny(s, p.Has)) {
			s = p.Match.ReplaceAllLiteralString(s, "["+p.Name+"]")
		}
	}
	if strings.ContainsAny(s, "=:") {
		s = r.assigned.ReplaceAllString(s, "${1}"+Redacted)
	}
	return cards(s)
}

// Query returns a URL's query, without the question mark, in which only allowed
// parameters have their values. A parameter without "=" is all value.
func (r *Redactor) Query(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		switch name, _, ok := strings.Cut(part, "="); {
		case r.query[name] || part == "":
		case ok:
			parts[i] = name + "=" + Redacted
		default:
			parts[i] = Redacted
		}
	}
	return r.Text("?" + strings.Join(parts, "&"))[1:]
}

// URL returns a URL, absolute or relative, with the query as in [Redactor.Query]
// and without user, password and fragment.
func (r *Redactor) URL(s string) string {
	s, _, _ = strings.Cut(s, "#")
	before, query, ok := strings.Cut(s, "?")
	before = r.Text(before)
	if !ok {
		return before
	}
	return before + "?" + r.Query(query)
}

// Attribute returns kv with a value that may be exported.
func (r *Redactor) Attribute(kv attribute.KeyValue) attribute.KeyValue {
	if r.secret(string(kv.Key)) {
		return kv.Key.String(Redacted)
	}
	out := attribute.KeyValue{Key: attribute.Key(r.Text(string(kv.Key)))}
	clean := r.Text
	switch kv.Key {
	case "url.full", "url.original", "http.url", "http.target",
		"http.request.header.referer", "http.response.header.location":
		clean = r.URL
	case "url.query":
		clean = r.Query
	}
	out.Value = r.value(kv.Value, clean)
	return out
}

// Attributes is Attribute for many; it returns a new slice.
func (r *Redactor) Attributes(kvs []attribute.KeyValue) []attribute.KeyValue {
	out := slices.Clone(kvs)
	for i, kv := range out {
		out[i] = r.Attribute(kv)
	}
	return out
}

func (r *Redactor) secret(key string) bool {
	key = strings.ToLower(key)
	return r.keys[key] || r.keys[key[strings.LastIndexByte(key, '.')+1:]]
}
