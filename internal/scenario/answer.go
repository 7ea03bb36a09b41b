package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"example.com/throughline/internal/tracetree"
)

// answer is what came back for one request.
type answer struct {
	status      int
	header      http.Header
	body        []byte
	traceparent string // of the span that served it, empty when the answer does not say

	decoded any // the JSON body
	err     error
	parsed  bool
}

// value finds what a source names; ok is false when it is not there.
func (a *answer) value(s source) (value string, ok bool, err error) {
	switch s.kind {
	case fromStatus:
		return strconv.Itoa(a.status), true, nil
	case fromBody:
		return string(a.body), len(a.body) > 0, nil
	case fromHeader:
		values := a.header.Values(s.header)
		return strings.Join(values, ", "), len(values) > 0, nil
	case fromTraceID:
		if a.traceparent == "" {
			return "", false, nil
		}
		return strings.Split(a.traceparent, "-")[1], true, nil
	case fromTraceparent:
		return a.traceparent, a.traceparent != "", nil
	}
	v, err := a.json()
	if err != nil {
		return "", false, err
	}
	value, ok = lookup(v, s.path)
	return value, ok, nil
}

func (a *answer) json() (any, error) {
	if !a.parsed {
		a.parsed = true
		dec := json.NewDecoder(bytes.NewReader(a.body))
		dec.UseNumber() // amounts stay as they were written
		if a.err = dec.Decode(&a.decoded); a.err == nil {
			if _, err := dec.Token(); err != io.EOF {
				a.err = fmt.Errorf("text after the value")
			}
		}
	}
	if a.err != nil {
		return nil, fmt.Errorf("body is not JSON: %w", a.err)
	}
	return a.decoded, nil
}

// lookup follows a path; null is a value.
func lookup(v any, path []any) (string, bool) {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			next, ok := m[p]
			if !ok {
				return "", false
			}
			v = next
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return "", false
			}
			v = l[p]
		}
	}
	if v == nil {
		return "null", true
	}
	return tracetree.ValueText(v), true
}
