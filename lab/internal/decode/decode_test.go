package decode

import (
	"strings"
	"testing"
)

const (
	goodTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	goodSpan  = "00f067aa0ba902b7"
	good      = "00-" + goodTrace + "-" + goodSpan + "-01"
)

// Each row must be judged as a whole as said, and some line with that verdict
// must give the reason.
func TestExplain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header string
		want   Verdict
		why    string
	}{
		{"traceparent: 00-" + goodTrace + "-" + goodSpan, Invalid, "3 of the four fields"},
		{"traceparent: ff-" + goodTrace + "-" + goodSpan + "-01", Invalid, "ff is forbidden"},
		{"traceparent: 0-" + goodTrace + "-" + goodSpan + "-01", Invalid, "(Trace Context, version)"},
		{"traceparent: 00-" + strings.ToUpper(goodTrace) + "-" + goodSpan + "-01", Invalid, "upper"},
		{"traceparent: 00-" + goodTrace[1:] + "-" + goodSpan + "-01", Invalid, "31 characters"},
		{"traceparent: 00-" + strings.Repeat("0", 32) + "-" + goodSpan + "-01", Invalid, "all zero"},
		{"traceparent: 00-" + goodTrace + "-0000000000000000-01", Invalid, "all zero"},
		{"traceparent: 00-" + goodTrace + "-00f067aa0ba902bg-01", Invalid, "not hex"},
		{"traceparent: 00-" + goodTrace + "-" + goodSpan + "-1", Invalid, "two lower-case hex"},
		{"traceparent: 00-" + goodTrace + "-" + goodSpan + "-08", Notable, "reserved bits 00001000"},
		{"traceparent: " + good + "-what", Invalid, "ends after 55"},
		{"traceparent: " + good + "," + good, Invalid, "combined into one"},
		{"traceparent: ", Invalid, "empty"},
		{"traceparent: " + good, Valid, "may have recorded"},
		{"TRACEPARENT=" + good, Valid, "may have recorded"},
		{good, Valid, "the remote parent"},
		{"00-" + goodTrace + "-" + goodSpan + "-02", Valid, "7 bytes of the trace id are random"},
		{"00-" + goodTrace + "-" + goodSpan + "-00", Valid, "records nothing"},
		{"cc-" + goodTrace + "-" + goodSpan + "-09-what", Notable, "later than 00"},
		{"cc-" + goodTrace + "-" + goodSpan + "-09-what", Notable, "must not be read"},
		{"00-0000000000000000" + goodSpan + "-" + goodSpan + "-01", Notable, "64-bit id"},

		{"tracestate: a=1,b=2,a=3", Notable, "a second member with this key"},
		{"tracestate: a", Invalid, "no '='"},
		{"tracestate: A=1", Invalid, "key may hold only"},
		{"tracestate: @a=1", Invalid, "must begin with"},
		{"tracestate: =1", Invalid, "empty key"},
		{"tracestate: a=", Invalid, "empty value"},
		{"tracestate: a=b=c", Invalid, `value holds '='`},
		{"tracestate: " + strings.Repeat("k", 257) + "=1", Invalid, "key of 257 bytes"},
		{"tracestate: a=" + strings.Repeat("v", 257), Invalid, "value of 257 bytes"},
		{"tracestate: " + members(33), Invalid, "33 members, at most 32"},
		{"tracestate: a=1, ,b=2", Notable, "only white space"},
		{"tracestate: 1a=1", Notable, "Level 2 only"},
		{"tracestate: a@b@c=1", Notable, "Level 2 only"},
		{"tracestate: a=" + strings.Repeat("v", 256) + ",b=" + strings.Repeat("v", 256),
			Notable, "only 512 are sure"},
		{"tracestate: ", Notable, "empty"},
		{"tracestate: " + members(32), Valid, "32 of at most 32"},
		{"tracestate: congo=t61rcWkgMzE,,1a@rojo=00f067aa0ba902b7", Valid, "2 of at most 32"},
		{"tracestate: throughline=2.2.1.1767226500.S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3.x", Invalid, "mac is not 32 bytes"},
		{"throughline=" + signedToken, Valid, "2026-01-01T00:15:00Z"},

		{"baggage: a", Invalid, "no '='"},
		{"baggage: a b=1", Invalid, "not a token"},
		{"baggage: a=b c", Invalid, "must be percent-encoded"},
		{"baggage: a=%zz", Invalid, "bad percent-encoding"},
		{"baggage: a=1;b c", Invalid, "key is not a token"},
		{"baggage: " + members(65), Invalid, "65 members, only 64"},
		{"baggage: a=" + strings.Repeat("v", 8192), Invalid, "8194 bytes, only 8192"},
		{"baggage: a=1,a=2", Notable, "the last one counts"},
		{"baggage: a=%ff", Notable, "U+FFFD"},
		{"baggage: serverNode=DF%2028;ttl=3 , b = 2", Valid, `decodes to "DF 28"`},
		{"baggage: a=", Valid, "as it stands"},

		{"b3: 80f198ee56343ba864fe8b2a57d3eff7", Invalid, "must be traceid-spanid"},
		{"b3: " + goodTrace + "-" + goodSpan + "-" + goodSpan, Invalid, "needs the sampling state"},
		{"b3: " + goodTrace + "-" + goodSpan + "-2", Invalid, "must be 0, 1 or d"},
		{"b3: " + goodTrace + "-" + goodSpan + "-", Invalid, "leave the dash out"},
		{"b3: " + goodTrace[1:] + "-" + goodSpan + "-1", Invalid, "must be 32 or 16"},
		{"b3: " + goodTrace + "-" + strings.ToUpper(goodSpan) + "-1", Invalid, "upper-case"},
		{"b3: 0000000000000000-" + goodSpan + "-1", Invalid, "all zero"},
		{"b3: x", Invalid, "not a sampling state"},
		{"b3: 0", Notable, "a decision without ids"},
		{"b3: " + goodTrace + "-" + goodSpan, Notable, "defer"},
		{"b3: " + goodSpan + "-" + goodSpan + "-1", Notable, "64 bits"},
		{goodTrace + "-" + goodSpan + "-d-" + goodSpan, Valid, "debug"},
		{"X-B3-TraceId: " + goodSpan, Notable, "0000000000000000" + goodSpan},
		{"X-B3-SpanId: 12", Invalid, "2 characters, must be 16"},
		{"X-B3-Sampled: d", Invalid, "X-B3-Flags: 1"},
		{"X-B3-Sampled: yes", Invalid, "must be 0 or 1"},
		{"X-B3-Sampled: true", Notable, "older than the specification"},
		{"X-B3-Sampled: 0", Valid, "deny"},
		{"X-B3-Flags: 1", Valid, "debug"},
		{"X-B3-Flags: 2", Notable, "ignored"},

		{`Server-Timing: total;dur=3, traceparent;desc="` + good + `"`, Valid, "served the request"},
		{"Server-Timing: traceparent", Invalid, "must be traceparent;desc"},
	} {
		h, err := ParseHeader(tc.header)
		if err != nil {
			t.Errorf("ParseHeader(%q): %v", tc.header, err)
			continue
		}
		lines := Explain(h.Name, h.Value)
		if got := Worst(lines); got != tc.want {
			t.Errorf("%q is %v, want %v:\n%s", tc.header, got, tc.want, Format(lines))
		}
		if !reason(lines, tc.want, tc.why) {
			t.Errorf("%q: no %v line says %q:\n%s", tc.header, tc.want, tc.why, Format(lines))
		}
	}
}

const signedToken = "2.1.1.1767226500.S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3.LRCMxBAbOS02yks56Y19dWSaC_MUAj8XNe8pX1a6dVY"

func reason(lines []Line, v Verdict, why string) bool {
	for _, l := range lines {
		if l.Verdict == v && strings.Contains(l.Value+" "+l.Why, why) {
			return true
		}
	}
	return false
}

func members(n int) string {
	var list []string
	for i := range n {
		list = append(list, "k"+itoa(i)+"=v")
	}
	return strings.Join(list, ",")
}

func TestParseHeaderRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "hello", "Content-Type: text/plain", goodTrace} {
		if h, err := ParseHeader(s); err == nil {
			t.Errorf("ParseHeader(%q) = %v, want an error", s, h)
		}
	}
}

func TestExplainUnknownName(t *testing.T) {
	t.Parallel()
	lines := Explain("uber-trace-id", "1")
	if !reason(lines, Invalid, "not a header that carries trace context") {
		t.Errorf("got\n%s", Format(lines))
	}
}
