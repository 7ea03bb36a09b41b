package tracetree_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/tracetree"
)

// epoch is when every journey of these tests begins.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// journey builds what arrived from text: a span a line, indentation is parenthood, a blank line
// begins another trace. Behind " | " come id=, start= and end= in ms, parent= (an id), remote,
// link=TYPE:id, event=, status=, message=, flags= and attributes. A span starts one ms after the one above it.
func journey(t testing.TB, text string) tracetree.Journey {
	t.Helper()
	b := &builder{t: t, traceOf: make(map[string]string)}
	for raw := range strings.Lines(text) {
		b.line(strings.TrimRight(raw, "\n"))
	}
	// Links may point forward, so they are resolved at the end.
	for _, l := range b.links {
		link := tracetree.Link{
			TraceID: b.traceOf[l.id], SpanID: spanID(l.id),
			Attributes: map[string]any{"shop.link.type": l.typ},
		}
		if link.TraceID == "" {
			link.TraceID = traceID("elsewhere")
		}
		b.j.Spans[l.span].Links = append(b.j.Spans[l.span].Links, link)
	}
	return b.j
}

type builder struct {
	t       testing.TB
	j       tracetree.Journey
	traces  int
	fresh   bool
	stack   []string
	traceOf map[string]string
	links   []struct {
		span    int
		typ, id string
	}
}

func (b *builder) line(raw string) {
	content := strings.TrimLeft(raw, " \t")
	if content == "" {
		b.fresh = true
		return
	}
	depth := strings.Count(raw[:len(raw)-len(content)], "  ")
	if b.fresh || b.traces == 0 {
		b.traces++
		b.fresh = false
	}
	head, words, _ := strings.Cut(content, " | ")
	parts := strings.SplitN(head, " ", 3)
	n := len(b.j.Spans)
	s := tracetree.Span{
		TraceID: traceID(strconv.Itoa(b.traces)),
		Service: parts[0], Kind: parts[1], Name: parts[2], Status: "unset",
		Start: epoch().Add(time.Duration(n) * time.Millisecond),
		End:   epoch().Add(time.Duration(n+1) * time.Millisecond),
	}
	id := "span" + strconv.Itoa(n)
	if depth > 0 {
		s.ParentID = spanID(b.stack[depth-1])
	}
	for w := range strings.FieldsSeq(words) {
		b.word(&s, &id, w)
	}
	s.SpanID = spanID(id)
	b.traceOf[id] = s.TraceID
	b.stack = append(b.stack[:depth], id)
	b.j.Spans = append(b.j.Spans, s)
}

func (b *builder) word(s *tracetree.Span, id *string, word string) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "id":
		*id = value
	case "start":
		s.Start = epoch().Add(b.ms(value))
	case "end":
		s.End = epoch().Add(b.ms(value))
	case "parent":
		s.ParentID = spanID(value)
	case "remote":
		s.ParentRemote = true
	case "status":
		s.Status = value
	case "message":
		s.StatusMessage = value
	case "flags":
		s.Flags = uint32(b.number(value))
	case "event":
		s.Events = append(s.Events, tracetree.Event{Name: value})
	case "link":
		typ, to, _ := strings.Cut(value, ":")
		b.links = append(b.links, struct {
			span    int
			typ, id string
		}{len(b.j.Spans), typ, to})
	default:
		if s.Attributes == nil {
			s.Attributes = make(map[string]any)
		}
		s.Attributes[key] = value
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			s.Attributes[key] = n
		}
	}
}

func (b *builder) ms(s string) time.Duration {
	return time.Duration(b.number(s)) * time.Millisecond
}

func (b *builder) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		b.t.Fatalf("number %q: %v", s, err)
	}
	return n
}

func traceID(name string) string { return digest("trace " + name)[:32] }
func spanID(name string) string  { return digest("span " + name)[:16] }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// sections splits text at its markers and parses each section; text begins on line 1.
func sections(t testing.TB, text string) []*tracetree.Section {
	t.Helper()
	out, err := parseAll(text)
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	return out
}

func parseAll(text string) ([]*tracetree.Section, error) {
	const marker = "-- trace --\n"
	parts := strings.Split(text, marker)
	line := 1 + strings.Count(parts[0], "\n")
	var out []*tracetree.Section
	for _, body := range parts[1:] {
		s, err := tracetree.ParseSection("x.txtar", line, body)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		line += 1 + strings.Count(body, "\n")
	}
	return out, nil
}

func expectation(t testing.TB, text string) *tracetree.Expectation {
	t.Helper()
	x, err := tracetree.NewExpectation(sections(t, text)...)
	if err != nil {
		t.Fatalf("expectation: %v\n%s", err, text)
	}
	return x
}
