package decode

import (
	"strings"

	"example.com/throughline/patterns/clientreturned"
)

// vendorKey is this project's key in tracestate.
const vendorKey = "throughline"

// signed reads our own tracestate member. Only who has the key can tell
// whether the signature holds; see [Options].
func signed(value string) []Line {
	claims, err := clientreturned.Decode(value)
	if err != nil {
		return []Line{{Depth: 2, Name: "signed context", Value: shorten(value), Verdict: Invalid,
			Why: err.Error()}}
	}
	return []Line{
		{Depth: 2, Name: "signed context", Verdict: Valid, Why: "written by this project, for the " +
			"client to return; claims below are not verified without --key"},
		{Depth: 2, Name: "turn", Value: itoa(claims.Turn), Verdict: Valid,
			Why: "the turn of this trace that was served"},
		{Depth: 2, Name: "expires", Value: claims.Expires.Format("2006-01-02T15:04:05Z"),
			Verdict: Valid, Why: "refused from then on"},
	}
}

// serverTiming reads the response header in which a service says which trace
// served a request: Server-Timing: traceparent;desc="00-...".
func serverTiming(name, value string) []Line {
	var f findings
	for metric := range strings.SplitSeq(value, ",") {
		metric = strings.TrimSpace(metric)
		kind, parameters, _ := strings.Cut(metric, ";")
		if strings.TrimSpace(kind) != "traceparent" {
			f.add(Valid, "metric", metric, "not about tracing")
			continue
		}
		desc, found := strings.CutPrefix(strings.TrimSpace(parameters), "desc=")
		if !found {
			f.add(Invalid, "traceparent", metric, `must be traceparent;desc="..."`)
			continue
		}
		for _, line := range traceparent("traceparent", strings.Trim(desc, `"`)) {
			line.Depth++
			f = append(f, served(line))
		}
	}
	return f.under(name, value, Worst(f), "the response tells which span served the request")
}

// served turns what a traceparent means in a request into what it means in a
// response.
func served(line Line) Line {
	if line.Verdict != Valid {
		return line
	}
	switch line.Name {
	case "traceparent":
		line.Why = "the SERVER span of this request"
	case "parent-id":
		line.Why = "the span that served the request"
	case "sampled":
		line.Why = "whether that span was recorded"
	}
	return line
}
