package document_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/document"
)

type counter struct {
	N int `json:"n"`
}

func collection(t *testing.T) (document.Collection[counter], *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: m.Addr(), PoolSize: 4})
	t.Cleanup(func() { _ = client.Close() })
	return document.Collection[counter]{Client: client, Prefix: "c:", TTL: time.Hour}, m
}

func add(d *counter, _ redis.Pipeliner) error { d.N++; return nil }

func TestErrors(t *testing.T) {
	t.Parallel()
	c, m := collection(t)
	if _, err := c.Get(t.Context(), "a"); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("Get of nothing: got %v, want ErrNotFound", err)
	}
	if _, err := c.Update(t.Context(), "a", add); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("Update of nothing: got %v, want ErrNotFound", err)
	}
	if err := c.Create(t.Context(), "a", counter{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), "a", counter{N: 9}); !errors.Is(err, document.ErrExists) {
		t.Errorf("second Create: got %v, want ErrExists", err)
	}
	if err := m.Set("c:b", "no json"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "b"); err == nil {
		t.Error("Get of no JSON: got no error")
	}
}

func TestRefusedChangeWritesNothing(t *testing.T) {
	t.Parallel()
	c, m := collection(t)
	if err := c.Create(t.Context(), "a", counter{N: 1}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	_, err := c.Update(t.Context(), "a", func(d *counter, also redis.Pipeliner) error {
		d.N = 99
		also.Set(t.Context(), "other", "x", 0)
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the error of the change", err)
	}
	if got, _ := c.Get(t.Context(), "a"); got.N != 1 || m.Exists("other") {
		t.Errorf("got N=%d, other written: %v, want the old state alone", got.N, m.Exists("other"))
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	c, m := collection(t)
	if err := c.Create(t.Context(), "a", counter{}); err != nil {
		t.Fatal(err)
	}
	const workers = 4
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range 5 {
				retry(t.Context(), c, t)
			}
		})
	}
	wg.Wait()
	got, err := c.Get(t.Context(), "a")
	if err != nil || got.N != workers*5 {
		t.Errorf("got N=%d, %v, want %d", got.N, err, workers*5)
	}
	if m.TTL("c:a") != time.Hour {
		t.Errorf("TTL is %v, want %v", m.TTL("c:a"), time.Hour)
	}
}

func retry(ctx context.Context, c document.Collection[counter], t *testing.T) {
	for {
		_, err := c.Update(ctx, "a", add)
		if !errors.Is(err, document.ErrConflict) {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}

func TestAlsoRunsInTheTransactionOfTheChange(t *testing.T) {
	t.Parallel()
	c, m := collection(t)
	var seen [][2]int
	c.Also = func(ctx context.Context, before, after counter, tx redis.Pipeliner) {
		seen = append(seen, [2]int{before.N, after.N})
		tx.Incr(ctx, "changes")
	}
	if err := c.Create(t.Context(), "a", counter{N: 1}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	_, err := c.Update(t.Context(), "a", func(*counter, redis.Pipeliner) error { return refused })
	if !errors.Is(err, refused) || len(seen) != 0 || m.Exists("changes") {
		t.Errorf("refused change: %v, seen %v, want it unseen", err, seen)
	}
	if _, err := c.Update(t.Context(), "a", add); err != nil {
		t.Fatal(err)
	}
	got, err := m.Get("changes")
	if len(seen) != 1 || seen[0] != [2]int{1, 2} || got != "1" || err != nil {
		t.Errorf("seen %v, changes %q, %v, want one change from 1 to 2", seen, got, err)
	}
}
