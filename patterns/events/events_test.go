package events

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func miss() Moment {
	return Moment{Name: "shop.cache.miss", Time: time.Unix(1767225600, 0),
		Attributes: []attribute.KeyValue{attribute.String("shop.cache.name", "prices")}}
}

func TestASpanThatHasEndedKeepsItsEvents(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	_, span := tracer.Start(t.Context(), "price order")
	span.End()
	miss().AddTo(span)
	if got := spans.Ended()[0].Events(); len(got) != 0 {
		t.Errorf("events = %v, want none", got)
	}
}

func TestAddToIsOnTheRightSpan(t *testing.T) {
	t.Parallel()
	tracer, spans := recording()
	ctx, outer := tracer.Start(t.Context(), "quote order")
	inner, child := tracer.Start(ctx, "price order")
	miss().AddTo(trace.SpanFromContext(inner))
	child.End()
	outer.End()
	if got := spans.Ended()[1].Events(); len(got) != 0 {
		t.Errorf("events of the parent = %v, want none", got)
	}
	events := spans.Ended()[0].Events()
	if len(events) != 1 || events[0].Name != "shop.cache.miss" ||
		!events[0].Time.Equal(miss().Time) || !slices.Equal(events[0].Attributes, miss().Attributes) {
		t.Errorf("events = %+v", events)
	}
}

func TestEmitIsOfTheSpanInContext(t *testing.T) {
	t.Parallel()
	tracer, _ := recording()
	logger, records := logging()
	ctx, span := tracer.Start(t.Context(), "price order")
	miss().Emit(ctx, logger)
	record := records.all[0]
	if record.EventName() != "shop.cache.miss" || !record.Timestamp().Equal(miss().Time) ||
		record.Severity() != log.SeverityInfo || record.Body() != (attribute.Value{}) {
		t.Errorf("record = %+v", record)
	}
	sc := span.SpanContext()
	if record.TraceID() != sc.TraceID() || record.SpanID() != sc.SpanID() {
		t.Errorf("record of span %s, want %s", record.SpanID(), sc.SpanID())
	}
	record.WalkAttributes(func(kv attribute.KeyValue) bool {
		if kv != miss().Attributes[0] {
			t.Errorf("attribute %v", kv)
		}
		return true
	})
}

func TestEmitWithoutASpan(t *testing.T) {
	t.Parallel()
	logger, records := logging()
	before := time.Now()
	Moment{Name: "shop.price.overridden"}.Emit(t.Context(), logger)
	record := records.all[0]
	if record.TraceID().IsValid() || record.Timestamp().Before(before) {
		t.Errorf("trace id %s, time %v", record.TraceID(), record.Timestamp())
	}
}

func TestEmitStaysWhereTheSpanIsNotSampled(t *testing.T) {
	t.Parallel()
	logger, records := logging()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	ctx, span := tp.Tracer("test").Start(t.Context(), "price order")
	miss().AddTo(span)
	miss().Emit(ctx, logger)
	span.End()
	if got := records.all[0]; got.SpanID() != span.SpanContext().SpanID() || got.TraceFlags() != 0 {
		t.Errorf("span id %s, flags %s", got.SpanID(), got.TraceFlags())
	}
}

func recording() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"), spans
}

func logging() (log.Logger, *records) {
	kept := &records{}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(kept)))
	return provider.Logger("test"), kept
}

// records is an exporter that keeps what it gets.
type records struct{ all []sdklog.Record }

func (r *records) Export(_ context.Context, in []sdklog.Record) error {
	for _, record := range in {
		r.all = append(r.all, record.Clone())
	}
	return nil
}

func (*records) Shutdown(context.Context) error   { return nil }
func (*records) ForceFlush(context.Context) error { return nil }
