package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Tables returns the tables of docs/, by the names that the pages have for them, from what the
// code does with the cases.
func Tables(ctx context.Context) (map[string]string, error) {
	w3c, err := w3cTable(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"w3c": w3c, "w3c-over-b3": overB3(), "b3-over-w3c": overW3C(), "b3-read": readTable(),
	}, nil
}

func w3cTable(ctx context.Context) (string, error) {
	var b strings.Builder
	b.WriteString(row("what the caller sends", "section", "the trace", "tracestate sent on") +
		"|---|---|---|---|\n")
	var names []string
	outcome := ""
	err := WithProbe(ctx, func(p *Probe) error {
		for _, c := range Cases() {
			got, err := p.Send(ctx, 1, c.Headers)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			// Neighbours that fare alike share a row.
			now := row(c.Section, fate(got[0]), stateFate(c, got[0]))
			if now != outcome && names != nil {
				b.WriteString("| " + strings.Join(names, "; ") + " " + outcome)
				names = nil
			}
			names, outcome = append(names, c.Name), now
		}
		return nil
	})
	return b.String() + "| " + strings.Join(names, "; ") + " " + outcome, err
}

// fate says what became of the caller's trace.
func fate(sent http.Header) string {
	parts := strings.Split(sent.Get("Traceparent"), "-")
	if len(parts) != 4 || parts[1] != traceID {
		return "new"
	}
	return "goes on, flags " + parts[3]
}

// stateFate says what became of the tracestate.
func stateFate(c Case, sent http.Header) string {
	var lines []string
	for _, h := range c.Headers {
		if strings.EqualFold(h.Name, "tracestate") {
			lines = append(lines, h.Value)
		}
	}
	arrived, now := strings.Join(lines, ","), strings.Join(sent["Tracestate"], " and ")
	switch {
	case lines == nil && now == "":
		return ""
	case now == "":
		return "none"
	case now == arrived:
		return "as it came"
	case len(now) > 40:
		return "mended"
	}
	return "`" + now + "`"
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
