package decode

import (
	"strconv"
	"strings"
)

// The lengths of the fields of a traceparent of version 00, which all later
// versions must begin with: 2-32-16-2 and three dashes.
const traceparentLen = 55

func traceparent(name, value string) []Line {
	var f findings
	if value == "" {
		return f.under(name, value, Invalid, "empty: the receiver starts a new trace")
	}
	if strings.Contains(value, ",") {
		return f.under(name, value, Invalid, "two headers combined into one: traceparent is "+
			"a single value without commas (Trace Context, traceparent Header Field Values); "+
			"which of them is meant nobody can know, so the receiver starts a new trace")
	}
	if trimmed := strings.TrimSpace(value); trimmed != value {
		return f.under(name, value, Invalid, "white space around the value: "+
			"HTTP servers remove it from headers, other carriers do not")
	}
	parts := strings.Split(value, "-")
	if len(parts) < 4 {
		return f.under(name, value, Invalid, "has "+strconv.Itoa(len(parts))+
			" of the four fields version-traceid-parentid-flags "+
			"(Trace Context, version-format): the receiver starts a new trace")
	}
	version(&f, parts[0])
	hexField(&f, "trace-id", parts[1], 32)
	hexField(&f, "parent-id", parts[2], 16)
	flags(&f, parts[0], parts[3])
	extra(&f, parts)
	if Worst(f) == Invalid {
		return f.under(name, value, Invalid,
			"ignored as a whole, and tracestate with it: the receiver starts a new trace")
	}
	return f.under(name, value, Valid, "W3C Trace Context: the caller's span is the remote parent")
}

func version(f *findings, v string) {
	switch {
	case len(v) != 2 || !lowerHex(v):
		f.add(Invalid, "version", v, "not two lower-case hex digits (Trace Context, version)")
	case v == "ff":
		f.add(Invalid, "version", v, "ff is forbidden (Trace Context, version)")
	case v == "00":
		f.add(Valid, "version", v, "the current one")
	default:
		f.add(Notable, "version", v, "later than 00: read as if it were 00, and sent on as 00 "+
			"(Trace Context, Versioning of traceparent)")
	}
}

// hexField checks an id: length, lower-case hex, not all zero.
func hexField(f *findings, name, id string, length int) {
	rule := " (Trace Context, " + name + ")"
	switch {
	case len(id) != length:
		f.add(Invalid, name, id, "%d characters, must be %d%s", len(id), length, rule)
	case !lowerHex(id) && lowerHex(strings.ToLower(id)):
		f.add(Invalid, name, id, "upper-case hex; must be lower case"+rule)
	case !lowerHex(id):
		f.add(Invalid, name, id, "not hex"+rule)
	case strings.Trim(id, "0") == "":
		f.add(Invalid, name, id, "all zero is the invalid id"+rule)
	case name == "trace-id" && strings.HasPrefix(id, strings.Repeat("0", 16)):
		f.add(Notable, name, id, "left half zero: most likely a 64-bit id of an older system, padded")
	case name == "trace-id":
		f.add(Valid, name, id, "the trace")
	default:
		f.add(Valid, name, id, "the caller's span")
	}
}

func flags(f *findings, version, flags string) {
	n, err := strconv.ParseUint(flags, 16, 8)
	switch {
	case err != nil || len(flags) != 2 || !lowerHex(flags):
		f.add(Invalid, "trace-flags", flags,
			"not two lower-case hex digits (Trace Context, trace-flags)")
		return
	case n > 3 && version == "00":
		f.add(Notable, "trace-flags", flags, "sets reserved bits %08b, which must be sent as zero "+
			"(Trace Context, Other Flags); the Go SDK refuses the whole header", n&^3)
	case n > 3:
		f.add(Notable, "trace-flags", flags, "bits %08b are unknown here and dropped", n&^3)
	default:
		f.add(Valid, "trace-flags", flags, "bits %08b", n)
	}
	bit(f, "sampled", n&1 != 0, "the caller may have recorded its part",
		"the caller did not record: a parent-based sampler records nothing from here on")
	bit(f, "random", n&2 != 0, "the right 7 bytes of the trace id are random",
		"no promise that the trace id is random (Level 1 senders and Go SDK roots never set it)")
}

func bit(f *findings, name string, set bool, yes, no string) {
	line := Line{Depth: 2, Name: name, Value: "0", Verdict: Valid, Why: no}
	if set {
		line.Value, line.Why = "1", yes
	}
	*f = append(*f, line)
}

func extra(f *findings, parts []string) {
	if len(parts) == 4 {
		return
	}
	rest := strings.Join(parts[4:], "-")
	if parts[0] == "00" {
		f.add(Invalid, "rest", rest, "version 00 ends after %d characters "+
			"(Trace Context, version-format)", traceparentLen)
		return
	}
	f.add(Notable, "rest", rest, "fields of a later version: must not be read nor sent on "+
		"(Trace Context, Versioning of traceparent)")
}

func lowerHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}
