package stream_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/stream"
	"example.com/throughline/patterns/redelivery"
)

func consumer(t *testing.T) *stream.Consumer {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return stream.New(client, slog.New(slog.DiscardHandler), redelivery.Reader{
		Stream: "s", Group: "g", Consumer: "c-1", MaxDeliveries: 3, MinIdle: time.Millisecond,
	})
}

func add(t *testing.T, c *stream.Consumer, values ...string) {
	t.Helper()
	for _, v := range values {
		err := c.Client.XAdd(t.Context(), &redis.XAddArgs{Stream: c.Stream, Values: []string{"v", v}}).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run consumes in the background until the test ends.
func run(
	t *testing.T, c *stream.Consumer, handle stream.Handler,
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

func idle(t *testing.T, c *stream.Consumer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Idle(ctx); err != nil {
		t.Fatal(err)
	}
}

// A message that fails comes again and holds up nobody, and nothing is idle until it is done.
func TestFailedMessageComesAgain(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	add(t, c, "a", "b")
	var seen []string
	stop := run(t, c, func(ctx context.Context, d redelivery.Delivery) error {
		seen = append(seen, d.Message.Values["v"].(string))
		if d.Message.Values["v"] == "a" && d.Count < 3 {
			return errors.New("not now")
		}
		return c.Ack(ctx, d)
	})
	idle(t, c)
	stop()
	if diff := cmp.Diff([]string{"a", "b", "a", "a"}, seen); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

// A message that is never acknowledged is buried, with what it held.
func TestMessageThatFailsForEverIsBuried(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	add(t, c, "a")
	tries := 0
	stop := run(t, c, func(context.Context, redelivery.Delivery) error {
		tries++
		return errors.New("never")
	})
	idle(t, c)
	stop()
	dead, err := c.Redis.XRange(t.Context(), c.DeadLetter, "-", "+").Result()
	if err != nil || len(dead) != 1 || dead[0].Values["v"] != "a" || tries != 3 {
		t.Errorf("dead letters %v, %v after %d tries, want the message after 3", dead, err, tries)
	}
}

// What a consumer was given and did not acknowledge comes to the next one.
func TestPendingMessagesComeAfterARestart(t *testing.T) {
	t.Parallel()
	c := consumer(t)
	add(t, c, "a")
	given, err := c.Batch(t.Context())
	if err != nil || len(given) != 1 {
		t.Fatalf("Batch: %d messages, %v, want 1", len(given), err)
	}
	add(t, c, "b")
	var seen []string
	stop := run(t, c, func(ctx context.Context, d redelivery.Delivery) error {
		seen = append(seen, d.Message.Values["v"].(string))
		return c.Ack(ctx, d)
	})
	idle(t, c)
	stop()
	slices.Sort(seen) // MinIdle decides which comes first
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
	if batch, err := c.Batch(t.Context()); err != nil || len(batch) != 1 {
		t.Errorf("Batch: %d messages, %v, want 1", len(batch), err)
	}
	if batch, err := c.Batch(t.Context()); err != nil || len(batch) != 0 {
		t.Errorf("second Batch: %d messages, %v, want none", len(batch), err)
	}
}

// A handler that acknowledges, or removes the message, before it returns is waited for: it may be
// inside a span.
func TestIdleWaitsForTheHandlerThatAcknowledged(t *testing.T) {
	t.Parallel()
	for _, remove := range []bool{false, true} {
		c := consumer(t)
		add(t, c, "a")
		acknowledged, goOn := make(chan struct{}), make(chan struct{})
		returned := false
		stop := run(t, c, func(ctx context.Context, d redelivery.Delivery) error {
			err := c.Ack(ctx, d)
			if remove {
				err = errors.Join(err, c.Redis.XDel(ctx, c.Stream, d.Message.ID).Err())
			}
			close(acknowledged)
			<-goOn
			returned = true
			return err
		})
		<-acknowledged
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := c.Idle(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("removed %v: got %v while the handler is at work, want the deadline", remove, err)
		}
		cancel()
		close(goOn)
		idle(t, c)
		if !returned {
			t.Errorf("removed %v: idle before the handler had returned", remove)
		}
		stop()
	}
}
