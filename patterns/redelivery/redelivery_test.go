package redelivery

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestReplayOfAnUnknownIDIsAnError(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	add(t, reader, "o-7")
	if err := reader.Bury(t.Context(), read(t, reader)[0], "declined"); err != nil {
		t.Fatal(err)
	}
	dead := deadLetters(t, reader)[0]
	id, _, _ := strings.Cut(dead.ID, "-")
	for _, unknown := range []string{"1-1", id} {
		got, err := reader.Replay(t.Context(), unknown)
		if !errors.Is(err, ErrNotFound) || got != "" {
			t.Errorf("Replay(%q) = %q, %v, want %v", unknown, got, err, ErrNotFound)
		}
	}
	for _, malformed := range []string{"", "x", "1-x"} {
		if got, err := reader.Replay(t.Context(), malformed); err == nil || got != "" {
			t.Errorf("Replay(%q) = %q and no error", malformed, got)
		}
	}
	if got := len(deadLetters(t, reader)); got != 1 {
		t.Errorf("%d dead letters, want 1", got)
	}
}

func TestReadWithoutAGroupIsAnError(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	reader.Group = "nobody"
	if got, err := reader.Read(t.Context()); err == nil {
		t.Errorf("Read = %v and no error", got)
	}
}

func TestStoreDownIsAnError(t *testing.T) {
	t.Parallel()
	reader, server := newReader(t)
	add(t, reader, "o-7")
	d := read(t, reader)[0]
	server.Close()
	_, readErr := reader.Read(t.Context())
	_, replayErr := reader.Replay(t.Context(), "1-0")
	for name, err := range map[string]error{
		"Join": reader.Join(t.Context()), "Read": readErr, "Replay": replayErr,
		"Ack": reader.Ack(t.Context(), d), "Bury": reader.Bury(t.Context(), d, "declined"),
	} {
		if err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: error = %v, want the client's", name, err)
		}
	}
}

func TestWhatADeadConsumerLeftIsClaimedOnceItIsIdle(t *testing.T) {
	t.Parallel()
	reader, server := newReader(t)
	now := time.Unix(1767225600, 0)
	server.SetTime(now)
	add(t, reader, "o-7")
	if got := counts(read(t, reader)); !cmp.Equal(got, map[string]int64{"o-7": 1}) {
		t.Fatalf("first: %v", got)
	}
	other := *reader
	other.Consumer = "payment-2"
	server.SetTime(now.Add(reader.MinIdle - time.Second))
	if got := read(t, &other); len(got) != 0 {
		t.Errorf("claimed %v while it was in work", counts(got))
	}
	server.SetTime(now.Add(reader.MinIdle + time.Second))
	add(t, reader, "o-8")
	want := map[string]int64{"o-7": 2, "o-8": 1}
	got := read(t, &other)
	if diff := cmp.Diff(want, counts(got)); diff != "" {
		t.Fatalf("claimed and new (-want +got):\n%s", diff)
	}
	if got[0].Message.Values["traceparent"] != parent {
		t.Errorf("fields = %v, want the creation context among them", got[0].Message.Values)
	}
	for _, d := range got {
		if err := errors.Join(other.Ack(t.Context(), d), other.Ack(t.Context(), d)); err != nil {
			t.Error(err)
		}
	}
	server.SetTime(now.Add(time.Hour))
	if got := read(t, reader); len(got) != 0 {
		t.Errorf("acknowledged and delivered again: %v", counts(got))
	}
}

func TestCountBoundsBothKindsTogether(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	reader.MinIdle, reader.Count = 0, 3
	for i := range 4 {
		add(t, reader, strconv.Itoa(i))
	}
	if got := len(read(t, reader)); got != 3 {
		t.Errorf("%d new messages, want 3", got)
	}
	reader.Count = 5
	want := map[string]int64{"0": 2, "1": 2, "2": 2, "3": 1}
	if diff := cmp.Diff(want, counts(read(t, reader))); diff != "" {
		t.Errorf("claimed and new (-want +got):\n%s", diff)
	}
}

// A fresh entry at the head of the pending list must not hide idle ones behind it.
func TestClaimLooksAtTheWholePendingList(t *testing.T) {
	t.Parallel()
	reader, server := newReader(t)
	now := time.Unix(1767225600, 0)
	server.SetTime(now)
	for i := range 30 {
		add(t, reader, strconv.Itoa(i))
	}
	reader.Count = 30
	all := read(t, reader)
	server.SetTime(now.Add(reader.MinIdle + time.Second))
	touch(t, reader, all[:29])
	reader.Count = 1
	if diff := cmp.Diff(map[string]int64{"29": 2}, counts(read(t, reader))); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
}

func TestADeadLetterKeepsEverythingAndComesBack(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	add(t, reader, "o-7")
	d := read(t, reader)[0]
	d.Count = 4
	if err := reader.Bury(t.Context(), d, "declined"); err != nil {
		t.Fatal(err)
	}
	dead := deadLetters(t, reader)[0]
	want := map[string]any{
		"order": "o-7", "traceparent": parent, "tracestate": "congo=1",
		"dead-letter.reason": "declined", "dead-letter.count": "4",
		"dead-letter.stream": reader.Stream, "dead-letter.id": d.Message.ID,
	}
	if diff := cmp.Diff(want, dead.Values); diff != "" {
		t.Errorf("dead letter (-want +got):\n%s", diff)
	}
	reader.MinIdle = 0
	if got := read(t, reader); len(got) != 0 {
		t.Errorf("buried and delivered again: %v", counts(got))
	}
	id, err := reader.Replay(t.Context(), dead.ID)
	if err != nil {
		t.Fatal(err)
	}
	again := read(t, reader)
	if len(again) != 1 || again[0].Message.ID != id || again[0].Count != 1 {
		t.Fatalf("after Replay: %v, want %s for the first time", again, id)
	}
	want = map[string]any{"order": "o-7", "traceparent": parent, "tracestate": "congo=1",
		"replay-of": d.Message.ID}
	if diff := cmp.Diff(want, again[0].Message.Values); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	if _, err := reader.Replay(t.Context(), dead.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("second Replay: error = %v, want %v", err, ErrNotFound)
	}
}

func TestBuryingTwiceLeavesOneDeadLetter(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	add(t, reader, "o-7")
	d := read(t, reader)[0]
	for range 2 {
		if err := reader.Bury(t.Context(), d, "declined"); err != nil {
			t.Error(err)
		}
	}
	if got := len(deadLetters(t, reader)); got != 1 {
		t.Errorf("%d dead letters, want 1", got)
	}
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit, count int64
		want         bool
	}{{0, 1000, false}, {2, 1, false}, {2, 2, false}, {2, 3, true}} {
		reader := Reader{MaxDeliveries: test.limit}
		if got := reader.Exhausted(Delivery{Count: test.count}); got != test.want {
			t.Errorf("delivery %d of %d: exhausted %t, want %t",
				test.count, test.limit, got, test.want)
		}
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	reader.Block = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

// With REDIS_ADDR the life of one message is run against a real server too.
func TestLifeOfAMessage(t *testing.T) {
	t.Parallel()
	reader, _ := newReader(t)
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		client := exampleClient(addr)
		reader.Client = client
		reader.Stream += ":" + t.Name() + strconv.FormatInt(time.Now().UnixNano(), 36)
		reader.DeadLetter = reader.Stream + ":dead"
		t.Cleanup(func() {
			client.Del(context.Background(), reader.Stream, reader.DeadLetter)
			_ = client.Close()
		})
	}
	reader.MinIdle, reader.MaxDeliveries = 0, 2
	if err := errors.Join(reader.Join(t.Context()), reader.Join(t.Context())); err != nil {
		t.Fatal(err)
	}
	add(t, reader, "o-7")
	for try := int64(1); ; try++ {
		deliveries := read(t, reader)
		if len(deliveries) != 1 || deliveries[0].Count != try {
			t.Fatalf("delivery %d: %v", try, deliveries)
		}
		if reader.Exhausted(deliveries[0]) {
			if err := reader.Bury(t.Context(), deliveries[0], "declined"); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if _, err := reader.Replay(t.Context(), deadLetters(t, reader)[0].ID); err != nil {
		t.Fatal(err)
	}
	last := read(t, reader)
	if len(last) != 1 || last[0].Count != 1 || last[0].Message.Values["traceparent"] != parent {
		t.Fatalf("after Replay: %v", last)
	}
	if err := reader.Ack(t.Context(), last[0]); err != nil {
		t.Error(err)
	}
	if got := len(read(t, reader)) + len(deadLetters(t, reader)); got != 0 {
		t.Errorf("%d messages left", got)
	}
}

func newReader(t testing.TB) (*Reader, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	client := exampleClient(server.Addr())
	t.Cleanup(func() { _ = client.Close() })
	reader := &Reader{
		Client: client, Stream: "orders.placed", Group: "settlement", Consumer: "payment-1",
		DeadLetter: "orders.dead", MaxDeliveries: 3, MinIdle: time.Minute,
	}
	if err := reader.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	return reader, server
}

func add(t *testing.T, r *Reader, order string) {
	t.Helper()
	err := r.Client.XAdd(t.Context(), &redis.XAddArgs{Stream: r.Stream, Values: map[string]any{
		"order": order, "traceparent": parent, "tracestate": "congo=1",
	}}).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// touch makes the entries of ds fresh again.
func touch(t *testing.T, r *Reader, ds []Delivery) {
	t.Helper()
	ids := make([]string, len(ds))
	for i, d := range ds {
		ids[i] = d.Message.ID
	}
	err := r.Client.XClaim(t.Context(), &redis.XClaimArgs{
		Stream: r.Stream, Group: r.Group, Consumer: r.Consumer, Messages: ids,
	}).Err()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, r *Reader) []Delivery {
	t.Helper()
	deliveries, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return deliveries
}

func deadLetters(t *testing.T, r *Reader) []redis.XMessage {
	t.Helper()
	dead, err := r.Client.XRange(t.Context(), r.DeadLetter, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	return dead
}

func counts(ds []Delivery) map[string]int64 {
	got := make(map[string]int64)
	for _, d := range ds {
		order, _ := d.Message.Values["order"].(string)
		got[order] = d.Count
	}
	return got
}
