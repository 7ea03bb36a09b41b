package pages

import (
	"fmt"
	"strings"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

// cost is what a journey takes.
type cost struct {
	turns, traces, spans, largest, links, hops, bytes int
}

func costs(runs []Run) string {
	var b strings.Builder
	b.WriteString("\n| scenario | turns | traces | spans | in the largest trace | links | " +
		"hops | header bytes |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range runs {
		c := measure(r.Result)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n", r.Scenario.Name,
			c.turns, c.traces, c.spans, c.largest, c.links, c.hops, c.bytes)
	}
	return b.String() + "\n"
}

func measure(r scenario.Result) cost {
	c := cost{turns: r.Turns, traces: r.Traces, spans: r.Spans}
	sizes := make(map[string]int)
	for _, s := range r.Journey.Spans {
		sizes[s.TraceID]++
		c.largest = max(c.largest, sizes[s.TraceID])
		c.links += len(s.Links)
	}
	for _, l := range r.Journey.Logs {
		if n, ok := headerBytes(l); ok {
			c.hops++
			c.bytes += n
		}
	}
	return c
}

// headerBytes is what a request that was received spent on carrying its trace, as HTTP/1.1 writes
// it. Of baggage the values are not known, so it does not count.
func headerBytes(l tracetree.Log) (n int, ok bool) {
	headers, ok := l.Headers()
	if !ok || l.Body != "received" {
		return 0, false
	}
	for name, value := range headers {
		if name != "baggage" {
			n += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return n, true
}
