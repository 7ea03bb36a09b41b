package b3bridge

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The ids that the B3 specification uses in its examples.
const (
	specTrace  = "80f198ee56343ba864fe8b2a57d3eff7"
	specSpan   = "e457b5a2e4d86bd1"
	specParent = "05e3ac9a4f6e3b90"
	specIDs    = specTrace + "-" + specSpan
	spec64     = "64fe8b2a57d3eff7"
	specPadded = "0000000000000000" + spec64
)

// lines are headers as net/http has them, names in any case.
func lines(pairs ...string) propagation.HeaderCarrier {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return propagation.HeaderCarrier(h)
}

// What B3 headers say, and what is written to a B3 peer that reads one header; W3C is what a W3C
// peer is told. Empty: nothing is read.
func TestVectors(t *testing.T) {
	t.Parallel()
	several := func(more ...string) propagation.HeaderCarrier {
		return lines(append([]string{"X-B3-TraceId", specTrace, "X-B3-SpanId", specSpan}, more...)...)
	}
	const (
		accept = "00-" + specIDs + "-01"
		deny   = "00-" + specIDs + "-00"
		padded = "00-" + specPadded + "-" + specSpan + "-01"
	)
	for name, test := range map[string]struct {
		in      propagation.HeaderCarrier
		w3c, b3 string
	}{
		"accept":             {lines("b3", specIDs+"-1"), accept, specIDs + "-1"},
		"accept, child":      {lines("b3", specIDs+"-1-"+specParent), accept, specIDs + "-1"},
		"deny":               {lines("b3", specIDs+"-0"), deny, specIDs + "-0"},
		"deny, child":        {lines("b3", specIDs+"-0-"+specParent), deny, specIDs + "-0"},
		"debug":              {lines("b3", specIDs+"-d"), accept, specIDs + "-d"},
		"debug, child":       {lines("b3", specIDs+"-d-"+specParent), accept, specIDs + "-d"},
		"defer":              {lines("b3", specIDs), accept, specIDs + "-1"},
		"defer, child":       {lines("b3", specIDs+"-"+specParent), accept, specIDs + "-1"},
		"64 bits":            {lines("b3", spec64+"-"+specSpan+"-1"), padded, padded[3:53] + "1"},
		"64 bits, defer":     {lines("b3", spec64+"-"+specSpan), padded, padded[3:53] + "1"},
		"name in capitals":   {lines("B3", specIDs+"-1"), accept, specIDs + "-1"},
		"several":            {several("X-B3-Sampled", "1"), accept, specIDs + "-1"},
		"several, child":     {several("X-B3-Sampled", "1", "X-B3-ParentSpanId", specParent), accept, specIDs + "-1"},
		"several, deny":      {several("X-B3-Sampled", "0"), deny, specIDs + "-0"},
		"several, true":      {several("X-B3-Sampled", "true"), accept, specIDs + "-1"},
		"several, false":     {several("X-B3-Sampled", "false"), deny, specIDs + "-0"},
		"several, debug":     {several("X-B3-Flags", "1"), accept, specIDs + "-d"},
		"several, both":      {several("X-B3-Flags", "1", "X-B3-Sampled", "0"), accept, specIDs + "-d"},
		"several, flags 0":   {several("X-B3-Flags", "0"), accept, specIDs + "-1"},
		"several, flags 2":   {several("X-B3-Flags", "2", "X-B3-Sampled", "0"), deny, specIDs + "-0"},
		"several, defer":     {several(), accept, specIDs + "-1"},
		"several, in small":  {lines("x-b3-traceid", specTrace, "x-b3-spanid", specSpan), accept, specIDs + "-1"},
		"several, 64 bits":   {lines("X-B3-TraceId", spec64, "X-B3-SpanId", specSpan), padded, padded[3:53] + "1"},
		"first value counts": {several("X-B3-Sampled", "0", "X-B3-Sampled", "1"), deny, specIDs + "-0"},
		"one before several": {lines("b3", specIDs+"-0", "X-B3-TraceId", specTrace, "X-B3-SpanId", specParent,
			"X-B3-Sampled", "1"), deny, specIDs + "-0"},
		"refusal before several": {lines("b3", "0", "X-B3-TraceId", specTrace, "X-B3-SpanId", specSpan,
			"X-B3-Flags", "1"), deny, specIDs + "-0"},

		"accept alone":          {in: lines("b3", "1")},
		"debug alone":           {in: lines("b3", "d")},
		"several, accept alone": {in: lines("X-B3-Sampled", "1")},
		"several, debug alone":  {in: lines("X-B3-Flags", "1")},
		"trace id alone":        {in: lines("b3", specTrace)},
		"several, no span id":   {in: lines("X-B3-TraceId", specTrace, "X-B3-Sampled", "1")},
		"several, no trace id":  {in: lines("X-B3-SpanId", specSpan, "X-B3-Sampled", "1")},
		"capitals":              {in: lines("b3", strings.ToUpper(specIDs)+"-1")},
		"capital decision":      {in: lines("b3", specIDs+"-D")},
		"trace id of zeros":     {in: lines("b3", strings.Repeat("0", 32)+"-"+specSpan+"-1")},
		"64 zeros":              {in: lines("b3", strings.Repeat("0", 16)+"-"+specSpan+"-1")},
		"span id of zeros":      {in: lines("b3", specTrace+"-0000000000000000-1")},
		"trace id of 15":        {in: lines("b3", spec64[1:]+"-"+specSpan+"-1")},
		"trace id of 17":        {in: lines("b3", spec64+"1-"+specSpan+"-1")},
		"trace id of 24":        {in: lines("b3", specTrace[8:]+"-"+specSpan+"-1")},
		"trace id of 31":        {in: lines("b3", specTrace[1:]+"-"+specSpan+"-1")},
		"trace id of 33":        {in: lines("b3", specTrace+"1-"+specSpan+"-1")},
		"span id of 15":         {in: lines("b3", specTrace+"-"+specSpan[1:]+"-1")},
		"span id of 17":         {in: lines("b3", specTrace+"-"+specSpan+"1-1")},
		"parent of 15":          {in: lines("b3", specIDs+"-1-"+specParent[1:])},
		"defer, parent of 15":   {in: lines("b3", specIDs+"-"+specParent[1:])},
		"defer, parent not hex": {in: lines("b3", specIDs+"-"+specParent[1:]+"x")},
		"parent that is none":   {in: several("X-B3-Sampled", "1", "X-B3-ParentSpanId", "-")},
		"empty decision":        {in: lines("b3", specIDs+"-")},
		"two decisions":         {in: lines("b3", specIDs+"-10")},
		"more fields":           {in: lines("b3", specIDs+"-1-"+specParent+"-1")},
		"several, nonsense":     {in: several("X-B3-Sampled", "yes")},
		"several, capitals":     {in: lines("X-B3-TraceId", strings.ToUpper(specTrace), "X-B3-SpanId", specSpan)},
		"several, zeros":        {in: lines("X-B3-TraceId", specTrace, "X-B3-SpanId", "0000000000000000")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := Propagator{}.Extract(t.Context(), test.in)
			out := headers{}
			Propagator{Write: W3C | B3Single}.Inject(ctx, out)
			if out["traceparent"] != test.w3c || out["b3"] != test.b3 {
				t.Errorf("sent on %q, want traceparent %q and b3 %q", out, test.w3c, test.b3)
			}
		})
	}
}

// A proxy that wants a request not recorded says so without ids. Were that passed over, we would
// begin a trace and record it.
func TestARefusalWithoutIDsIsObeyed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in   propagation.HeaderCarrier
		want bool
	}{
		"one header":         {lines("b3", "0"), true},
		"several":            {lines("X-B3-Sampled", "0"), true},
		"several, false":     {lines("X-B3-Sampled", "false"), true},
		"broken, several":    {lines("b3", "x", "X-B3-Sampled", "0"), true},
		"broken W3C":         {lines("traceparent", "x", "b3", "0"), true},
		"one before several": {lines("b3", "1", "X-B3-Sampled", "0"), false},
		"debug":              {lines("X-B3-Flags", "1", "X-B3-Sampled", "0"), false},
		"broken ids":         {lines("X-B3-TraceId", "x", "X-B3-Sampled", "0"), false},
		"accept":             {lines("b3", "1"), false},
		"none":               {lines(), false},
	} {
		sc := trace.SpanContextFromContext(Propagator{}.Extract(t.Context(), test.in))
		if sc.IsValid() != test.want || sc.IsSampled() || sc.IsRemote() != test.want {
			t.Errorf("%s: span context %v, want a remote one that is not sampled: %t",
				name, sc, test.want)
		}
	}
	first := trace.SpanContextFromContext(Propagator{}.Extract(t.Context(), lines("b3", "0")))
	second := trace.SpanContextFromContext(Propagator{}.Extract(t.Context(), lines("b3", "0")))
	if first.TraceID() == second.TraceID() || first.SpanID() == second.SpanID() {
		t.Errorf("two requests share ids: %v and %v", first, second)
	}
	if sc := trace.SpanContextFromContext(
		(Propagator{Read: W3C}).Extract(t.Context(), lines("b3", "0"))); sc.IsValid() {
		t.Errorf("without B3 in Read: span context %v", sc)
	}
	out := headers{}
	Propagator{Write: B3Single}.Inject(trace.ContextWithSpanContext(t.Context(), first), out)
	if want := first.TraceID().String() + "-" + first.SpanID().String() + "-0"; out["b3"] != want {
		t.Errorf("b3 = %q, want %q: a refusal goes on", out["b3"], want)
	}
}
