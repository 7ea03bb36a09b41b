package fanout

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestFirstErrorCancelsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer, memory := recording()
		start, declined := time.Now(), errors.New("declined")
		err := All(t.Context(), tracer,
			Task{"price tax", func(ctx context.Context) error {
				<-ctx.Done()
				return fmt.Errorf("tax: %w", ctx.Err())
			}},
			Task{"price discount", func(context.Context) error {
				time.Sleep(time.Second)
				return declined
			}})
		if !errors.Is(err, declined) || time.Since(start) != time.Second {
			t.Errorf("error = %v after %v, want %v after 1s", err, time.Since(start), declined)
		}
		spans := byName(memory)
		if got := spans["price discount"].Status; got.Code != codes.Error || got.Description != "" {
			t.Errorf("failed: status = %v, want Error without text", got)
		}
		if got := spans["price tax"]; got.Status.Code != codes.Unset || len(got.Attributes) > 0 {
			t.Errorf("canceled: status = %v, attributes %v, want none", got.Status, got.Attributes)
		}
	})
}

func TestATimeoutOfItsOwnIsAnError(t *testing.T) {
	t.Parallel()
	tracer, memory := recording()
	err := All(t.Context(), tracer, Task{"price tax", func(context.Context) error {
		return context.DeadlineExceeded
	}}, Task{"price discount", func(context.Context) error { return context.Canceled }})
	if err == nil {
		t.Error("no error")
	}
	if got := byName(memory)["price tax"].Status.Code; got != codes.Error {
		t.Errorf("status = %v, want Error", got)
	}
}

func TestSiblingsOverlapAndTheParentTakesTheLongest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer, memory := recording()
		ctx, parent := tracer.Start(t.Context(), "quote")
		if err := All(ctx, tracer, sleep("tax", 3), sleep("discount", 1), sleep("shipping", 2)); err != nil {
			t.Error(err)
		}
		parent.End()
		spans := byName(memory)
		for _, name := range []string{"tax", "discount", "shipping"} {
			span := spans[name]
			if span.Parent.SpanID() != parent.SpanContext().SpanID() {
				t.Errorf("%s: parent = %v, want the quote", name, span.Parent.SpanID())
			}
			if !span.StartTime.Equal(spans["quote"].StartTime) {
				t.Errorf("%s started at %v: one after the other", name, span.StartTime)
			}
			if span.Status.Code != codes.Unset {
				t.Errorf("%s: status = %v, want Unset", name, span.Status)
			}
		}
		if got := spans["quote"].EndTime.Sub(spans["quote"].StartTime); got != 3*time.Second {
			t.Errorf("quote took %v, want 3s, the longest", got)
		}
	})
}

func TestATaskWithoutANameHasNoSpan(t *testing.T) {
	t.Parallel()
	tracer, memory := recording()
	ctx, parent := tracer.Start(t.Context(), "quote")
	err := All(ctx, tracer, Task{Do: func(ctx context.Context) error {
		if got := trace.SpanContextFromContext(ctx); !got.Equal(parent.SpanContext()) {
			t.Errorf("span in ctx = %v, want the caller's", got.SpanID())
		}
		return nil
	}})
	if err != nil || len(memory.GetSpans()) != 0 {
		t.Errorf("error = %v, spans = %v", err, memory.GetSpans())
	}
}

func TestNoTasks(t *testing.T) {
	t.Parallel()
	tracer, _ := recording()
	if err := All(t.Context(), tracer); err != nil {
		t.Error(err)
	}
}

func sleep(name string, seconds time.Duration) Task {
	return Task{name, func(context.Context) error {
		time.Sleep(seconds * time.Second)
		return nil
	}}
}

func recording() (trace.Tracer, *tracetest.InMemoryExporter) {
	memory := tracetest.NewInMemoryExporter()
	return sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory)).Tracer("test"), memory
}

func byName(memory *tracetest.InMemoryExporter) map[string]tracetest.SpanStub {
	spans := map[string]tracetest.SpanStub{}
	for _, span := range memory.GetSpans() {
		spans[span.Name] = span
	}
	return spans
}
