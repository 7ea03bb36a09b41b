package decode

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	bareTraceparent = regexp.MustCompile(`^[0-9A-Za-z]{2}-[0-9A-Za-z]+-`)
	bareB3          = regexp.MustCompile(`^[0-9A-Fa-f]{16}([0-9A-Fa-f]{16})?-`)
)

// ParseHeader reads `name: value`, `name=value` (as in an environment
// variable), or the bare value of a traceparent or b3 header. What curl -v
// puts in front of a header ("> " and "< ") does not matter.
func ParseHeader(s string) (Header, error) {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "< "), "> ")
	if at := strings.IndexAny(s, ":="); at >= 0 && Known(strings.TrimSpace(s[:at])) {
		return Header{Name: strings.TrimSpace(s[:at]), Value: strings.TrimSpace(s[at+1:])}, nil
	}
	switch {
	case bareTraceparent.MatchString(s):
		return Header{Name: "traceparent", Value: s}, nil
	case bareB3.MatchString(s):
		return Header{Name: "b3", Value: s}, nil
	case strings.HasPrefix(s, vendorKey+"="):
		return Header{Name: "tracestate", Value: s}, nil
	}
	return Header{}, fmt.Errorf("%q: want NAME: VALUE with a name of %s, or a bare traceparent",
		shorten(s), known)
}

// Format renders lines for a terminal: the header, then its fields indented.
func Format(lines []Line) string {
	width := 0
	for _, l := range lines {
		width = max(width, 2*l.Depth+len(l.Name))
	}
	var b strings.Builder
	for _, l := range lines {
		indent := strings.Repeat("  ", l.Depth)
		fmt.Fprintf(&b, "%-7s  %-*s  %s\n", l.Verdict, width, indent+l.Name, shown(l))
	}
	return b.String()
}

func shown(l Line) string {
	switch {
	case l.Value == "":
		return l.Why
	case l.Why == "":
		return l.Value
	}
	return l.Value + "  " + l.Why
}
