package spanerror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestAFailureIsOnEverySpanAndInTheLogOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tracer, spans := recording()
	logger := slog.New(withSpan{slog.NewTextHandler(&out, nil)})
	serve := func() (err error) {
		ctx, span := tracer.Start(t.Context(), "confirm order")
		defer EndAndLog(ctx, span, logger, "order not confirmed", &err, classify)
		return charge(ctx, tracer, &declined{})
	}
	if err := serve(); err != nil {
		t.Errorf("error = %v, was logged and returned", err)
	}
	for _, span := range spans.Ended() {
		checkSpan(t, span, "card_declined")
	}
	if len(spans.Ended()) != 2 {
		t.Errorf("%d spans ended, want 2", len(spans.Ended()))
	}
	root := spans.Ended()[1].SpanContext().SpanID().String()
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("%d records, want 1:\n%s", got, out.String())
	}
	for _, want := range []string{"level=ERROR", `msg="order not confirmed"`,
		`error="charge payment: card 4242 declined"`, "error.type=card_declined", "span_id=" + root} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("record %q, want %s", out.String(), want)
		}
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err      error
		classify Classify
		want     string
	}{
		"success":        {nil, classify, ""},
		"no failure":     {fmt.Errorf("a: %w", errNotFound), classify, ""},
		"classified":     {&declined{}, classify, "card_declined"},
		"says it itself": {&declined{}, nil, "card_declined"},
		"by its Go type": {errNotFound, nil, "*errors.errorString"},
		"anything else":  {errors.New("4242"), classify, "other"},
	} {
		tracer, spans := recording()
		_, span := tracer.Start(t.Context(), "work")
		err := test.err
		End(span, &err, test.classify)
		if !errors.Is(err, test.err) {
			t.Errorf("%s: error became %v", name, err)
		}
		if len(spans.Ended()) != 1 {
			t.Fatalf("%s: span has not ended", name)
		}
		checkSpan(t, spans.Ended()[0], test.want)
	}
}

func TestEndAndLogOfNoFailure(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{"": nil, "level=INFO": errNotFound} {
		var out bytes.Buffer
		tracer, spans := recording()
		ctx, span := tracer.Start(t.Context(), "work")
		EndAndLog(ctx, span, slog.New(slog.NewTextHandler(&out, nil)), "m", &err, classify)
		if err != nil || (out.Len() > 0) != (want != "") || !strings.Contains(out.String(), want) ||
			strings.Contains(out.String(), "error.type") {
			t.Errorf("error %v, record %q, want %q", err, out.String(), want)
		}
		checkSpan(t, spans.Ended()[0], "")
	}
}

func TestTheSpanEndsEvenIfTheClassificationPanics(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	func() {
		defer func() { _ = recover() }()
		_, span := tracer.Start(t.Context(), "work")
		err := errNotFound
		End(span, &err, func(error) string { panic("boom") })
	}()
	if len(spans.Ended()) != 1 {
		t.Error("span has not ended")
	}
}

var errNotFound = errors.New("no such order")

// declined is an error that names its own type, as semconv.ErrorType allows.
type declined struct{}

func (*declined) Error() string     { return "card 4242 declined" }
func (*declined) ErrorType() string { return "card_declined" }

func classify(err error) string {
	var refusal *declined
	switch {
	case errors.Is(err, errNotFound):
		return ""
	case errors.As(err, &refusal):
		return "card_declined"
	default:
		return "other"
	}
}

func charge(ctx context.Context, tracer trace.Tracer, outcome error) (err error) {
	_, span := tracer.Start(ctx, "charge payment")
	defer End(span, &err, classify)
	return fmt.Errorf("charge payment: %w", outcome)
}

// withSpan adds the span's id, as a log handler of a traced service does.
type withSpan struct{ slog.Handler }

func (h withSpan) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.String("span_id", trace.SpanContextFromContext(ctx).SpanID().String()))
	return h.Handler.Handle(ctx, r)
}

func recording() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"), spans
}

func checkSpan(t *testing.T, span sdktrace.ReadOnlySpan, want string) {
	t.Helper()
	code := codes.Unset
	if want != "" {
		code = codes.Error
	}
	if got := span.Status(); got.Code != code || got.Description != "" {
		t.Errorf("%s: status = %v, want %v without text", span.Name(), got, code)
	}
	got := ""
	for _, kv := range span.Attributes() {
		if kv.Key == "error.type" {
			got = kv.Value.AsString()
		}
	}
	if got != want || len(span.Events()) != 0 {
		t.Errorf("%s: error.type = %q, events %v, want %q and none", span.Name(), got, span.Events(), want)
	}
}
