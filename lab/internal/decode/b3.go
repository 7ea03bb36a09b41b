package decode

import (
	"strings"
)

const ruleB3 = " (b3-propagation, "

// b3Single reads {TraceId}-{SpanId}-{SamplingState}-{ParentSpanId}, the last
// two optional, or a sampling state alone.
func b3Single(name, value string) []Line {
	var f findings
	parts := strings.Split(value, "-")
	switch {
	case value == "":
		return f.under(name, value, Invalid, "empty")
	case len(parts) == 1 && len(value) == 1:
		b3Sampling(&f, value)
		if Worst(f) == Invalid {
			return f.under(name, value, Invalid, "not a sampling state")
		}
		return f.under(name, value, Notable, "a decision without ids: "+
			"the receiver starts a new trace, and the Go propagator forgets the decision")
	case len(parts) < 2 || len(parts) > 4:
		return f.under(name, value, Invalid, "must be traceid-spanid[-sampled[-parentspanid]]"+
			ruleB3+"Single Header)")
	}
	b3TraceID(&f, parts[0])
	b3SpanID(&f, "SpanId", parts[1])
	switch {
	case len(parts) == 2:
		b3Sampling(&f, "")
	case len(parts) == 3 && len(parts[2]) == 16:
		f.add(Invalid, "Sampling", parts[2], "a ParentSpanId needs the sampling state before it"+
			ruleB3+"Single Header)")
	case parts[2] == "":
		f.add(Invalid, "Sampling", "", "nothing after the dash: to defer, leave the dash out"+
			ruleB3+"Sampling State)")
	default:
		b3Sampling(&f, parts[2])
	}
	if len(parts) == 4 {
		b3SpanID(&f, "ParentSpanId", parts[3])
	}
	if Worst(f) == Invalid {
		return f.under(name, value, Invalid, "ignored as a whole; X-B3-* headers, if any, count")
	}
	return f.under(name, value, Valid, "B3 single header: the caller's span is the remote parent")
}

// b3Multi reads one of the X-B3-* headers.
func b3Multi(name, value string) []Line {
	var f findings
	switch name {
	case "x-b3-traceid":
		b3TraceID(&f, value)
	case "x-b3-spanid":
		b3SpanID(&f, "SpanId", value)
	case "x-b3-parentspanid":
		b3SpanID(&f, "ParentSpanId", value)
	case "x-b3-sampled":
		b3Sampled(&f, value)
	default:
		if value == "1" {
			f.add(Valid, "Flags", value, "debug: force the trace to be recorded")
		} else {
			f.add(Notable, "Flags", value, "only 1, debug, has a meaning; all else is ignored"+
				ruleB3+"Debug Flag)")
		}
	}
	// One field: it is the header.
	f[0].Depth, f[0].Name = 0, name
	return f
}

func b3TraceID(f *findings, id string) {
	const rule = ruleB3 + "TraceId)"
	switch {
	case len(id) != 16 && len(id) != 32:
		f.add(Invalid, "TraceId", id, "%d characters, must be 32 or 16%s", len(id), rule)
	case !lowerHex(id) && lowerHex(strings.ToLower(id)):
		f.add(Invalid, "TraceId", id, "upper-case hex; must be lower case"+rule)
	case !lowerHex(id):
		f.add(Invalid, "TraceId", id, "not hex"+rule)
	case strings.Trim(id, "0") == "":
		f.add(Invalid, "TraceId", id, "all zero is the invalid id of OpenTelemetry and Zipkin")
	case len(id) == 16:
		f.add(Notable, "TraceId", id, "64 bits: in W3C terms %s%s", strings.Repeat("0", 16), id)
	default:
		f.add(Valid, "TraceId", id, "the trace, 128 bits")
	}
}

func b3SpanID(f *findings, name, id string) {
	rule := ruleB3 + name + ")"
	switch {
	case len(id) != 16:
		f.add(Invalid, name, id, "%d characters, must be 16%s", len(id), rule)
	case !lowerHex(id) && lowerHex(strings.ToLower(id)):
		f.add(Invalid, name, id, "upper-case hex; must be lower case"+rule)
	case !lowerHex(id):
		f.add(Invalid, name, id, "not hex"+rule)
	case strings.Trim(id, "0") == "":
		f.add(Invalid, name, id, "all zero is the invalid id of OpenTelemetry and Zipkin")
	case name == "SpanId":
		f.add(Valid, name, id, "the caller's span")
	default:
		f.add(Valid, name, id, "the parent of the caller's span: checked and not used by OpenTelemetry")
	}
}

// b3Sampling reads the sampling state of the single header; empty is absent.
func b3Sampling(f *findings, state string) {
	switch state {
	case "":
		f.add(Notable, "Sampling", "", "absent: defer, the receiver decides%sSampling State); "+
			"a parent-based sampler that does not know B3 takes it for a denial", ruleB3)
	case "0":
		f.add(Valid, "Sampling", state, "deny: nothing is recorded from here on")
	case "1":
		f.add(Valid, "Sampling", state, "accept: record")
	case "d":
		f.add(Valid, "Sampling", state, "debug: force the trace to be recorded")
	default:
		f.add(Invalid, "Sampling", state, "must be 0, 1 or d%sSampling State)", ruleB3)
	}
}

func b3Sampled(f *findings, state string) {
	switch strings.ToLower(state) {
	case "0", "1":
		b3Sampling(f, state)
	case "true", "false":
		f.add(Notable, "Sampled", state, "older than the specification, which says 1 or 0"+
			ruleB3+"Sampling State); the Go propagator accepts it")
	case "d":
		f.add(Invalid, "Sampled", state, "debug is sent as X-B3-Flags: 1"+ruleB3+"Debug Flag)")
	default:
		f.add(Invalid, "Sampled", state, "must be 0 or 1"+ruleB3+"Sampling State)")
	}
}
