package redact

import (
	"math"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
)

// role is what a key says about its value.
type role int

const (
	text role = iota
	forbidden
	wholeURL
	query
	path
	userAgent
	dirty // the key itself holds a secret
)

// maxKnown bounds the roles that are remembered: keys may come from callers.
const maxKnown = 1024

func (r *Redactor) role(key attribute.Key) role {
	if known, ok := r.known.Load(key); ok {
		return known.(role)
	}
	found := r.judge(key)
	if r.knowns.Add(1) <= maxKnown {
		r.known.Store(key, found)
	}
	return found
}

func (r *Redactor) judge(key attribute.Key) role {
	switch key {
	case "url.full", "url.original", "http.url", "http.target",
		"http.request.header.referer", "http.response.header.location":
		return wholeURL
	case "url.query":
		return query
	case "url.path":
		return path
	case "user_agent.original", "http.user_agent", "http.request.header.user-agent":
		return userAgent
	}
	switch {
	case r.Text(string(key)) != string(key):
		return dirty
	case r.secret(string(key)):
		return forbidden
	}
	return text
}

// Attribute returns kv with a value that may be exported.
func (r *Redactor) Attribute(kv attribute.KeyValue) attribute.KeyValue {
	clean := r.Text
	switch r.role(kv.Key) {
	case forbidden:
		return kv.Key.String(Redacted)
	case dirty:
		kv.Key = attribute.Key(r.Text(string(kv.Key)))
	case wholeURL:
		clean = r.URL
	case query:
		clean = r.Query
	case path:
		clean = r.Path
	case userAgent:
		clean = r.UserAgent
	}
	kv.Value = r.value(kv.Value, clean)
	return kv
}

// Attributes is Attribute for many; it returns a new slice.
func (r *Redactor) Attributes(kvs []attribute.KeyValue) []attribute.KeyValue {
	out := slices.Clone(kvs)
	for i, kv := range out {
		out[i] = r.Attribute(kv)
	}
	return out
}

// value redacts all text in v, at any depth. A number that is a card number in
// decimal becomes text.
func (r *Redactor) value(v attribute.Value, clean func(string) string) attribute.Value {
	switch v.Type() {
	case attribute.STRING:
		if text := clean(v.AsString()); text != v.AsString() {
			return attribute.StringValue(text)
		}
	case attribute.STRINGSLICE:
		texts := v.AsStringSlice()
		for i, text := range texts {
			texts[i] = clean(text)
		}
		return attribute.StringSliceValue(texts)
	case attribute.BYTESLICE:
		if text := string(v.AsByteSlice()); clean(text) != text {
			return attribute.ByteSliceValue([]byte(clean(text)))
		}
	case attribute.INT64, attribute.FLOAT64:
		if text := decimal(v); cards(text) != text {
			return attribute.StringValue(cards(text))
		}
	case attribute.INT64SLICE, attribute.FLOAT64SLICE:
		return numbers(v)
	case attribute.SLICE:
		values := v.AsSlice()
		for i := range values {
			values[i] = r.value(values[i], clean)
		}
		return attribute.SliceValue(values...)
	case attribute.MAP:
		return attribute.MapValue(r.Attributes(v.AsMap())...)
	}
	return v
}

// numbers returns v, or its elements as texts if one is a card number.
func numbers(v attribute.Value) attribute.Value {
	var texts []string
	for _, n := range v.AsInt64Slice() {
		texts = append(texts, decimal(attribute.Int64Value(n)))
	}
	for _, n := range v.AsFloat64Slice() {
		texts = append(texts, decimal(attribute.Float64Value(n)))
	}
	found := false
	for i, text := range texts {
		texts[i] = cards(text)
		found = found || texts[i] != text
	}
	if !found {
		return v
	}
	return attribute.StringSliceValue(texts)
}

// decimal is a number in full: 4.1e+15 hides its digits. A fraction is no card number.
func decimal(v attribute.Value) string {
	if v.Type() == attribute.INT64 {
		return strconv.FormatInt(v.AsInt64(), 10)
	}
	f := v.AsFloat64()
	if f != math.Trunc(f) || math.Abs(f) >= 1e19 {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
