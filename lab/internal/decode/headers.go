package decode

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/throughline/patterns/clientreturned"
)

// Options verify this project's own member of tracestate.
type Options struct {
	// Key is the secret that signed it; empty: the signature is not checked.
	Key []byte
	// Workflow is the id of the logical process the context was issued for.
	Workflow string
	// Now is the time at which the context is used.
	Now time.Time
}

// All reads headers that came with one request, in their order, and says what
// only their combination tells: repeated headers, a tracestate without a
// traceparent, W3C and B3 side by side, half a B3 context.
func All(headers []Header, o Options) []Line {
	var lines []Line
	worst := map[string]Verdict{} // by lower-case name
	values := http.Header{}
	for _, h := range headers {
		found := Explain(h.Name, h.Value)
		name := strings.ToLower(h.Name)
		worst[name] = max(worst[name], Worst(found))
		values.Add(name, h.Value)
		lines = append(lines, found...)
	}
	lines = append(lines, together(values, worst)...)
	return append(lines, verify(values, o)...)
}

func together(values http.Header, worst map[string]Verdict) []Line {
	var lines []Line
	say := func(v Verdict, name, why string, args ...any) {
		lines = append(lines, Line{Name: name, Verdict: v, Why: fmt.Sprintf(why, args...)})
	}
	w3c := values.Get("traceparent") != "" && worst["traceparent"] != Invalid
	if n := len(values.Values("traceparent")); n > 1 {
		w3c = false
		say(Invalid, "traceparent", "%d headers, at most 1 (Trace Context, traceparent): they "+
			"contradict each other, and many receivers silently take the first", n)
	}
	if n := len(values.Values("tracestate")); n > 1 {
		say(Notable, "tracestate", "%d headers: one list, combined in their order "+
			"(Trace Context, tracestate); the Go propagator reads only the first", n)
		combined := Explain("tracestate", strings.Join(values.Values("tracestate"), ","))
		if Worst(combined) > worst["tracestate"] {
			lines = append(lines, combined...)
		}
	}
	if values.Get("tracestate") != "" && !w3c {
		say(Notable, "tracestate", "must not be read without a valid traceparent "+
			"(Trace Context, Tracestate Header)")
	}
	return append(lines, b3Together(values, worst, w3c)...)
}

func b3Together(values http.Header, worst map[string]Verdict, w3c bool) []Line {
	var lines []Line
	say := func(v Verdict, why string) {
		lines = append(lines, Line{Name: "b3", Verdict: v, Why: why})
	}
	trace, span := values.Get("x-b3-traceid"), values.Get("x-b3-spanid")
	single := values.Get("b3") != "" && worst["b3"] != Invalid
	multi := trace != "" && span != "" &&
		max(worst["x-b3-traceid"], worst["x-b3-spanid"], worst["x-b3-sampled"]) != Invalid
	switch {
	case (trace == "") != (span == ""):
		say(Invalid, "X-B3-TraceId and X-B3-SpanId are both required (b3-propagation, "+
			"Multiple Headers)")
	case trace != "" && values.Get("x-b3-sampled") == "" && values.Get("x-b3-flags") != "1":
		say(Notable, "no X-B3-Sampled: defer, the receiver decides; "+
			"a parent-based sampler that does not know B3 takes it for a denial")
	}
	if values.Get("x-b3-sampled") != "" && values.Get("x-b3-flags") == "1" {
		say(Notable, "X-B3-Flags: 1 implies accept, X-B3-Sampled should not be sent with it "+
			"(b3-propagation, Debug Flag)")
	}
	if single && multi {
		say(Notable, "both encodings: the single header counts (b3-propagation, Http Encodings)")
	}
	if w3c && (single || multi) {
		say(Notable, "W3C and B3 came together: with propagators b3,tracecontext the last that is "+
			"valid counts, which is W3C")
	}
	return lines
}

func verify(values http.Header, o Options) []Line {
	if len(o.Key) == 0 {
		return nil
	}
	line := Line{Name: "signature", Verdict: Valid}
	signer := clientreturned.Signer{
		Vendor: vendorKey, Keys: [][]byte{o.Key}, MaxAge: time.Hour,
		MaxTurns: 1 << 30, Now: func() time.Time { return o.Now },
	}
	sc, err := clientreturned.Extract(http.Header{
		"Traceparent": values.Values("traceparent"), "Tracestate": values.Values("tracestate"),
	})
	if err == nil {
		_, _, err = signer.Verify(context.Background(), sc, o.Workflow)
	}
	if err != nil {
		line.Verdict, line.Why = Invalid, err.Error()
		return []Line{line}
	}
	line.Why = "holds: this trace id, span id, flags, tracestate, workflow, turn and expiry " +
		"were signed together"
	return []Line{line}
}

func itoa(n int) string { return strconv.Itoa(n) }
