package redact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// The canaries. Each is a secret in a form of its own.
const (
	pan   = "4111 1111 1111 1111"
	email = "ada@canary.example"
)

func TestNoCanaryLeavesWithASpan(t *testing.T) {
	t.Parallel()
	memory := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(New(Rules{}).Spans(memory)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("owner", email))))
	state, err := trace.ParseTraceState("a=" + email + ",b=2")
	if err != nil {
		t.Fatal(err)
	}
	remote := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
		TraceState: state, Remote: true,
	})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), remote)
	_, span := tp.Tracer("test").Start(ctx, "pay "+pan, trace.WithLinks(trace.Link{
		SpanContext: remote, Attributes: []attribute.KeyValue{attribute.String("by", email)}}))
	span.SetAttributes(
		attribute.String("url.full", "https://ada:pw-canary@h/x?token=tok-canary&q=1#frag-canary"),
		attribute.String("url.query", "tok-canary&a=b-canary"),
		attribute.Int64("number", 4111111111111111),
		attribute.StringSlice("http.request.header.cookie", []string{"s=tok-canary"}),
		attribute.StringSlice("list", []string{"ok", email}),
		attribute.ByteSlice("bytes", []byte(email)),
		attribute.Slice("slice", attribute.MapValue(attribute.String("password", "pw-canary"))),
		attribute.Map("map", attribute.String("k", "Bearer tok-canary")),
		attribute.String(email, "key"),
	)
	span.AddEvent("sent to "+email, trace.WithAttributes(attribute.String("card", pan)))
	span.RecordError(errors.New("no such user: " + email))
	span.SetStatus(codes.Error, `Get "http://h/?q=tok-canary": refused`)
	span.End()

	got := fmt.Sprintf("%+v", memory.GetSpans())
	out, err := json.Marshal(memory.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	noCanary(t, got+string(out))
	stub := memory.GetSpans()[0]
	if stub.Parent.TraceState().String() != "b=2" || stub.SpanContext.TraceID() != remote.TraceID() {
		t.Errorf("parent = %v, want its ids and harmless tracestate", stub.Parent)
	}
	if len(stub.Events) != 2 || len(stub.Links) != 1 || stub.Status.Code != codes.Error {
		t.Errorf("span lost events, links or status: %+v", stub)
	}
}

func TestNoCanaryLeavesWithALogRecord(t *testing.T) {
	t.Parallel()
	memory := &records{}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(
		sdklog.NewSimpleProcessor(New(Rules{}).Logs(memory))))
	var record log.Record
	record.SetBody(attribute.StringValue("card " + pan))
	record.SetEventName("event " + email)
	record.SetSeverityText(email)
	record.AddAttributes(
		attribute.String("authorization", "tok-canary"),
		attribute.String("text", "token: tok-canary"))
	provider.Logger("test").Emit(t.Context(), record)
	noCanary(t, memory.String())
	if !strings.Contains(memory.String(), "card [card]") {
		t.Errorf("records = %s", memory)
	}
}

func TestNoCanaryLeavesWithSlog(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(*bytes.Buffer) slog.Handler{
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		var out bytes.Buffer
		logger := slog.New(New(Rules{}).Handler(next(&out)))
		logger.With("email", email).WithGroup("g").InfoContext(t.Context(), "paid with "+pan,
			"password", "pw-canary",
			slog.Group("http", "cookie", "s=tok-canary"),
			"err", fmt.Errorf("call: %w", errors.New("Bearer tok-canary")),
			"any", struct{ Mail *string }{new(email)},
			"bytes", []byte(email),
			"lazy", lazy{},
			"n", 4111111111111111)
		noCanary(t, out.String())
		if !strings.Contains(out.String(), "paid with [card]") {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	custom := Rules{Query: []string{"page"}, Patterns: []Pattern{
		{Name: "iban", Match: regexp.MustCompile(`\bDE\d{20}\b`)}}}
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"card 4111-1111-1111-1111.", "card [card]."},
		{"4111111111111111-0", "[card]-0"},
		{"order 7 5500005555555559", "order 7 [card]"},
		{"pan4111111111111111 x", "pan[card] x"},
		{"/pay/4111%201111%201111%201111", "/pay/[card]"},
		{"/u/ada%40canary.example/x", "/u/[email]/x"},
		{"to ada.b+c@canary.example, ok", "to [email], ok"},
		{"Authorization: Bearer abc.def-ghi=", "Authorization: [token]"},
		{"Basic YWRhOnB3", "[token]"},
		{"jwt eyJhbGciOi.eyJzdWIiOi.sig-1", "jwt [token]"},
		{`{"password":"hunter2","a":1}`, `{"password":"REDACTED","a":1}`},
		{"client_secret=abc; next", "client_secret=REDACTED; next"},
		{"GET /a?page=2&q=x y", "GET /a?page=2&q=REDACTED y"},
		{"postgres://u:p@h/db", "postgres://REDACTED@h/db"},
		{"DE12345678901234567890", "[iban]"},
		// What only looks like it.
		{"4111 1111 1111 1112", "4111 1111 1111 1112"},
		{"1767225600000-0", "1767225600000-0"},
		{"4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"},
		{"a4111111111111111", "a4111111111111111"},
		{"100% of basic needs", "100% of basic needs"},
		{"POST /checkouts/{id}", "POST /checkouts/{id}"},
	} {
		if got := New(custom).Text(test.in); got != test.want {
			t.Errorf("Text(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	r := New(Rules{Query: []string{"page", "flag"}})
	for _, test := range []struct{ in, want string }{
		{"http://h/a", "http://h/a"},
		{"http://h/a?page=1&q=2&flag&secretword#top", "http://h/a?page=1&q=REDACTED&flag&REDACTED"},
		{"http://u@h/?", "http://REDACTED@h/?"},
		{"/a?page=ada%40canary.example", "/a?page=[email]"},
	} {
		if got := r.URL(test.in); got != test.want {
			t.Errorf("URL(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestHarmlessAttributesStay(t *testing.T) {
	t.Parallel()
	for _, kv := range []attribute.KeyValue{
		attribute.String("http.route", "/checkouts/{id}"),
		attribute.Int("http.response.status_code", 200),
		attribute.Bool("b", true),
		attribute.Float64("f", 0.5),
		attribute.Int64Slice("ints", []int64{1, 2}),
		attribute.String("gen_ai.usage.output_tokens", "12"),
	} {
		if got := New(Rules{}).Attribute(kv); got != kv {
			t.Errorf("attribute %v became %v", kv, got)
		}
	}
}

func noCanary(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"canary", pan, strings.ReplaceAll(pan, " ", "")} {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%q is in ...%s...", secret, text[max(0, at-80):min(len(text), at+40)])
		}
	}
}

type lazy struct{}

func (lazy) LogValue() slog.Value { return slog.StringValue(email) }

// records is an exporter that writes down what it gets.
type records struct{ strings.Builder }

func (r *records) Export(_ context.Context, records []sdklog.Record) error {
	for _, record := range records {
		fmt.Fprint(r, record.Body(), record.EventName(), record.SeverityText())
		record.WalkAttributes(func(kv attribute.KeyValue) bool {
			fmt.Fprint(r, " ", kv.Key, "=", kv.Value)
			return true
		})
	}
	return nil
}

func (*records) Shutdown(context.Context) error   { return nil }
func (*records) ForceFlush(context.Context) error { return nil }

// One span id in some ten thousand consists of digits that pass for a card number.
func TestTraceparentStays(t *testing.T) {
	t.Parallel()
	r := New(Rules{})
	const header = "00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01"
	if got := r.Text(header); got != header {
		t.Errorf("got %q, want it as it was", got)
	}
	if got, want := r.Text(header+" "), header[:36]+"[card]-01 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A UUID whose first groups happen to be a card number is an instance's id all the same.
func TestUUIDIsNoCard(t *testing.T) {
	t.Parallel()
	r := New(Rules{})
	const id = "39926964-5167-4930-a2ba-dc1e12bdfc82"
	if got := r.Text("instance " + id + " is up"); got != "instance "+id+" is up" {
		t.Errorf("got %q, want it as it was", got)
	}
	for _, card := range []string{
		"3992696451674930", "3992 6964 5167 4930", "3992-6964-5167-4930", "3782 822463 10005",
	} {
		if got := r.Text(card); got != "[card]" {
			t.Errorf("%q: got %q, want [card]", card, got)
		}
	}
}
