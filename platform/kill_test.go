package platform_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/id"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// load is how many orders are under way when something dies.
const load = 20

// never is a position in a stream that no message reaches: a group there reads nothing.
const never = "99999999999999-0"

// killed is a shop in which something dies: several platforms, one after the other, with the same
// keys in Redis and one store for the spans of all.
type killed struct {
	addr, prefix string
	client       *redis.Client
	store        *tracetree.Store
}

func newKilled(t *testing.T) *killed {
	t.Helper()
	k := &killed{
		addr: redisAddr(t), prefix: "test:" + id.New() + ":", store: tracetree.New(20_000),
	}
	k.client = redis.NewClient(&redis.Options{Addr: k.addr, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = k.client.Close() })
	return k
}

func (k *killed) start(t *testing.T, addr string) *running {
	t.Helper()
	return startAt(t, addr, k.prefix, func(cfg *telemetry.Config) {
		cfg.SpanExporter, cfg.LogExporter = k.store.SpanExporter(), k.store.LogExporter()
	})
}

// stop ends a platform before its test does.
func (r *running) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// hold keeps a group from reading its stream.
func (k *killed) hold(t *testing.T, stream, group string) {
	t.Helper()
	if err := k.client.XGroupCreateMkStream(t.Context(), k.prefix+stream, group, never).Err(); err != nil {
		t.Fatal(err)
	}
}

// die makes a member of the group read n messages and do nothing with them. The group is made
// anew in the same transaction, so that nobody else comes in between.
func (k *killed) die(t *testing.T, stream, group string, n int64) {
	t.Helper()
	var read *redis.XStreamSliceCmd
	_, err := k.client.TxPipelined(t.Context(), func(tx redis.Pipeliner) error {
		tx.XGroupDestroy(t.Context(), k.prefix+stream, group)
		tx.XGroupCreate(t.Context(), k.prefix+stream, group, "0")
		read = tx.XReadGroup(t.Context(), &redis.XReadGroupArgs{
			Group: group, Consumer: "dead", Streams: []string{k.prefix + stream, ">"},
			Count: n, Block: -1,
		})
		return nil
	})
	if err != nil || len(read.Val()) != 1 || int64(len(read.Val()[0].Messages)) != n {
		t.Fatalf("the consumer that dies read %+v, %v; want %d messages", read.Val(), err, n)
	}
}

// orders runs do for each of load orders, side by side, as far as their payment is authorised.
func (r *running) orders(t *testing.T, do func(t *testing.T, path string)) (paths []string) {
	t.Helper()
	paths = make([]string, load)
	t.Run("orders", func(t *testing.T) {
		for i := range paths {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				paths[i] = r.quoted(t)
				r.must(t, "POST", paths[i]+"/payment", `{"card_token":"tok_visa"}`)
			})
		}
	})
	t.Run("confirm", func(t *testing.T) {
		for i, path := range paths {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				do(t, path)
			})
		}
	})
	return paths
}

func (r *running) confirm(t *testing.T, path string) {
	t.Helper()
	r.must(t, "POST", path+"/confirm", "")
}

// settledOnce checks that each order is settled, and was said to be so once.
func (k *killed) settledOnce(t *testing.T, r *running, paths []string) {
	t.Helper()
	for _, path := range paths {
		if a := r.must(t, "GET", path, ""); a.body["state"] != "confirmed" ||
			a.body["payment"] != "settled" {
			t.Errorf("%s: got %v, want it confirmed and settled", path, a.body)
		}
	}
	for _, stream := range []string{"orders.placed", "payments.settled"} {
		var got, want []string
		for _, msg := range k.messages(t, stream) {
			got = append(got, "/checkouts/"+fmt.Sprint(msg.Values["order_id"]))
		}
		want = slices.Sorted(slices.Values(paths))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %d messages %v, want %d %v", stream, len(got), got, len(want), want)
		}
	}
	left, err := k.client.ZCard(t.Context(), k.prefix+"payments.captured").Result()
	if err != nil || left != 0 {
		t.Errorf("%d payments are listed as not settled, %v", left, err)
	}
}

func (k *killed) messages(t *testing.T, stream string) []redis.XMessage {
	t.Helper()
	messages, err := k.client.XRange(t.Context(), k.prefix+stream, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// whole checks that no span is an orphan and no link leads nowhere, and returns the spans by name.
func (k *killed) whole(t *testing.T) map[string][]tracetree.Span {
	t.Helper()
	known := make(map[string]bool)
	named := make(map[string][]tracetree.Span)
	all := k.store.All().Spans
	for _, s := range all {
		known[s.TraceID+s.SpanID] = true
		named[s.Name] = append(named[s.Name], s)
	}
	for _, s := range all {
		if s.ParentID != "" && !known[s.TraceID+s.ParentID] {
			t.Errorf("%s %s: an orphan in trace %s", s.Service, s.Name, s.TraceID)
		}
		for _, l := range s.Links {
			if !known[l.TraceID+l.SpanID] {
				t.Errorf("%s %s: link %s leads nowhere", s.Service, s.Name, l.Type())
			}
		}
	}
	return named
}

// A consumer has read every message, and dies before it acknowledges one. Another claims them:
// second deliveries, in the trace of the first.
func TestConsumerDiesBetweenReadAndAck(t *testing.T) {
	t.Parallel()
	k := newKilled(t)
	k.hold(t, "orders.placed", "payment.settlement")
	first := k.start(t, k.addr)
	paths := first.orders(t, first.confirm)
	first.quiesce(t)
	first.stop(t)
	if got := k.messages(t, "orders.placed"); len(got) != load {
		t.Fatalf("%d messages on the stream, want %d", len(got), load)
	}
	k.die(t, "orders.placed", "payment.settlement", load)

	second := k.start(t, k.addr)
	second.quiesce(t)
	k.settledOnce(t, second, paths)
	second.quiesce(t)
	spans := k.whole(t)
	if got := len(spans["process orders.placed"]); got != load {
		t.Errorf("%d CONSUMER spans, want %d", got, load)
	}
	for _, s := range spans["process orders.placed"] {
		if n := fmt.Sprint(s.Attributes["shop.messaging.delivery_count"]); n != "2" ||
			len(s.Links) != 1 || s.Links[0].SpanID != s.ParentID {
			t.Errorf("delivery %s, parent %s, links %+v; want the second, parent and link the same",
				n, s.ParentID, s.Links)
		}
	}
}

// The order service dies when every confirmation is in the outbox and none has been sent; of half
// of them it has begun the sending. Another instance sends each once, in the trace of the request.
func TestOrderDiesBetweenAppendAndDispatch(t *testing.T) {
	t.Parallel()
	k := newKilled(t)
	k.hold(t, "orders.outbox", "order.relay")
	first := k.start(t, k.addr)
	paths := first.orders(t, first.confirm)
	first.quiesce(t)
	first.stop(t)
	if got := k.messages(t, "orders.placed"); len(got) != 0 {
		t.Fatalf("%d messages were sent, want none", len(got))
	}
	k.die(t, "orders.outbox", "order.relay", load/2)

	second := k.start(t, k.addr)
	second.quiesce(t)
	second.quiesce(t) // what order sends is work for payment
	k.settledOnce(t, second, paths)
	second.quiesce(t)
	spans := k.whole(t)
	confirmed := make(map[string]bool)
	for _, s := range spans["POST /orders/{id}/confirm"] {
		confirmed[s.TraceID+s.SpanID] = true
	}
	if got := len(spans["send orders.placed"]); got != load {
		t.Errorf("%d PRODUCER spans, want %d", got, load)
	}
	for _, s := range spans["send orders.placed"] {
		if !confirmed[s.TraceID+s.ParentID] {
			t.Errorf("the parent of %s is %s, want the request that confirmed", s.Name, s.ParentID)
		}
	}
	if left := k.messages(t, "orders.outbox"); len(left) != 0 {
		t.Errorf("%d events are still in the outbox", len(left))
	}
}

// Redis goes away twice, and comes back, while orders are confirmed and settled.
func TestRedisRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	k := newKilled(t)
	proxy := startProxy(t, k.addr)
	r := k.start(t, proxy.addr)
	var confirmed atomic.Int32
	paths := r.orders(t, func(t *testing.T, path string) {
		r.confirmSometime(t, path)
		if n := confirmed.Add(1); n == load/3 || n == 2*load/3 {
			proxy.cut()
			proxy.open(t)
		}
	})
	r.eventually(t, "GET", paths[0])
	r.quiesce(t)
	r.quiesce(t)
	k.settledOnce(t, r, paths)
	r.quiesce(t)
	k.whole(t)
}

// confirmSometime confirms as a client does that may get no answer: again, until it is so.
func (r *running) confirmSometime(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		r.call(t, "POST", path+"/confirm", "")
		if r.eventually(t, "GET", path).body["state"] == "confirmed" {
			return
		}
	}
	t.Errorf("%s: not confirmed in 10 s", path)
}
