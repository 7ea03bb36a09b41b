package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/throughline/internal/stream"
)

// measured reads the gauges of c, the lag rounded down to hours.
func measured(t *testing.T, reader *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	// Cleanups measure too, when the context of the test is done.
	if err := reader.Collect(context.WithoutCancel(t.Context()), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				got[m.Name] = data.DataPoints[0].Value
			case metricdata.Gauge[float64]:
				got[m.Name] = int64(data.DataPoints[0].Value) / 3600
			}
		}
	}
	return got
}

// signalling tells when the callback is registered.
type signalling struct {
	metric.Meter
	registered chan struct{}
}

func (s signalling) RegisterCallback(
	f metric.Callback, instruments ...metric.Observable,
) (metric.Registration, error) {
	defer close(s.registered)
	return s.Meter.RegisterCallback(f, instruments...)
}

func measure(t *testing.T, c *stream.Consumer) *sdkmetric.ManualReader {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	registered := make(chan struct{})
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Measure(ctx, signalling{mp.Meter("test"), registered}, "orders") }()
	<-registered
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := measured(t, reader); len(got) != 0 {
			t.Errorf("measured %v after the end, want nothing", got)
		}
	})
	return reader
}

func TestAGroupIsMeasured(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	reader := measure(t, c)
	if got := measured(t, reader); len(got) != 0 {
		t.Errorf("measured %v of a group that is not there, want nothing", got)
	}
	check := func(what string, lag, pending, dead int64) {
		t.Helper()
		want := map[string]int64{"shop.stream.lag": lag, "shop.stream.pending": pending,
			"shop.stream.dead_letters": dead}
		if diff := cmp.Diff(want, measured(t, reader)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if _, err := c.Batch(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("nothing to do", 0, 0, 0)

	for hours := 5; hours >= 2; hours-- {
		err := c.Redis.XAdd(t.Context(), &redis.XAddArgs{Stream: c.Stream,
			ID:     fmt.Sprintf("%d-0", time.Now().Add(-time.Duration(hours)*time.Hour).UnixMilli()),
			Values: []string{"v", "a"}}).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	check("four that nobody has read", 5, 0, 0)
	c.Count = 2
	given, err := c.Batch(t.Context())
	if err != nil || len(given) != 2 {
		t.Fatalf("%d deliveries, %v, want 2", len(given), err)
	}
	check("two in hand", 5, 2, 0)
	if err := c.Ack(t.Context(), given[0]); err != nil {
		t.Fatal(err)
	}
	check("the oldest done", 4, 1, 0)
	if err := c.Bury(t.Context(), given[1], "hopeless"); err != nil {
		t.Fatal(err)
	}
	check("the other given up", 3, 0, 1)
}

// Metrics of everything else are flushed while Redis is away.
func TestWithoutRedisNothingIsMeasured(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	c.MaxDeliveries = 0
	reader := measure(t, c)
	if _, err := c.Batch(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"shop.stream.lag": 0, "shop.stream.pending": 0}
	if diff := cmp.Diff(want, measured(t, reader)); diff != "" {
		t.Errorf("a group that buries nothing (-want +got):\n%s", diff)
	}
	if err := c.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	if got := measured(t, reader); len(got) != 0 {
		t.Errorf("measured %v without Redis, want nothing", got)
	}
}

// Redis goes away between two questions.
func TestRedisGoesAwayWhileItIsMeasured(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	reader := measure(t, c)
	add(t, c, "a")
	if given, err := c.Batch(t.Context()); err != nil || len(given) != 1 {
		t.Fatalf("%d deliveries, %v, want 1", len(given), err)
	}
	c.Redis.AddHook(refusing("xpending"))
	if got := measured(t, reader); len(got) != 0 {
		t.Errorf("measured %v, want nothing", got)
	}
}

// refusing is the name of a command that fails.
type refusing string

func (refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r refusing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == string(r) {
			cmd.SetErr(errors.New("connection reset"))
			return cmd.Err()
		}
		return next(ctx, cmd)
	}
}

func (refusing) ProcessPipelineHook(
	next redis.ProcessPipelineHook,
) redis.ProcessPipelineHook {
	return next
}
