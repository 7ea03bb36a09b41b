package load

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/throughline/lab/internal/suite"
)

// String is the report for people: what was asked for, what was served, and the books.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "asked     %.0f spans/s: %.1f checkouts/s of %.0f spans each\n",
		r.Wanted, r.Wanted/r.PerCheckout, r.PerCheckout)
	fmt.Fprintf(&b, "requests  %v\n", r.Requests)
	fmt.Fprintf(&b, "spans     %d in %.1f s: %.0f/s\n", r.Ended(), r.Took.Seconds(), r.Rate())
	if r.Late > 0 {
		fmt.Fprintf(&b, "late      %d customers found %d in the shop and went away\n",
			r.Late, inFlight)
	}
	b.WriteString(r.Books.String())
	return b.String()
}

// String is one line: how many by status, and how long they took.
func (r Requests) String() string {
	parts := []string{fmt.Sprintf("%d sent", r.Sent)}
	for _, status := range slices.Sorted(maps.Keys(r.Status)) {
		name := fmt.Sprint(status)
		if status == NoAnswer {
			name = "no answer"
		}
		parts = append(parts, fmt.Sprintf("%s: %d", name, r.Status[status]))
	}
	return fmt.Sprintf("%s, hung: %d; p50 %v, p99 %v, max %v", strings.Join(parts, ", "), r.Hung,
		r.P50.Round(100*time.Microsecond), r.P99.Round(100*time.Microsecond),
		r.Max.Round(100*time.Microsecond))
}

// String is a table: a line for each service, and the sum.
func (b Books) String() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	reasons := slices.Sorted(maps.Keys(b.Dropped()))
	fmt.Fprint(w, "service\tended\texported\tarrived\tdropped\t")
	for _, reason := range reasons {
		fmt.Fprint(w, reason, "\t")
	}
	fmt.Fprintln(w)
	services := map[string]Books{}
	for _, a := range b.Accounts {
		services[a.Service] = Books{append(services[a.Service].Accounts, a)}
	}
	for _, service := range slices.Sorted(maps.Keys(services)) {
		services[service].line(w, service, reasons)
	}
	b.line(w, "all", reasons)
	w.Flush()
	return out.String()
}

func (b Books) line(w *tabwriter.Writer, name string, reasons []string) {
	var exported, arrived int64
	for _, a := range b.Accounts {
		exported += a.Exported
		arrived += a.Arrived
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t", name, b.Ended(), exported, arrived, b.Lost())
	dropped := b.Dropped()
	for _, reason := range reasons {
		fmt.Fprintf(w, "%d\t", dropped[reason])
	}
	fmt.Fprintln(w)
}

// MarshalJSON is the report for programs, as one object; times are in milliseconds.
func (r Report) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.Marshal(struct {
		Wanted    float64          `json:"wanted"` // spans/s
		Rate      float64          `json:"rate"`   // spans/s
		TookMS    float64          `json:"took_ms"`
		Checkouts int              `json:"checkouts"`
		Late      int              `json:"late"`
		Sent      int              `json:"sent"`
		Status    map[int]int      `json:"status"` // 0: no answer
		Hung      int              `json:"hung"`
		P50       float64          `json:"p50_ms"`
		P99       float64          `json:"p99_ms"`
		Max       float64          `json:"max_ms"`
		Ended     int64            `json:"ended"`
		Dropped   map[string]int64 `json:"dropped"`
		Balanced  bool             `json:"balanced"`
		Services  []suite.Account  `json:"services"`
	}{
		r.Wanted, r.Rate(), ms(r.Took), r.Checkouts, r.Late, r.Sent, r.Status, r.Hung,
		ms(r.P50), ms(r.P99), ms(r.Max), r.Ended(), r.Dropped(), r.Books.Check() == nil, r.Accounts,
	})
}
