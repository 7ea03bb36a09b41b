package underroot

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const (
	caller  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	root    = "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000aa-00"
	foreign = "00-0af7651916cd43dd8448eb211c80319c-00000000000000aa-01"
)

func TestWithoutARootItIsAnOrdinaryChild(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"no header":     "",
		"garbage":       "x",
		"another trace": foreign,
		"zero span id":  root[:36] + "0000000000000000-01",
		"itself":        caller,
	} {
		ctx := both().Extract(t.Context(), propagation.MapCarrier{
			"traceparent": caller, Header: header})
		span := started(ctx)
		if got := span.Parent().SpanID().String(); got != "00f067aa0ba902b7" {
			t.Errorf("%s: parent = %s, want the caller", name, got)
		}
		if len(span.Links()) != 0 {
			t.Errorf("%s: links = %v, want none", name, span.Links())
		}
	}
}

func TestARootAloneIsNothing(t *testing.T) {
	t.Parallel()
	ctx := both().Extract(t.Context(), propagation.MapCarrier{Header: root})
	if span := started(ctx); span.Parent().IsValid() || len(span.Links()) != 0 {
		t.Errorf("parent = %v, links = %v, want none", span.Parent(), span.Links())
	}
	out := propagation.MapCarrier{}
	both().Inject(ctx, out)
	if len(out) != 0 {
		t.Errorf("sent on: %v", out)
	}
}

func TestARootDoesNotOutliveItsTrace(t *testing.T) {
	t.Parallel()
	ctx := both().Extract(t.Context(), propagation.MapCarrier{"traceparent": caller, Header: root})
	tp := sdktrace.NewTracerProvider()
	ctx, _ = tp.Tracer("test").Start(ctx, "another trace", trace.WithNewRoot())
	if got := Root(ctx); got.IsValid() {
		t.Errorf("root = %v, want none", got.SpanID())
	}
}

func TestParentIsTheRootAndTheLinkTheCaller(t *testing.T) {
	t.Parallel()
	ctx := both().Extract(t.Context(), propagation.MapCarrier{
		"traceparent": caller, "tracestate": "a=1", Header: root})
	span := started(ctx)
	if got := span.Parent(); got.SpanID().String() != "00000000000000aa" || !got.IsRemote() {
		t.Errorf("parent = %v, remote %t, want the root, remote", got.SpanID(), got.IsRemote())
	}
	if sc := span.SpanContext(); !sc.IsSampled() || sc.TraceState().String() != "a=1" {
		t.Errorf("flags %s, tracestate %q, want the caller's", sc.TraceFlags(), sc.TraceState())
	}
	want := []sdktrace.Link{{
		SpanContext: trace.SpanContextFromContext(ctx),
		Attributes:  []attribute.KeyValue{attribute.String("shop.link.type", "caller")},
	}}
	if diff := cmp.Diff(want, span.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestTheRootTravelsOn(t *testing.T) {
	t.Parallel()
	ctx := both().Extract(t.Context(), propagation.MapCarrier{"traceparent": caller, Header: root})
	tp := sdktrace.NewTracerProvider()
	ctx, span := tp.Tracer("test").Start(ctx, "next hop")
	out := propagation.MapCarrier{}
	both().Inject(ctx, out)
	want := propagation.MapCarrier{
		"traceparent": caller[:36] + span.SpanContext().SpanID().String() + "-01",
		Header:        root[:53] + "01", // flags are the trace's
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestCallersOptionsAreNotOverwritten(t *testing.T) {
	t.Parallel()
	ctx := both().Extract(t.Context(), propagation.MapCarrier{"traceparent": caller, Header: root})
	options := make([]trace.SpanStartOption, 0, 2)
	_, span := Start(ctx, sdktrace.NewTracerProvider().Tracer("test"), "work", options...)
	span.End()
	if options[:1][0] != nil {
		t.Error("the caller's slice was written to")
	}
}

func both() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, Propagator{})
}

func started(ctx context.Context) sdktrace.ReadOnlySpan {
	spans := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	_, span := Start(ctx, tp.Tracer("test"), "work")
	span.End()
	return spans.Ended()[0]
}
