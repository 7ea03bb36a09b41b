package tracetree

import (
	"strings"
	"testing"
	"time"
)

// The words about time compare a span with its parent.
func TestTimeWords(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	child := func(start, end int) Journey {
		return Journey{Spans: []Span{
			{TraceID: "t1", SpanID: "a", Service: "s", Kind: "server", Name: "up",
				Start: at(10), End: at(20)},
			{TraceID: "t1", SpanID: "b", ParentID: "a", Service: "s", Kind: "internal",
				Name: "down", Start: at(start), End: at(end)},
		}}
	}
	for _, tt := range []struct {
		name       string
		start, end int
		holds      string
	}{
		{"inside", 12, 18, "within after"},
		{"exactly as long", 10, 20, "within after"},
		{"outlives it", 12, 25, "after"},
		{"begins before", 5, 15, "early"},
		{"an hour off", -3600_000, -3500_000, "early"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, word := range []string{"within", "after", "early"} {
				section, err := ParseSection("f", 1, "s server up\n  s internal down  "+word+"\n")
				if err != nil {
					t.Fatal(err)
				}
				x, err := NewExpectation(section)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.Contains(tt.holds, word)
				if got := x.Match(child(tt.start, tt.end), nil); got.OK != want {
					t.Errorf("%s: got %v, want %v\n%s", word, got.OK, want, got.Diff)
				}
			}
		})
	}
	for _, bad := range []string{
		"s server up  within\n", "s server up\n  s internal down  within early\n",
		"s server up\n  s internal down  early early\n",
	} {
		if _, err := ParseSection("f", 1, bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
