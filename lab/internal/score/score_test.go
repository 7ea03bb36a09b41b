package score

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// good is the resource of a service that loses no point.
func good(extra ...string) map[string]string {
	attributes := map[string]string{"service.name": "shop", "service.instance.id": "i-1"}
	for i := 0; i < len(extra); i += 2 {
		attributes[extra[i]] = extra[i+1]
		if extra[i+1] == "" {
			delete(attributes, extra[i])
		}
	}
	return attributes
}

func fill(m pcommon.Map, attributes map[string]string) {
	for key, value := range attributes {
		m.PutStr(key, value)
	}
}

// spans adds one resource with n spans to a scorer; edit changes each of them.
func spans(s *Scorer, resource map[string]string, n int, edit func(int, ptrace.Span)) {
	data := ptrace.NewTraces()
	r := data.ResourceSpans().AppendEmpty()
	fill(r.Resource().Attributes(), resource)
	scope := r.ScopeSpans().AppendEmpty()
	for i := range n {
		span := scope.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{15: 1})
		span.SetSpanID(pcommon.SpanID{6: 1, 7: byte(i)})
		span.SetKind(ptrace.SpanKindServer)
		span.SetName("GET /")
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Unix(0, 0)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Unix(1, 0)))
		if edit != nil {
			edit(i, span)
		}
	}
	s.Traces(data)
}

func metrics(s *Scorer, resource map[string]string, name, unit string, bounds ...float64) {
	data := pmetric.NewMetrics()
	r := data.ResourceMetrics().AppendEmpty()
	fill(r.Resource().Attributes(), resource)
	m := r.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	if bounds == nil {
		m.SetEmptyGauge().DataPoints().AppendEmpty()
	} else {
		m.SetEmptyHistogram().DataPoints().AppendEmpty().ExplicitBounds().FromRaw(bounds)
	}
	s.Metrics(data)
}

func record(s *Scorer, resource map[string]string, severity plog.SeverityNumber, at time.Time) {
	data := plog.NewLogs()
	r := data.ResourceLogs().AppendEmpty()
	fill(r.Resource().Attributes(), resource)
	rec := r.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	rec.SetSeverityNumber(severity)
	rec.SetTimestamp(pcommon.NewTimestampFromTime(at))
	s.Logs(data)
}

// Each rule: what breaks it, and what is only just right.
func TestRules(t *testing.T) {
	t.Parallel()
	internal := func(i int, s ptrace.Span) { s.SetKind(ptrace.SpanKindInternal) }
	short := func(_ int, s ptrace.Span) {
		s.SetKind(ptrace.SpanKindInternal)
		s.SetEndTimestamp(s.StartTimestamp() + 4_999_999)
	}
	named := func(format string) func(int, ptrace.Span) {
		return func(i int, s ptrace.Span) { s.SetName(fmt.Sprintf(format, i)) }
	}
	now := time.Unix(1e9, 0)
	for _, tc := range []struct {
		name string
		rule string // that is broken; none: all hold
		give func(*Scorer)
	}{
		{"all well", "", func(s *Scorer) {
			spans(s, good(), 2, nil)
			metrics(s, good(), "http.server.request.duration", "s", 1, 2)
			record(s, good(), plog.SeverityNumberInfo, now)
		}},
		{"no instance", "RES-001", func(s *Scorer) {
			spans(s, good("service.instance.id", ""), 1, nil)
		}},
		{"an instance in two pods", "RES-002", func(s *Scorer) {
			spans(s, good("k8s.pod.name", "a", "k8s.pod.uid", "1"), 1, nil)
			spans(s, good("k8s.pod.name", "b", "k8s.pod.uid", "1"), 1, nil)
		}},
		{"two instances in two pods", "", func(s *Scorer) {
			spans(s, good("k8s.pod.uid", "a"), 1, nil)
			spans(s, good("k8s.pod.uid", "b", "service.instance.id", "i-2"), 1, nil)
		}},
		{"a pod without uid", "RES-003", func(s *Scorer) { spans(s, good("k8s.pod.name", "a"), 1, nil) }},
		{"resource attribute on a span", "RES-004", func(s *Scorer) {
			spans(s, good(), 1, func(_ int, s ptrace.Span) { s.Attributes().PutStr("service.name", "x") })
		}},
		{"span attribute on a resource", "RES-004", func(s *Scorer) {
			spans(s, good("http.request.method", "GET"), 1, nil)
		}},
		{"own attributes anywhere", "", func(s *Scorer) {
			spans(s, good("shop.region", "x", "process.pid", "1"), 1, func(_ int, s ptrace.Span) {
				s.Attributes().PutStr("shop.region", "x")
				s.Attributes().PutInt("process.pid", 1)
			})
		}},
		{"a name that the SDK made up", "RES-005", func(s *Scorer) {
			spans(s, good("service.name", "unknown_service:shop"), 1, nil)
		}},
		{"no name", "RES-005", func(s *Scorer) { spans(s, good("service.name", ""), 1, nil) }},
		{"10 INTERNAL spans", "", func(s *Scorer) { spans(s, good(), 10, internal) }},
		{"11 INTERNAL spans", "SPA-001", func(s *Scorer) { spans(s, good(), 11, internal) }},
		{"11 INTERNAL spans of two services", "", func(s *Scorer) {
			spans(s, good(), 6, internal)
			spans(s, good("service.name", "other"), 5, internal)
		}},
		{"orphan", "SPA-002", func(s *Scorer) {
			spans(s, good(), 1, func(_ int, s ptrace.Span) { s.SetParentSpanID(pcommon.SpanID{1}) })
		}},
		{"parent in another resource", "", func(s *Scorer) {
			spans(s, good(), 1, func(_ int, s ptrace.Span) { s.SetParentSpanID(pcommon.SpanID{1}) })
			spans(s, good("service.name", "other"), 1, func(_ int, s ptrace.Span) {
				s.SetSpanID(pcommon.SpanID{1})
			})
		}},
		{"parent in another trace", "SPA-002", func(s *Scorer) {
			spans(s, good(), 2, func(i int, s ptrace.Span) {
				s.SetTraceID(pcommon.TraceID{byte(i + 1)})
				if i == 1 {
					s.SetParentSpanID(pcommon.SpanID{6: 1})
				}
			})
		}},
		{"ids in names", "SPA-003", func(s *Scorer) { spans(s, good(), 11, named("GET /orders/o-%d")) }},
		{"ten names", "", func(s *Scorer) { spans(s, good(), 10, named("GET /v%d")) }},
		{"root CLIENT", "SPA-004", func(s *Scorer) {
			spans(s, good(), 1, func(_ int, s ptrace.Span) { s.SetKind(ptrace.SpanKindClient) })
		}},
		{"20 short INTERNAL spans", "", func(s *Scorer) {
			spans(s, good(), 10, short)
			spans(s, good("service.name", "other"), 10, short)
		}},
		{"21 short INTERNAL spans", "SPA-005", func(s *Scorer) {
			spans(s, good(), 10, short)
			spans(s, good("service.name", "other"), 10, short)
			spans(s, good("service.name", "third"), 1, short)
		}},
		{"many short SERVER spans", "", func(s *Scorer) {
			spans(s, good(), 99, func(_ int, s ptrace.Span) { s.SetEndTimestamp(s.StartTimestamp()) })
		}},
		{"no unit", "MET-002", func(s *Scorer) { metrics(s, good(), "queue.size", "") }},
		{"no unit of UCUM", "MET-002", func(s *Scorer) { metrics(s, good(), "queue.size", "items") }},
		{"two units", "MET-003", func(s *Scorer) {
			metrics(s, good(), "latency", "s")
			metrics(s, good("service.name", "other"), "latency", "ms")
		}},
		{"two sets of buckets", "MET-004", func(s *Scorer) {
			metrics(s, good(), "latency", "s", 1, 2)
			metrics(s, good(), "latency", "s", 1, 2, 3)
		}},
		{"the unit in the name", "MET-005", func(s *Scorer) { metrics(s, good(), "latency_seconds", "s") }},
		{"an annotation in the name", "", func(s *Scorer) { metrics(s, good(), "shop.request", "{request}") }},
		{"an attribute as a metric", "MET-006", func(s *Scorer) { metrics(s, good(), "http.request.method", "1") }},
		{"DEBUG for 15 days", "LOG-001", func(s *Scorer) {
			live := good("deployment.environment.name", "production")
			record(s, live, plog.SeverityNumberDebug, now)
			record(s, live, plog.SeverityNumberDebug2, now.Add(15*24*time.Hour))
		}},
		{"DEBUG for 15 days elsewhere", "", func(s *Scorer) {
			record(s, good(), plog.SeverityNumberDebug, now)
			record(s, good(), plog.SeverityNumberDebug, now.Add(15*24*time.Hour))
		}},
		{"no severity", "LOG-002", func(s *Scorer) {
			record(s, good(), plog.SeverityNumberUnspecified, now)
		}},
		{"an old Go", "SDK-001", func(s *Scorer) {
			spans(s, good("telemetry.sdk.language", "go", "telemetry.sdk.version", "1.43.0",
				"process.runtime.version", "go1.24.9"), 1, nil)
		}},
		{"a Go that is old enough", "", func(s *Scorer) {
			spans(s, good("telemetry.sdk.language", "go", "telemetry.sdk.version", "1.43.0",
				"process.runtime.version", "go1.25"), 1, nil)
		}},
	} {
		var s Scorer
		tc.give(&s)
		for _, service := range s.Services() {
			for _, v := range service.Rules {
				broken := v.ID == tc.rule
				if v.Pass == broken || broken != (len(v.Examples) > 0) || broken != (v.Offences > 0) {
					t.Errorf("%s: %s %s: pass %v, examples %q", tc.name, service.Name, v.ID, v.Pass, v.Examples)
				}
			}
		}
		if len(s.Services()) == 0 {
			t.Errorf("%s: nothing was scored", tc.name)
		}
	}
}

func TestAttributeWithTooManyValues(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{9_999: true, 10_000: false} {
		data := pmetric.NewMetrics()
		r := data.ResourceMetrics().AppendEmpty()
		fill(r.Resource().Attributes(), good())
		m := r.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName("requests")
		m.SetUnit("{request}")
		points := m.SetEmptySum().DataPoints()
		for i := range n {
			points.AppendEmpty().Attributes().PutInt("user.id", int64(i))
		}
		var s Scorer
		s.Metrics(data)
		for _, v := range s.Services()[0].Rules {
			if v.ID == "MET-001" && v.Pass != want {
				t.Errorf("%d values: pass %v, want %v", n, v.Pass, want)
			}
		}
	}
}

// The formula, by hand: all 19 rules weigh 510.
func TestScore(t *testing.T) {
	t.Parallel()
	var s Scorer
	spans(&s, map[string]string{}, 1, nil) // RES-001 (20) and RES-005 (40)
	got := s.Services()[0]
	if want := 100 * 450.0 / 510; got.Score != want || got.Category != "Good" || got.Name != Unnamed {
		t.Errorf("%s: %v %s, want %v Good", got.Name, got.Score, got.Category, want)
	}
	for score, want := range map[float64]string{
		100: "Excellent", 90: "Excellent", 89.9: "Good", 75: "Good", 74.9: "Needs Improvement",
		50: "Needs Improvement", 49.9: "Poor", 0: "Poor",
	} {
		if got := category(score); got != want {
			t.Errorf("category(%v) = %s, want %s", score, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"s", "ms", "By", "KiBy", "1", "%", "{request}", "By/s", "{fault}/s",
		"Cel", "m2", "10*3", "W.h", "kBy{sent}", "/min"} {
		if err := checkUnit(unit); err != nil {
			t.Errorf("%q: %v", unit, err)
		}
	}
	for _, unit := range []string{"", "seconds", "bytes", "sec", "requests", "{open", "By/second"} {
		if err := checkUnit(unit); err == nil {
			t.Errorf("%q passes", unit)
		}
	}
	if !isNameOf("bytes", "By") || !isNameOf("ms", "ms") || isNameOf("s", "s") {
		t.Error("unit in a name")
	}
	if shape("GET /orders/o-12f/items") != "GET /orders/#/items" || strings.Contains(shape("HSET"), "#") {
		t.Errorf("shape: %q", shape("GET /orders/o-12f/items"))
	}
}
