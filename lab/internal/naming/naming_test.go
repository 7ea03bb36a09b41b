package naming

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const source = `package semconv

const (
	FineKey = attribute.Key("http.route")
	// Deprecated: use another.
	OldKey = attribute.Key("http.url")
	ExceptionEventName = "exception"
	EventRetry, NoEvent = "retry", "nothing"
)
const TypedKey attribute.Key = attribute.Key("error.type")
var MethodKey = attribute.Key("http.request.method")

const (
	// CountKey counts. Type: int.
	CountKey = attribute.Key("shop.count")
	// PortKey has a function. Type: Enum
	PortKey = attribute.Key("server.port")
)
func Port(n int) attribute.KeyValue { return PortKey.Int(n) }
func Header(key string, val ...string) attribute.KeyValue {
	return attribute.StringSlice("http.request.header."+key, val)
}
type Duration struct{}
func (Duration) Name() string { return "http.duration" }
func (Duration) Unit() string { return "s" }
func (Other) Name() string { return "no.instrument" }
`

func vocabulary(t *testing.T) *Vocabulary {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go": source, "a_test.go": "package x\nvar K = attribute.Key(\"test.only\")\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRead(t *testing.T) {
	t.Parallel()
	want := &Vocabulary{
		Attributes: map[string]bool{"http.route": true, "http.url": false, "error.type": true,
			"http.request.method": true, "shop.count": true, "server.port": true},
		Types:    map[string]string{"shop.count": "int", "server.port": "int"},
		Prefixes: map[string]string{"http.request.header.": "string[]"},
		Metrics:  map[string]string{"http.duration": "s"},
		Events:   map[string]bool{"exception": true, "retry": true},
	}
	if diff := cmp.Diff(want, vocabulary(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	const at = ` span "GET /x" of a.scope: `
	for name, tc := range map[string]struct {
		change func(ptrace.Span)
		want   []string
	}{
		"good": {func(ptrace.Span) {}, nil},
		"unknown and deprecated": {func(s ptrace.Span) {
			s.Attributes().PutStr("http.rout", "")
			s.Attributes().PutStr("http.url", "")
			s.Events().AppendEmpty().SetName("surprise")
			s.Links().AppendEmpty().Attributes().PutStr("why", "")
		}, []string{
			`Server span "GET /x" of a.scope, link: unknown attribute why (1 times)`,
			"Server" + at + "deprecated attribute http.url (1 times)",
			"Server" + at + "unknown attribute http.rout (1 times)",
			"Server" + at + "unknown event surprise (1 times)",
		}},
		"wrong types": {func(s ptrace.Span) {
			s.Attributes().PutStr("server.port", "80")
			s.Attributes().PutInt("shop.count", 1)
			s.Attributes().PutDouble("http.route", 1)
			s.Attributes().PutEmptySlice("http.request.header.a")
			s.Attributes().PutEmptySlice("http.request.header.b").AppendEmpty().SetStr("x")
			s.Attributes().PutStr("http.request.header.c", "x")
			s.Attributes().PutStr("http.request.header.", "x")
			s.SetName("GET 1")
		}, []string{
			`Server span "GET 1" of a.scope: http.request.header.c is of type string, want string[] (1 times)`,
			`Server span "GET 1" of a.scope: http.route is of type double, want string (1 times)`,
			`Server span "GET 1" of a.scope: server.port is of type string, want int (1 times)`,
			`Server span "GET 1" of a.scope: unknown attribute http.request.header. (1 times)`,
		}},
		"error without a type": {func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) },
			[]string{"Server" + at + "status Error, error.type false: want both or none (1 times)"}},
		"a type without an error": {func(s ptrace.Span) { s.Attributes().PutStr("error.type", "x") },
			[]string{"Server" + at + "status Unset, error.type true: want both or none (1 times)"}},
		"route lost": {func(s ptrace.Span) { s.Attributes().Remove("http.route") },
			[]string{"Server" + at + `route "/x" in the name, http.route "" (1 times)`}},
		"another route": {func(s ptrace.Span) { s.Attributes().PutStr("http.route", "/y") },
			[]string{"Server" + at + `route "/x" in the name, http.route "/y" (1 times)`}},
		"wrong kind": {func(s ptrace.Span) { s.SetKind(ptrace.SpanKindInternal) }, []string{
			"Internal" + at + "kind Internal for http.*, want one of [Server Client] (1 times)"}},
		"kind of nothing": {func(s ptrace.Span) { s.Attributes().Clear() }, []string{
			"Server" + at + "kind Server for work inside a process, want one of [Internal] (1 times)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := ptrace.NewTraces()
			scope := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
			scope.Scope().SetName("a.scope")
			s := scope.Spans().AppendEmpty()
			s.SetName("GET /x")
			s.SetKind(ptrace.SpanKindServer)
			s.Attributes().PutStr("http.request.method", "GET")
			s.Attributes().PutStr("http.route", "/x")
			tc.change(s)
			c := &Checker{Vocabulary: vocabulary(t)}
			c.Traces(data)
			if diff := cmp.Diff(tc.want, c.Violations()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetricsAndExceptions(t *testing.T) {
	t.Parallel()
	data := pmetric.NewMetrics()
	resource := data.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("host", "")
	scope := resource.ScopeMetrics().AppendEmpty()
	scope.Scope().SetName("a.scope")
	add := func(name, unit string) pmetric.Metric {
		m := scope.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		return m
	}
	point := func(attributes pcommon.Map) { attributes.PutStr("p", "") }
	point(add("http.duration", "s").SetEmptyHistogram().DataPoints().AppendEmpty().Attributes())
	point(add("http.duration", "ms").SetEmptyExponentialHistogram().DataPoints().AppendEmpty().
		Attributes())
	point(add("unknown", "1").SetEmptySum().DataPoints().AppendEmpty().Attributes())
	point(add("permitted", "1").SetEmptyGauge().DataPoints().AppendEmpty().Attributes())
	c := &Checker{Vocabulary: vocabulary(t), Allowed: map[string]string{
		"permitted": "a library", "host": "ours", "gone": "a reason"}}
	c.Metrics(data)
	c.Traces(oneGoodSpan())
	want := []string{
		"allowed, but not seen any more: gone (a reason)",
		`metric http.duration of a.scope: unit "ms", want "s" (1 times)`,
		"metric http.duration of a.scope: unknown attribute p (2 times)",
		"metric permitted of a.scope: unknown attribute p (1 times)",
		"metric unknown of a.scope: unknown attribute p (1 times)",
		"metric unknown of a.scope: unknown metric (1 times)",
	}
	if diff := cmp.Diff(want, c.Violations()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(plog.LogRecord)
		want   []string
	}{
		"good": {func(plog.LogRecord) {}, nil},
		"named wrongly": {func(r plog.LogRecord) {
			r.Attributes().PutStr("peer", "")
			r.Attributes().PutStr("shop.count", "")
			r.SetEventName("surprise")
		}, []string{
			`log record "done": shop.count is of type string, want int (1 times)`,
			`log record "done": unknown attribute peer (1 times)`,
			`log record "done": unknown event surprise (1 times)`,
		}},
		"no record": {func(r plog.LogRecord) {
			r.Body().SetInt(7)
			r.SetSeverityText("debug")
			r.SetTimestamp(0)
			r.SetTraceID([16]byte{1})
			r.Attributes().PutStr("exception.type", "x")
		}, []string{
			`log record "7": no text for a body (1 times)`,
			`log record "7": no time (1 times)`,
			`log record "7": one of exception.message and exception.type without the other (1 times)`,
			`log record "7": one of trace id and span id without the other (1 times)`,
			`log record "7": severity 5 with the text "debug" (1 times)`,
			`log record "7": unknown attribute exception.type (1 times)`,
		}},
	} {
		data := plog.NewLogs()
		r := data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		r.Body().SetStr("done")
		r.SetTimestamp(1)
		r.SetSeverityNumber(plog.SeverityNumberDebug)
		r.SetSeverityText("DEBUG")
		tc.change(r)
		c := &Checker{Vocabulary: vocabulary(t)}
		c.Logs(data)
		if diff := cmp.Diff(tc.want, c.Violations()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func oneGoodSpan() ptrace.Traces {
	data := ptrace.NewTraces()
	s := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetKind(ptrace.SpanKindInternal)
	return data
}
