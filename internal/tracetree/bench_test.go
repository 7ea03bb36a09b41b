package tracetree_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/throughline/internal/tracetree"
)

// twoHundred is a journey of ten traces of twenty spans, each linked to the one before.
func twoHundred(b *testing.B) tracetree.Journey {
	b.Helper()
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, "\ngateway server PUT /checkouts/{id} | id=t%d link=previous_turn:t%d\n",
			i, i-1)
		for range 9 {
			text.WriteString("  gateway client POST\n    order server POST /orders | remote\n")
		}
		text.WriteString("  gateway internal store\n")
	}
	return journey(b, text.String())
}

func BenchmarkMatch200Spans(b *testing.B) {
	j := twoHundred(b)
	x := expectation(b, tracetree.PrintWith(j, tracetree.PrintOptions{}))
	for b.Loop() {
		if got := x.Match(j, nil); !got.OK {
			b.Fatal(got.Diff)
		}
	}
}

func BenchmarkMatch200IdenticalSiblings(b *testing.B) {
	j := journey(b, "r internal run\n"+strings.Repeat("  a client GET\n", 199))
	x := expectation(b, tracetree.PrintWith(j, tracetree.PrintOptions{}))
	for b.Loop() {
		if got := x.Match(j, nil); !got.OK {
			b.Fatal(got.Diff)
		}
	}
}

func BenchmarkDiff200Spans(b *testing.B) {
	j := twoHundred(b)
	text := tracetree.PrintWith(j, tracetree.PrintOptions{})
	x := expectation(b, strings.Replace(text, "POST /orders", "POST /order", 1))
	for b.Loop() {
		if got := x.Match(j, nil); got.OK {
			b.Fatal("matched")
		}
	}
}

func BenchmarkPrint200Spans(b *testing.B) {
	j := twoHundred(b)
	for b.Loop() {
		tracetree.Print(j)
	}
}
