package stream_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/stream"
)

func consumer(t *testing.T) stream.Consumer {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return stream.Consumer{
		Client: client, Key: "s", Group: "g", Name: "c-1", Logger: slog.New(slog.DiscardHandler),
	}
}

func add(t *testing.T, c stream.Consumer, values ...string) {
	t.Helper()
	for _, v := range values {
		err := c.Client.XAdd(t.Context(), &redis.XAddArgs{Stream: c.Key, Values: []string{"v", v}}).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run consumes in the background until the test ends.
func run(
	t *testing.T, c stream.Consumer, handle func(context.Context, redis.XMessage) error,
) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, handle) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return stop
}

func idle(t *testing.T, c stream.Consumer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Idle(ctx); err != nil {
		t.Fatal(err)
	}
}

// A message that fails comes again before the next, and nothing is idle until it is done.
func TestFailedMessageComesAgainInOrder(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	add(t, c, "a", "b")
	var seen []string
	stop := run(t, c, func(ctx context.Context, msg redis.XMessage) error {
		seen = append(seen, msg.Values["v"].(string))
		if len(seen) < 3 {
			return errors.New("not now")
		}
		return c.Ack(ctx, msg)
	})
	idle(t, c)
	stop()
	if diff := cmp.Diff([]string{"a", "a", "a", "b"}, seen); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

// What a consumer was given and did not acknowledge is the first that it gets after a restart.
func TestPendingMessagesComeFirstAfterARestart(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	add(t, c, "a")
	given, err := c.Batch(t.Context(), 10)
	if err != nil || len(given) != 1 {
		t.Fatalf("Batch: %d messages, %v, want 1", len(given), err)
	}
	add(t, c, "b")
	var seen []string
	stop := run(t, c, func(ctx context.Context, msg redis.XMessage) error {
		seen = append(seen, msg.Values["v"].(string))
		return c.Ack(ctx, msg)
	})
	idle(t, c)
	stop()
	if diff := cmp.Diff([]string{"a", "b"}, seen); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

func TestIdleGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	add(t, c, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Idle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error: nobody reads", err)
	}
	if batch, err := c.Batch(t.Context(), 10); err != nil || len(batch) != 1 {
		t.Errorf("Batch: %d messages, %v, want 1", len(batch), err)
	}
	if batch, err := c.Batch(t.Context(), 10); err != nil || len(batch) != 0 {
		t.Errorf("second Batch: %d messages, %v, want none", len(batch), err)
	}
}
