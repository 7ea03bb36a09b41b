package audit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/scenario"
)

// leaks are one for each place in telemetry.
type leaks struct {
	span   map[string]func(ptrace.ResourceSpans, ptrace.Span, string)
	record map[string]func(plog.LogRecord, string)
	metric map[string]func(pmetric.Metric, string)
}

func planted() leaks {
	scope := func(r ptrace.ResourceSpans) pcommon.InstrumentationScope { return r.ScopeSpans().At(0).Scope() }
	type S = ptrace.Span
	type R = ptrace.ResourceSpans
	return leaks{
		span: map[string]func(R, S, string){
			"name":                       func(_ R, s S, v string) { s.SetName(v) },
			"tracestate":                 func(_ R, s S, v string) { s.TraceState().FromRaw("a=" + v) },
			"status":                     func(_ R, s S, v string) { s.Status().SetMessage(v) },
			"attribute a":                func(_ R, s S, v string) { s.Attributes().PutStr("a", v) },
			"attribute key":              func(_ R, s S, v string) { s.Attributes().PutInt(v, 1) },
			"attribute list":             func(_ R, s S, v string) { s.Attributes().PutEmptySlice("list").AppendEmpty().SetStr(v) },
			"attribute map x":            func(_ R, s S, v string) { s.Attributes().PutEmptyMap("map").PutStr("x", v) },
			"attribute bytes":            func(_ R, s S, v string) { s.Attributes().PutEmptyBytes("bytes").FromRaw([]byte(v)) },
			"event name":                 func(_ R, s S, v string) { s.Events().AppendEmpty().SetName(v) },
			"event attribute e":          func(_ R, s S, v string) { s.Events().AppendEmpty().Attributes().PutStr("e", v) },
			"link tracestate":            func(_ R, s S, v string) { s.Links().AppendEmpty().TraceState().FromRaw("a=" + v) },
			"link attribute l":           func(_ R, s S, v string) { s.Links().AppendEmpty().Attributes().PutStr("l", v) },
			"resource attribute host.id": func(r R, _ S, v string) { r.Resource().Attributes().PutStr("host.id", v) },
			"schema URL":                 func(r R, _ S, v string) { r.SetSchemaUrl(v) },
			"scope name":                 func(r R, _ S, v string) { scope(r).SetName(v) },
			"scope version":              func(r R, _ S, v string) { scope(r).SetVersion(v) },
			"scope attribute s":          func(r R, _ S, v string) { scope(r).Attributes().PutStr("s", v) },
		},
		record: map[string]func(plog.LogRecord, string){
			"body":        func(l plog.LogRecord, v string) { l.Body().SetStr("paid by " + v) },
			"body x":      func(l plog.LogRecord, v string) { l.Body().SetEmptyMap().PutStr("x", v) },
			"severity":    func(l plog.LogRecord, v string) { l.SetSeverityText(v) },
			"event name":  func(l plog.LogRecord, v string) { l.SetEventName(v) },
			"attribute a": func(l plog.LogRecord, v string) { l.Attributes().PutStr("a", v) },
		},
		metric: map[string]func(pmetric.Metric, string){
			"name":        func(m pmetric.Metric, v string) { m.SetName(v) },
			"description": func(m pmetric.Metric, v string) { m.SetDescription(v) },
			"unit":        func(m pmetric.Metric, v string) { m.SetUnit(v) },
			"metadata m":  func(m pmetric.Metric, v string) { m.Metadata().PutStr("m", v) },
			"label g": func(m pmetric.Metric, v string) {
				m.SetEmptyGauge().DataPoints().AppendEmpty().Attributes().PutStr("g", v)
			},
			"label s": func(m pmetric.Metric, v string) {
				m.SetEmptySum().DataPoints().AppendEmpty().Attributes().PutStr("s", v)
			},
			"label h": func(m pmetric.Metric, v string) {
				m.SetEmptyHistogram().DataPoints().AppendEmpty().Attributes().PutStr("h", v)
			},
			"label e": func(m pmetric.Metric, v string) {
				m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes().PutStr("e", v)
			},
			"label q": func(m pmetric.Metric, v string) {
				m.SetEmptySummary().DataPoints().AppendEmpty().Attributes().PutStr("q", v)
			},
			"exemplar attribute x": func(m pmetric.Metric, v string) {
				m.SetEmptyHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes().PutStr("x", v)
			},
		},
	}
}

// want checks that an audit has found a canary at a place.
func want(t *testing.T, a *Audit, surface, service, field string) {
	t.Helper()
	for _, f := range a.Findings() {
		if f.Surface == surface && f.Service == service && f.Field == field && f.Planted == "here" {
			return
		}
	}
	t.Errorf("found %+v, want %s, %s, %s", a.Findings(), surface, service, field)
}

func TestEachPlaceInTelemetryIsSearched(t *testing.T) {
	t.Parallel()
	for field, plant := range planted().span {
		a := New()
		data := ptrace.NewTraces()
		res := data.ResourceSpans().AppendEmpty()
		res.Resource().Attributes().PutStr("service.name", "shop")
		plant(res, res.ScopeSpans().AppendEmpty().Spans().AppendEmpty(), a.flock.plant(kinds()[1], "here").Value)
		if n := spans(data, a.look); n != 1 {
			t.Errorf("%d spans, want 1", n)
		}
		want(t, a, "span", "shop", field)
	}
	for field, plant := range planted().record {
		a := New()
		data := plog.NewLogs()
		plant(data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty(),
			a.flock.plant(kinds()[0], "here").Value)
		logs(data, a.look)
		want(t, a, "log", "", field)
	}
	for field, plant := range planted().metric {
		a := New()
		data := pmetric.NewMetrics()
		plant(data.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty(),
			a.flock.plant(kinds()[7], "here").Value)
		metrics(data, a.look)
		want(t, a, "metric", "", field)
	}
}

func TestStdoutAndBaggageAreSearched(t *testing.T) {
	t.Parallel()
	a := New()
	secret := a.flock.plant(kinds()[0], "here").Value
	a.Stdout(`{"msg":"hello","error":{"text":"no user ` + secret + `"}}` + "\npanic: " + secret + "\n")
	want(t, a, "stdout", "", "error.text")
	want(t, a, "stdout", "", "")

	member, err := baggage.NewMemberRaw("note", secret)
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(a.SpanProcessor("order")))
	_, span := tp.Tracer("t").Start(baggage.ContextWithBaggage(t.Context(), bag), "work")
	span.End()
	want(t, a, "baggage", "order", "member note")
}

func TestEveryTypeInRedisIsSearched(t *testing.T) {
	t.Parallel()
	mini := miniredis.RunT(t)
	a := New()
	v := func(kind int) string { return a.flock.plant(kinds()[kind], "here").Value }
	mini.HSet("hash", "field", v(1))
	mini.HSet("names", v(2), "x")
	_, listErr := mini.Lpush("list", v(4))
	_, setErr := mini.SAdd("set", v(5))
	_, zsetErr := mini.ZAdd("zset", 1, v(7))
	_, streamErr := mini.XAdd("stream", "1-0", []string{"baggage", v(8)})
	if err := errors.Join(mini.Set("key:"+v(3), "x"),
		mini.Set("string", `{"deep":[{"er":"`+v(0)+`"}]}`),
		listErr, setErr, zsetErr, streamErr); err != nil {
		t.Fatal(err)
	}
	if err := a.Redis(t.Context(), mini.Addr()); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"key", "value deep.0.er", "value field", "value 0", "value 1-0.baggage"} {
		want(t, a, "redis", "", field)
	}
	if n := len(a.Findings()); n < 8 {
		t.Errorf("%d findings, want one for each key: %+v", n, a.Findings())
	}
	addr := mini.Addr()
	mini.Close()
	if err := a.Redis(t.Context(), addr); err == nil {
		t.Error("a Redis that is away is no error")
	}
}

// What a customer's server was sent, and what a caller was told.
func TestWebhooksAnswersAndEventsAreSearched(t *testing.T) {
	t.Parallel()
	a := New()
	secret := a.flock.plant(kinds()[0], "here").Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"target": "/hook?x=" + secret,
			"header": http.Header{"Baggage": {"note=" + secret}}, "body": `{"state":"` + secret + `"}`})
	}))
	defer server.Close()
	s := &sender{audit: a, client: server.Client(),
		fleet: scenario.Fleet{Targets: map[string]string{"customer": server.URL}}}
	s.called("x")
	if err := s.webhooks(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"target", "header Baggage", "body.state"} {
		want(t, a, "webhook", "order", field)
	}
	answer := func(contentType, text string) {
		a.answer("e", &http.Response{StatusCode: 422, Header: http.Header{
			"Content-Type": {contentType}, "Location": {secret}}}, text)
	}
	answer("application/problem+json", `{"detail":"sku \"`+secret+`\": unknown"}`)
	want(t, a, "answer", "", "body detail")
	want(t, a, "answer", "", "header Location")
	answer("text/event-stream", "id: 1\ndata: "+secret+"\n\n")
	want(t, a, "event", "", "body")
}

// What is allowed, is so in its place and for its kind only.
func TestExceptions(t *testing.T) {
	t.Parallel()
	name := &Canary{Kind: "e-mail", Planted: "gateway POST /checkouts, field customer"}
	card := &Canary{Kind: "card of 16 digits", Planted: name.Planted}
	header := &Canary{Kind: "e-mail", Planted: "gateway POST /checkouts, header From"}
	at := Item{Surface: "redis", Where: "lab:X:order:abc", Field: "value customer"}
	if allowed(at, name) == "" || allowed(at, card) != "" || allowed(at, header) != "" {
		t.Error("a customer's name may be at rest, a card or a header may not")
	}
	for _, item := range []Item{
		{Surface: "span", Where: at.Where, Field: at.Field}, {Surface: "redis", Where: "x:stock", Field: at.Field},
		{Surface: "redis", Where: at.Where, Field: "value items"}, {Surface: "redis", Where: at.Where, Field: "key"},
	} {
		if allowed(item, name) != "" {
			t.Errorf("%+v is allowed", item)
		}
	}
	for _, e := range exceptions() {
		if e.reason == "" || e.surface != "redis" && e.surface != "answer" && e.surface != "webhook" {
			t.Errorf("%+v: want a reason, and nothing in telemetry", e)
		}
		if strings.Contains(e.kind, "card of") || strings.Contains(e.kind, "card with") {
			t.Errorf("%+v: a card is allowed", e)
		}
	}
}
