package jobroot

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestCanceledMidwayLeavesNoOrphans(t *testing.T) {
	t.Parallel()
	exported := &kept{}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exported))
	tracer := tp.Tracer("test")
	ctx, sigterm := context.WithCancel(t.Context())
	err := Run(ctx, tracer, "settle payments", func(ctx context.Context) error {
		for i := range 10 {
			if err := step(ctx, tracer, func() {
				if i == 3 {
					sigterm()
				}
			}); err != nil {
				return fmt.Errorf("settle: %w", err)
			}
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	if err := Flush(ctx, time.Minute, tp.Shutdown); err != nil {
		t.Error("flush:", err)
	}
	ids := map[trace.SpanID]bool{{}: true}
	for _, span := range exported.spans {
		ids[span.SpanContext.SpanID()] = true
	}
	roots := 0
	for _, span := range exported.spans {
		if !ids[span.Parent.SpanID()] {
			t.Errorf("%q is an orphan", span.Name)
		}
		if !span.Parent.IsValid() {
			roots++
			if span.Status.Code != codes.Error || errorTypeOf(span) != Canceled {
				t.Errorf("root: status %v, error.type %q", span.Status, errorTypeOf(span))
			}
		}
	}
	if len(exported.spans) != 6 || roots != 1 { // the root, 4 steps and the one that gave up
		t.Errorf("%d spans with %d roots, want 6 with 1", len(exported.spans), roots)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	canceled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"success":                     {t.Context(), nil, ""},
		"success in spite of SIGTERM": {canceled, nil, ""},
		"error":                       {t.Context(), &declined{}, "card_declined"},
		"own error after SIGTERM":     {canceled, &declined{}, "card_declined"},
		"canceled":                    {canceled, fmt.Errorf("a: %w", context.Canceled), Canceled},
		"deadline":                    {late, context.DeadlineExceeded, Timeout},
	} {
		exported := &kept{}
		tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
		err := Run(test.ctx, tp.Tracer("test"), "job", func(context.Context) error { return test.err })
		if !errors.Is(err, test.err) {
			t.Errorf("%s: error = %v, want %v", name, err, test.err)
		}
		span := exported.spans[0]
		want := codes.Unset
		if test.want != "" {
			want = codes.Error
		}
		if span.Status.Code != want || span.Status.Description != "" {
			t.Errorf("%s: status = %v, want %v without text", name, span.Status, want)
		}
		if got := errorTypeOf(span); got != test.want {
			t.Errorf("%s: error.type = %q, want %q", name, got, test.want)
		}
	}
}

func TestTheSpanEndsWhateverTheWorkDoes(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(context.Context) error{
		"panic":  func(context.Context) error { panic("boom") },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		exported := &kept{}
		tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			_ = Run(t.Context(), tp.Tracer("test"), "job", work)
		}()
		if got := <-done; name == "panic" && got != "boom" {
			t.Errorf("recovered %v, want boom", got)
		}
		if len(exported.spans) != 1 || errorTypeOf(exported.spans[0]) != Panic {
			t.Errorf("%s: spans = %v", name, exported.spans)
		}
	}
}

func TestFlushHasItsOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, sigterm := context.WithCancel(t.Context())
		sigterm()
		start, called := time.Now(), false
		first := errors.New("first")
		err := Flush(ctx, time.Second,
			func(context.Context) error { return first },
			func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			func(context.Context) error { called = true; return nil })
		if !errors.Is(err, first) || !errors.Is(err, context.DeadlineExceeded) || !called {
			t.Errorf("error = %v, last called %t", err, called)
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("took %v, want 1s", got)
		}
	})
}

func TestContinuesARemoteParent(t *testing.T) {
	t.Parallel()
	exported := &kept{}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
	parent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), parent)
	if err := Run(ctx, tp.Tracer("test"), "job", func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := exported.spans[0].Parent; !got.Equal(parent.WithRemote(true)) {
		t.Errorf("parent = %v, want the remote one", got.SpanID())
	}
}

func step(ctx context.Context, tracer trace.Tracer, work func()) error {
	ctx, span := tracer.Start(ctx, "settle payment")
	defer span.End()
	if err := ctx.Err(); err != nil {
		return err
	}
	work()
	return nil
}

func errorTypeOf(span tracetest.SpanStub) string {
	for _, kv := range span.Attributes {
		if kv.Key == "error.type" {
			return kv.Value.AsString()
		}
	}
	return ""
}

// declined is an error that names its own type, as semconv.ErrorType allows.
type declined struct{}

func (*declined) Error() string     { return "card 4242 declined" }
func (*declined) ErrorType() string { return "card_declined" }

// kept is an exporter that keeps what it got after its shutdown.
type kept struct{ spans tracetest.SpanStubs }

func (k *kept) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.spans = append(k.spans, tracetest.SpanStubsFromReadOnlySpans(spans)...)
	return ctx.Err()
}

func (*kept) Shutdown(context.Context) error { return nil }
