package tracetree_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/tracetree"
)

// randomJourney makes a journey of what a fuzzer writes: names from text, shape from shape. Ids
// collide, parents are missing or in circles, links point anywhere.
func randomJourney(text string, shape []byte) tracetree.Journey {
	words := append(strings.Split(text, "|"), "")
	kinds := []string{"internal", "server", "client", "producer", "consumer", ""}
	var j tracetree.Journey
	for len(shape) >= 6 && len(j.Spans) < 60 {
		b := shape[:6]
		shape = shape[6:]
		word := func(i byte) string { return words[int(i)%len(words)] }
		s := tracetree.Span{
			TraceID: strconv.Itoa(int(b[0] % 3)), SpanID: strconv.Itoa(int(b[1] % 40)),
			Service: word(b[2]), Kind: kinds[int(b[3])%len(kinds)], Name: word(b[4]),
			Start:  epoch().Add(time.Duration(b[5]) * time.Millisecond),
			End:    epoch().Add(time.Duration(b[4]) * time.Millisecond),
			Status: []string{"unset", "ok", "error", ""}[b[3]>>6], ParentRemote: b[0]&8 > 0,
			StatusMessage: word(b[5]), Flags: uint32(b[2] & 3),
		}
		if b[0]&16 > 0 {
			s.ParentID = strconv.Itoa(int(b[2] % 40))
		}
		if b[0]&32 > 0 {
			s.Attributes = map[string]any{"error.type": word(b[1]), "shop." + word(b[5]): word(b[3])}
		}
		for i := range b[0] >> 6 {
			s.Links = append(s.Links, tracetree.Link{
				TraceID: strconv.Itoa(int((b[1] + i) % 4)), SpanID: strconv.Itoa(int(b[4] % 40)),
				Attributes: map[string]any{"shop.link.type": word(b[5] + i)},
			})
		}
		j.Spans = append(j.Spans, s)
	}
	return j
}

// FuzzMatch checks that whatever is printed matches what it was printed from, and that comparing
// anything with anything ends with a diff or a match.
func FuzzMatch(f *testing.F) {
	f.Add("a|b c|GET /{id}", []byte("0123456789abcdefghijklmnopqrstuvwxyz"), "a server X  @x\n  ...")
	f.Add("@a|two  spaces|x=1|\"|\\|#", []byte("\x10\x01\x01\x20\xff\xf0\xf0\x02\x01\x40\x03\x04"),
		"a server X  link(a)=@x @x\n  b client Y  trace=@x k=\"v\"")
	f.Add("...|none|--|{x}|*", []byte("\xf0\x01\x01\x20\xff\xf0\xf0\x02\x01\x40\x03\x04"), "none")
	f.Fuzz(func(t *testing.T, text string, shape []byte, want string) {
		j := randomJourney(text, shape)
		for _, o := range []tracetree.PrintOptions{{}, {Durations: true, Critical: true}} {
			printed := tracetree.PrintWith(j, o)
			x, err := tracetree.NewExpectation(sections(t, printed)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, printed)
			}
			if len(j.Spans) == 0 {
				continue
			}
			if got := x.Match(j, nil); !got.OK {
				t.Fatalf("what was printed does not match:\n%s\n%s", got.Diff, printed)
			}
		}
		s, err := tracetree.ParseSection("x", 1, want)
		if err != nil {
			return
		}
		x, err := tracetree.NewExpectation(s)
		if err != nil {
			return
		}
		vars := map[string]string{"x": text}
		if got := x.Match(j, vars); got.OK != (got.Diff == "") {
			t.Errorf("OK %v with diff %q", got.OK, got.Diff)
		}
		rewritten(t, x, j, vars)
	})
}

// rewritten checks that the sections that Rewrite returns match.
func rewritten(
	t *testing.T, x *tracetree.Expectation, j tracetree.Journey, vars map[string]string,
) {
	t.Helper()
	var b strings.Builder
	for _, s := range x.Rewrite(j, vars) {
		if s.Body != "" {
			fmt.Fprintf(&b, "-- trace --\n%s", s.Body)
			if !strings.HasSuffix(s.Body, "\n") {
				b.WriteString("\n")
			}
		}
	}
	if b.Len() == 0 {
		return
	}
	y, err := tracetree.NewExpectation(sections(t, b.String())...)
	if err != nil {
		t.Fatalf("rewritten: %v\n%s", err, b.String())
	}
	if got := y.Match(j, vars); !got.OK {
		t.Fatalf("rewritten does not match:\n%s\n%s", got.Diff, b.String())
	}
}
