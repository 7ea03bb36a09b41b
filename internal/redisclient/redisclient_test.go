package redisclient_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T) (*redis.Client, *telemetrytest.Recorder, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	tel := telemetrytest.New(t)
	return open(t, tel, server.Addr()), tel, server
}

func open(t *testing.T, tel *telemetrytest.Recorder, addr string) *redis.Client {
	t.Helper()
	client := redisclient.New(tel.Telemetry, addr)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// within runs do inside a local recording span.
func within(t *testing.T, tel *telemetrytest.Recorder, do func(context.Context)) {
	t.Helper()
	ctx, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "work")
	defer span.End()
	do(ctx)
}

func TestAStoppedRedisFailsWithinASecond(t *testing.T) {
	t.Parallel()
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		client, _, server := connect(t)
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		server.Close()
		failsFast(t, client)
	})
	t.Run("a socket that accepts and hangs", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		failsFast(t, open(t, telemetrytest.New(t), l.Addr().String()))
	})
}

func TestNothingIsTriedTwice(t *testing.T) {
	t.Parallel()
	client, _, _ := connect(t)
	if o := client.Options(); o.MaxRetries != 0 || o.DialerRetries != 1 {
		t.Errorf("%d retries and %d dials, want none and one", o.MaxRetries, o.DialerRetries)
	}
}

func failsFast(t *testing.T, client *redis.Client) {
	t.Helper()
	start := time.Now()
	if err := client.Get(t.Context(), "k").Err(); err == nil {
		t.Error("GET worked without a Redis")
	}
	// It takes 0.95 s at most; patience_test.go has that on a clock of its own. A busy machine
	// may take longer to notice.
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the error took %v, want about a second", took)
	}
}

func TestRecoveryNeedsNoRestart(t *testing.T) {
	t.Parallel()
	client, _, server := connect(t)
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Close()
	failsFast(t, client)
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Get(t.Context(), "k").Result(); err != nil || got != "v" {
		t.Errorf("GET after the restart = %q, %v, want v", got, err)
	}
}

func TestNoSpanWithoutALocalRecordingParent(t *testing.T) {
	t.Parallel()
	client, tel, _ := connect(t)
	config := trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled}
	remote := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(config))
	config.TraceFlags = 0
	unsampled, span := tel.TracerProvider.Tracer("test").Start(
		trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(config)), "unsampled")
	defer span.End()
	for name, ctx := range map[string]context.Context{
		"no span": t.Context(), "remote": remote, "not recording": unsampled,
	} {
		client.Set(ctx, "k", "v", 0)
		_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, "k")
			return nil
		})
		if got := tel.Spans(); len(got) != 0 {
			t.Errorf("%s: spans %v, want none", name, got)
		}
	}
}

func TestACommandIsOneClientSpanWithoutKeysAndValues(t *testing.T) {
	t.Parallel()
	client, tel, server := connect(t)
	// The first command: go-redis runs HELLO under its context, which must not show.
	within(t, tel, func(ctx context.Context) {
		client.HSet(ctx, "canary-key", "canary-field", "canary-value")
	})
	if got := tel.Spans(); len(got) != 2 {
		t.Fatalf("%d spans, want the command's and its parent", len(got))
	}
	span := tel.Span("HSET")
	if span.SpanKind != trace.SpanKindClient || span.Status.Code != codes.Unset {
		t.Errorf("kind %v, status %v, want client, unset", span.SpanKind, span.Status.Code)
	}
	if want := tel.Span("work").SpanContext.SpanID(); span.Parent.SpanID() != want {
		t.Errorf("parent = %v, want %v", span.Parent.SpanID(), want)
	}
	if diff := cmp.Diff(map[string]string{
		"db.system.name": "redis", "db.operation.name": "HSET", "db.namespace": "0",
		"server.address": "127.0.0.1", "server.port": server.Port(),
	}, telemetrytest.Attributes(span)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	client, tel, server := connect(t)
	within(t, tel, func(ctx context.Context) {
		client.Get(ctx, "missing")
		client.Set(ctx, "text", "canary", 0)
		client.LPush(ctx, "text", "x")
		server.SetError("LOADING canary")
		client.Incr(ctx, "n")
		server.SetError("")
	})
	if got := tel.Span("GET"); got.Status.Code != codes.Unset {
		t.Errorf("a nil reply has status %v, want unset", got.Status.Code)
	}
	for name, prefix := range map[string]string{"LPUSH": "WRONGTYPE", "INCR": "LOADING"} {
		span := tel.Span(name)
		attrs := telemetrytest.Attributes(span)
		if span.Status.Code != codes.Error || attrs["error.type"] != prefix ||
			attrs["db.response.status_code"] != prefix {
			t.Errorf("%s: status %v, attributes %v, want Error and %s",
				name, span.Status, attrs, prefix)
		}
		if strings.Contains(span.Status.Description, "canary") {
			t.Errorf("%s: status says %q", name, span.Status.Description)
		}
	}
	server.Close()
	within(t, tel, func(ctx context.Context) { client.Del(ctx, "text") })
	if attrs := telemetrytest.Attributes(tel.Span("DEL")); attrs["error.type"] == "" ||
		attrs["db.response.status_code"] != "" {
		t.Errorf("connection refused: attributes %v, want an error.type of ours", attrs)
	}
}

func TestPipelinesAndTransactions(t *testing.T) {
	t.Parallel()
	client, tel, _ := connect(t)
	within(t, tel, func(ctx context.Context) {
		run := func(f func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error),
			names ...string) {
			_, _ = f(ctx, func(p redis.Pipeliner) error {
				for _, name := range names {
					p.Do(ctx, name, "k", "1")
				}
				return nil
			})
		}
		run(client.Pipelined, "set", "set", "set")
		run(client.Pipelined, "set", "getset")
		run(client.TxPipelined, "set", "getset", "set")
		run(client.TxPipelined, "set")
	})
	for name, size := range map[string]string{
		"PIPELINE SET": "3", "PIPELINE": "2", "MULTI": "3", "MULTI SET": "",
	} {
		attrs := telemetrytest.Attributes(tel.Span(name))
		if attrs["db.operation.name"] != name || attrs["db.operation.batch.size"] != size {
			t.Errorf("%s: attributes %v, want batch size %q", name, attrs, size)
		}
	}
}

func TestAChangedWatchedKeyIsNoError(t *testing.T) {
	t.Parallel()
	client, tel, _ := connect(t)
	within(t, tel, func(ctx context.Context) {
		err := client.Watch(ctx, func(tx *redis.Tx) error {
			client.Set(context.Background(), "k", "theirs", 0)
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "k", "ours", 0)
				return nil
			})
			return err
		}, "k")
		if !errors.Is(err, redis.TxFailedErr) {
			t.Errorf("Watch = %v, want %v", err, redis.TxFailedErr)
		}
	})
	if got := tel.Span("MULTI SET"); got.Status.Code != codes.Unset {
		t.Errorf("status = %v, want unset", got.Status)
	}
}

func TestBlockingReadsHaveNoSpan(t *testing.T) {
	t.Parallel()
	client, tel, _ := connect(t)
	within(t, tel, func(ctx context.Context) {
		client.XGroupCreateMkStream(ctx, "s", "g", "$")
		client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: "g", Consumer: "c", Streams: []string{"s", ">"}, Block: time.Millisecond})
		client.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: time.Millisecond})
	})
	if got := tel.Spans(); len(got) != 2 {
		t.Errorf("spans %v, want XGROUP and its parent only", got)
	}
}

func TestOperationsAreMeasured(t *testing.T) {
	t.Parallel()
	client, tel, _ := connect(t)
	client.Set(t.Context(), "k", "v", 0)
	var rm metricdata.ResourceMetrics
	if err := tel.Metrics.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			if m.Name == "db.client.operation.duration" {
				if h := m.Data.(metricdata.Histogram[float64]); h.DataPoints[0].Count != 1 {
					t.Errorf("count = %d, want 1", h.DataPoints[0].Count)
				}
				return
			}
		}
	}
	t.Error("no db.client.operation.duration")
}
