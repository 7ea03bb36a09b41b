package sweep

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const name = "expire checkouts"

func TestAFailedFindIsOneSpanAndTouchesNothing(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	err := Sweeper{Tracer: tracer}.RunOnce(t.Context(), name,
		func(context.Context) ([]Item, error) { return nil, &down{} },
		func(context.Context, Item) error { return errors.New("touched") })
	if _, ok := errors.AsType[*down](err); !ok {
		t.Errorf("error = %v, want find's", err)
	}
	if got := len(spans.Ended()); got != 1 {
		t.Fatalf("%d spans, want 1", got)
	}
	checkFailed(t, spans.Ended()[0])
}

func TestOneFailureDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	var touched []string
	err := Sweeper{Tracer: tracer}.RunOnce(t.Context(), name, found("a", "b", "c"),
		func(_ context.Context, item Item) error {
			touched = append(touched, item.ID)
			if item.ID == "b" {
				return &down{}
			}
			return nil
		})
	if diff := cmp.Diff([]string{"a", "b", "c"}, touched); diff != "" {
		t.Errorf("touched (-want +got):\n%s", diff)
	}
	if err == nil || err.Error() != `expire checkouts: "b": store is down` {
		t.Errorf("error = %v, want b's", err)
	}
	checkFailed(t, spans.Ended()[0])
}

func TestACancelledRunBeginsNoMoreItems(t *testing.T) {
	t.Parallel()
	tracer, _ := exampleTracer()
	ctx, cancel := context.WithCancel(t.Context())
	touched := 0
	err := Sweeper{Tracer: tracer}.RunOnce(ctx, name, found("a", "b", "c"),
		func(context.Context, Item) error {
			touched++
			cancel()
			return nil
		})
	if touched != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d touched, error %v, want 1 and %v", touched, err, context.Canceled)
	}
}

func TestRunRefusesNoInterval(t *testing.T) {
	t.Parallel()
	err := Sweeper{}.Run(t.Context(), name, found(), nil)
	if err == nil {
		t.Error("no error")
	}
}

func TestARunIsARootLinkedToEveryWorkflow(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	ctx, outer := tracer.Start(t.Context(), "outer")
	err := Sweeper{Tracer: tracer}.RunOnce(ctx, name,
		func(ctx context.Context) ([]Item, error) {
			if trace.SpanContextFromContext(ctx).IsValid() {
				t.Error("find runs inside a span")
			}
			return []Item{{ID: "a", Context: spanContext(8)}, {ID: "no context"},
				{ID: "b", Context: spanContext(9)}}, nil
		},
		func(ctx context.Context, _ Item) error {
			_, span := tracer.Start(ctx, "expire checkout")
			span.End()
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	run := spans.Ended()[3]
	if run.Name() != name || run.SpanKind() != trace.SpanKindInternal || run.Parent().IsValid() ||
		run.SpanContext().TraceID() == outer.SpanContext().TraceID() {
		t.Errorf("run = %s %q with parent %v, want a root", run.SpanKind(), run.Name(), run.Parent())
	}
	for _, item := range spans.Ended()[:3] {
		if item.Parent().SpanID() != run.SpanContext().SpanID() {
			t.Errorf("item's parent = %v, want the run", item.Parent())
		}
	}
	if got := run.Status().Code; got != codes.Unset {
		t.Errorf("status = %v, want unset", got)
	}
	want := []sdktrace.Link{link(8, "a"), link(9, "b")}
	if diff := cmp.Diff(want, run.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestLinksAreThereForTheSampler(t *testing.T) {
	t.Parallel()
	links := 0
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(samplerFunc(
		func(p sdktrace.SamplingParameters) { links = len(p.Links) })))
	err := Sweeper{Tracer: tp.Tracer("test")}.RunOnce(t.Context(), name, found("a", "b"),
		func(context.Context, Item) error { return nil })
	if err != nil || links != 2 {
		t.Errorf("sampler saw %d links (error %v), want 2", links, err)
	}
}

func TestNoSpanIsOpenBetweenRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer, spans := exampleTracer()
		ctx, cancel := context.WithCancel(t.Context())
		failures, done := 0, make(chan error)
		sweeper := Sweeper{Tracer: tracer, Every: time.Minute,
			Failed: func(context.Context, error) { failures++ }}
		start := time.Now()
		go func() {
			done <- sweeper.Run(ctx, name,
				func(context.Context) ([]Item, error) {
					time.Sleep(2 * time.Second) // the search counts as part of the run
					if time.Since(start) > 2*time.Minute {
						return nil, &down{}
					}
					return nil, nil
				}, nil)
		}()
		for runs := range 4 {
			time.Sleep(time.Until(start.Add(time.Duration(runs)*time.Minute + 30*time.Second)))
			synctest.Wait()
			if len(spans.Started()) != runs || len(spans.Ended()) != runs {
				t.Errorf("after %d runs: %d spans started, %d ended", runs,
					len(spans.Started()), len(spans.Ended()))
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if failures != 2 {
			t.Errorf("%d failed runs, want 2", failures)
		}
		first := spans.Ended()[0]
		if got := first.EndTime().Sub(first.StartTime()); got != 2*time.Second {
			t.Errorf("run took %v, want 2s", got)
		}
	})
}

func found(ids ...string) func(context.Context) ([]Item, error) {
	var items []Item
	for i, id := range ids {
		items = append(items, Item{ID: id, Context: spanContext(byte(i + 1))})
	}
	return func(context.Context) ([]Item, error) { return items, nil }
}

func link(n byte, id string) sdktrace.Link {
	return sdktrace.Link{SpanContext: spanContext(n), Attributes: []attribute.KeyValue{
		attribute.String("shop.link.type", "batch_item"), attribute.String("shop.workflow.id", id),
	}}
}

func spanContext(n byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{n}, SpanID: trace.SpanID{n}, TraceFlags: trace.FlagsSampled,
	})
}

func checkFailed(t *testing.T, span sdktrace.ReadOnlySpan) {
	t.Helper()
	if got := span.Status(); got.Code != codes.Error || got.Description != "" {
		t.Errorf("status = %+v, want Error without the error's text", got)
	}
	for _, kv := range span.Attributes() {
		if kv.Key == "error.type" && kv.Value.AsString() == "store_down" {
			return
		}
	}
	t.Errorf("attributes = %v, want error.type", span.Attributes())
}

// down is an error that names its own type, as semconv.ErrorType allows.
type down struct{}

func (*down) Error() string     { return "store is down" }
func (*down) ErrorType() string { return "store_down" }

type samplerFunc func(sdktrace.SamplingParameters)

func (f samplerFunc) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	f(p)
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (samplerFunc) Description() string { return "test" }
