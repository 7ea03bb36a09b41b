package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// The ids of every case's caller.
const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
	valid   = "00-" + traceID + "-" + spanID + "-01"
)

// Sections of W3C Trace Context Level 2 that several cases are about.
const (
	parentName    = "Traceparent Header: Header Name"
	parentValues  = "traceparent Header Field Values"
	parentVersion = "Versioning of traceparent"
	stateName     = "Tracestate Header: Header Name"
	stateValues   = "tracestate Header Field Values"
	stateKey      = "tracestate: Key"
	stateValue    = "tracestate: Value"
	stateCombined = "Combined Header Value"
)

// Header is a line of a request as it goes over the wire.
type Header struct{ Name, Value string }

// Case is a request, and what the service has to send on. All that the caller sends is in Headers.
type Case struct {
	Name    string // what is special, for a row of the table
	Section string // of the specification, by its heading
	Headers []Header
	// Flags are those of the traceparent to be sent on, if the caller's trace is to be continued
	// with a span of the service's own. Empty: a trace of the service's own, or a sampled one.
	Flags string
	// State is the tracestate to be sent on, in one line; empty: none is to be sent.
	State string
}

// Cases returns all cases, those about one section one after the other.
func Cases() []Case {
	return slices.Concat(parentCases(), versionCases(), idCases(), flagCases(),
		listCases(), keyCases(), valueCases(), limitCases())
}

// goesOn is a case whose trace is continued, flags as in valid.
func goesOn(name, section string, headers ...string) Case {
	return Case{Name: name, Section: section, Headers: pairs(headers), Flags: "01"}
}

// isNew is a case whose headers count for nothing.
func isNew(name, section string, headers ...string) Case {
	return Case{Name: name, Section: section, Headers: pairs(headers)}
}

// state is a case with a valid traceparent and lines of tracestate; want is what is sent on.
func state(name, section, want string, lines ...string) Case {
	c := goesOn(name, section, "traceparent", valid)
	for _, line := range lines {
		c.Headers = append(c.Headers, Header{"tracestate", line})
	}
	c.State = want
	return c
}

func pairs(list []string) []Header {
	var headers []Header
	for pair := range slices.Chunk(list, 2) {
		headers = append(headers, Header{pair[0], pair[1]})
	}
	return headers
}

func parentCases() []Case {
	const another = "00-0af7651916cd43dd8448eb211c80319c-" + spanID + "-01"
	unsampled := goesOn("not sampled", "Sampled flag", "traceparent", valid[:53]+"00")
	unsampled.Flags = "00"
	return []Case{
		isNew("no header", "Mutating the traceparent Field"),
		goesOn("a valid one", parentValues, "traceparent", valid),
		unsampled,
		goesOn("name in capitals", parentName, "TRACEPARENT", valid),
		goesOn("name in mixed case", parentName, "TraceParent", valid),
		isNew("name with a hyphen", parentName, "trace-parent", valid),
		isNew("name with a dot", parentName, "trace.parent", valid),
		goesOn("blanks and tabs around it", parentValues, "traceparent", " \t"+valid+"\t "),
		isNew("two that differ", parentValues, "traceparent", valid, "traceparent", another),
		isNew("two that are equal", parentValues, "traceparent", valid, "traceparent", valid),
		isNew("two in one line, with a comma", parentValues, "traceparent", valid+","+another),
		isNew("empty", parentValues, "traceparent", ""),
	}
}

func versionCases() []Case {
	with := func(version string) string { return version + valid[2:] }
	return []Case{
		isNew("version 00 with a dot behind", "version-format", "traceparent", valid+"."),
		isNew("version 00 with a field behind", "version-format", "traceparent", valid+"-more"),
		goesOn("later version", parentVersion, "traceparent", with("cc")),
		goesOn("later version with a field behind", parentVersion, "traceparent", with("cc")+"-more"),
		isNew("later version with no dash behind", parentVersion, "traceparent", with("cc")+".more"),
		isNew("version ff", "version", "traceparent", with("ff")),
		isNew("version in capitals", "version", "traceparent", with("CC")),
		isNew("version that is not hex", "version", "traceparent", with(".0")),
		isNew("version of one digit", "version", "traceparent", with("0")),
		isNew("version of three digits", "version", "traceparent", with("000")),
	}
}

func idCases() []Case {
	trace := func(id string) string { return "00-" + id + "-" + spanID + "-01" }
	parent := func(id string) string { return "00-" + traceID + "-" + id + "-01" }
	return []Case{
		isNew("trace id of zeros", "trace-id", "traceparent", trace(strings.Repeat("0", 32))),
		isNew("trace id that is not hex", "trace-id", "traceparent", trace("."+traceID[1:])),
		isNew("trace id in capitals", "trace-id", "traceparent", trace(strings.ToUpper(traceID))),
		isNew("trace id of 31 digits", "trace-id", "traceparent", trace(traceID[1:])),
		isNew("trace id of 33 digits", "trace-id", "traceparent", trace(traceID+"1")),
		isNew("parent id of zeros", "parent-id", "traceparent", parent(strings.Repeat("0", 16))),
		isNew("parent id that is not hex", "parent-id", "traceparent", parent(spanID[:15]+".")),
		isNew("parent id in capitals", "parent-id", "traceparent", parent(strings.ToUpper(spanID))),
		isNew("parent id of 15 digits", "parent-id", "traceparent", parent(spanID[1:])),
		isNew("parent id of 17 digits", "parent-id", "traceparent", parent(spanID+"1")),
	}
}

func flagCases() []Case {
	with := func(flags string) string { return valid[:53] + flags }
	random := goesOn("random flag", "Random Trace ID Flag", "traceparent", with("03"))
	random.Flags = "03"
	unsampled := goesOn("random flag, not sampled", "Random Trace ID Flag", "traceparent", with("02"))
	unsampled.Flags = "02"
	unknown := goesOn("flags that are not defined", "Other Flags", "traceparent", with("fb"))
	unknown.Flags = "03"
	return []Case{
		random, unsampled, unknown,
		isNew("flags that are not hex", "trace-flags", "traceparent", with("0.")),
		isNew("flags in capitals", "trace-flags", "traceparent", with("0A")),
		isNew("flags of one digit", "trace-flags", "traceparent", with("1")),
		isNew("flags of three digits", "trace-flags", "traceparent", with("001")),
	}
}

func listCases() []Case {
	name := func(name, header, want string) Case {
		c := goesOn(name, stateName, "traceparent", valid, header, "a=1")
		c.State = want
		return c
	}
	return []Case{
		isNew("tracestate alone", "Tracestate Header", "tracestate", "a=1"),
		isNew("tracestate of a traceparent that does not count", "Tracestate Header",
			"traceparent", "00-"+traceID, "tracestate", "a=1"),
		name("name in capitals", "TRACESTATE", "a=1"),
		name("name in mixed case", "TraceState", "a=1"),
		name("name with a hyphen", "trace-state", ""),
		name("name with a dot", "trace.state", ""),
		state("members keep their order", stateValues, "z=1,a=2,m=3", "z=1,a=2,m=3"),
		state("lines are one list, in order", stateValues, "z=1,a=2,m=3,b=4", "z=1,a=2", "m=3", "b=4"),
		state("empty line", stateValues, "", ""),
		state("empty line first", stateValues, "a=1", "", "a=1"),
		state("empty line last", stateValues, "a=1", "a=1", ""),
		state("empty members", stateValues, "a=1,b=2", "a=1,, \t,b=2,"),
		state("blanks and tabs around members", stateValues, "a=1,b=2", " \ta=1 \t , \t b=2\t "),
		state("key twice, equal values", stateCombined, "a=1", "a=1,a=1"),
		state("key twice: the left one is the later", stateCombined, "a=2,b=1", "a=2,b=1,a=1"),
		state("key twice, in two lines", stateCombined, "a=2,b=1", "a=2", "b=1,a=1"),
	}
}

func keyCases() []Case {
	const all = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
	key := func(n int) string { return strings.Repeat("k", n) }
	same := func(name, list string) Case { return state(name, stateKey, list, list) }
	none := func(name, list string) Case { return state(name, stateKey, "", list) }
	return []Case{
		same("every character", all+"@"+all+"=1"),
		same("begins with a digit", "1k=1,a=1"),
		same("@ at the end", "k@=1,a=1"),
		same("two @ together", "a=1,k@@k=1"),
		same("two @ apart", "k@k@k=1,a=1"),
		same("256 characters", "a=1,"+key(256)+"=1"),
		same("@ after 242 characters", "a=1,"+key(242)+"@k=1"),
		same("@ before 15 characters", "a=1,k@"+key(15)+"=1"),
		none("257 characters", "a=1,"+key(257)+"=1"),
		none("257 characters with @", "a=1,"+key(255)+"@k=1"),
		none("capitals", "a=1,K=1"),
		none("a dot", "a=1,k.k=1"),
		none("blank before =", "a=1,k =1"),
		none("begins with @", "@k=1,a=1"),
		none("begins with _", "_k=1,a=1"),
		none("no key", "=1,a=1"),
		none("no =", "a=1,k"),
	}
}

func valueCases() []Case {
	var every strings.Builder
	for c := ' '; c <= '~'; c++ {
		if c != ',' && c != '=' {
			every.WriteRune(c)
		}
	}
	value := func(n int) string { return strings.Repeat("v", n) }
	same := func(name, list string) Case { return state(name, stateValue, list, list) }
	none := func(name, list string) Case { return state(name, stateValue, "", list) }
	return []Case{
		same("every character", "k="+every.String()+",a=1"),
		same("blanks lead it", "k=  v,a=1"),
		state("blanks end it", stateValue, "k=v,a=1", "k=v  ,a=1"),
		same("256 characters", "k="+value(256)+",a=1"),
		none("257 characters", "k="+value(257)+",a=1"),
		none("empty", "a=1,k="),
		none("=", "a=1,k=v=v"),
		none("a tab", "a=1,k=v\tv"),
		none("not ASCII", "a=1,k=\u00fc"),
	}
}

func limitCases() []Case {
	const limits = "tracestate Limits"
	list := func(n int) string {
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprintf("k%02d=%02d", i, i)
		}
		return strings.Join(members, ",")
	}
	long := make([]string, 20)
	for i := range long {
		long[i] = fmt.Sprintf("k%02d=%s", i, strings.Repeat("v", 250))
	}
	return []Case{
		state("32 members", stateValues, list(32), list(32)),
		state("32 members in two lines", stateValues, list(32), list(32)[:118], list(32)[119:]),
		state("32 members and an empty one", stateValues, list(32), list(32)+","),
		state("33 members", stateValues, "", list(33)),
		state("33 members in two lines", stateValues, "", list(32), "a=1"),
		state("512 characters, and more", limits, strings.Join(long[:8], ","),
			strings.Join(long[:8], ",")),
		state("more than 4096 characters", limits, "", strings.Join(long, ",")),
	}
}
