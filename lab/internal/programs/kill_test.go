package programs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

// The keys in Redis that the services use, with their default prefix.
const (
	outboxKey   = "shop:orders.outbox"
	relayGroup  = "order.relay"
	placedKey   = "shop:orders.placed"
	settleGroup = "payment.settlement"
	settledKey  = "shop:payments.settled"
	capturedKey = "shop:payments.captured"
)

// wave is how many orders are being confirmed, side by side, when something is killed.
const wave = 6

// While orders are confirmed, payment, order and Redis are killed, as kill -9 does it: each order
// is settled exactly once, and its trace is what PATTERNS calls it, down to the spans that the
// killed processes took with them.
func TestKilledUnderLoadEveryOrderIsSettledOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick...)
	k := &killing{fleet: f, dispatchedBy: map[string]string{}, settledBy: map[string]string{}}
	steps := []func(*testing.T){
		k.paymentBetweenReadAndAck, k.orderBetweenAppendAndDispatch, k.redis,
		k.payment, k.order, k.paymentBetweenSettlingAndAck, k.order,
	}
	t.Cleanup(k.load.Wait) // nobody reports to a test that has ended
	for range wave * len(steps) {
		k.waiting = append(k.waiting, f.authorised(t))
	}
	for _, kill := range steps {
		kill(t)
	}
	k.load.Wait()
	k.quiesced(t)
	k.settledOnce(t)
	k.balanced(t, k.quiesced(t))
	k.traces(t)
	f.terminate(t)
}

// killing is a fleet under fire, and who did what in it as Redis tells it. There is one process of
// a service at a time: what was added to a stream since the last look is the work of that one.
type killing struct {
	*fleet
	load            sync.WaitGroup // confirmations under way
	orders, waiting []*order       // whose confirmation has begun, or not

	placed, settled []redis.XMessage
	dispatchedBy    map[string]string // id of an entry of orders.placed → instance of order
	settledBy       map[string]string // id of an order → instance of payment
}

// wave begins to confirm some more orders.
func (k *killing) wave(t *testing.T) {
	t.Helper()
	for range wave {
		if len(k.waiting) == 0 {
			k.waiting = append(k.waiting, k.authorised(t))
		}
		o := k.waiting[0]
		k.orders, k.waiting = append(k.orders, o), k.waiting[1:]
		k.load.Go(func() { o.confirm(t) })
	}
}

// note takes down what has been added to the streams since the last time.
func (k *killing) note(t *testing.T) {
	t.Helper()
	k.placed = k.messages(t, placedKey)
	for _, m := range k.placed {
		if k.dispatchedBy[m.ID] == "" {
			k.dispatchedBy[m.ID] = k.live["order"].instance
		}
	}
	k.settled = k.messages(t, settledKey)
	for _, m := range k.settled {
		id := fmt.Sprint(m.Values["order_id"])
		if k.settledBy[id] == "" {
			k.settledBy[id] = k.live["payment"].instance
		}
	}
}

// again kills a service, takes down what it had done, and starts it.
func (k *killing) again(t *testing.T, service string) {
	t.Helper()
	k.kill(t, service)
	k.note(t)
	k.start(t, service)
}

// payment and order die wherever they are, with some of a wave done and others not.
func (k *killing) payment(t *testing.T) { k.underWay(t); k.again(t, "payment") }
func (k *killing) order(t *testing.T)   { k.underWay(t); k.again(t, "order") }

// redis dies, and comes back with what it had on disk.
func (k *killing) redis(t *testing.T) {
	k.underWay(t)
	k.fleet.redis.kill()
	if !k.fleet.redis.start(t) {
		t.Fatalf("redis-server does not come back:\n%s", k.fleet.redis.output.String())
	}
}

// underWay begins a wave and returns when the first of its orders is confirmed.
func (k *killing) underWay(t *testing.T) {
	t.Helper()
	before := k.length(t, placedKey)
	k.wave(t)
	until(t, "one more order", func() bool { return k.length(t, placedKey) > before })
}

// orderBetweenAppendAndDispatch kills order when confirmations are in its outbox that it has
// not sent: the relay's group is held meanwhile, so that it cannot have sent them.
func (k *killing) orderBetweenAppendAndDispatch(t *testing.T) {
	release := k.hold(t, outboxKey, relayGroup)
	k.wave(t)
	until(t, "events in the outbox", func() bool { return k.length(t, outboxKey) >= wave/2 })
	k.kill(t, "order")
	k.note(t)
	left := k.length(t, outboxKey)
	t.Logf("order killed with %d events appended and not dispatched", left)
	if left < wave/2 {
		t.Errorf("%d events in the outbox, want %d or more", left, wave/2)
	}
	release()
	k.start(t, "order")
}

// paymentBetweenReadAndAck kills payment with messages in hand. What dies with it for the third
// time would be a dead letter, by design: so nothing may be left from the time before. On a busy
// machine payment may be done before it is killed; then it is killed again, with more orders.
func (k *killing) paymentBetweenReadAndAck(t *testing.T) {
	for range 5 {
		release := k.heldMessages(t)
		release()
		until(t, "messages in hand", func() bool { return k.pending(t) > 0 || k.unread(t) == 0 })
		k.kill(t, "payment")
		k.note(t)
		left := k.pending(t)
		k.start(t, "payment")
		t.Logf("payment killed with %d messages read and not acknowledged", left)
		if left > 0 {
			return
		}
	}
	t.Error("payment was never killed between read and acknowledgement")
}

// paymentBetweenSettlingAndAck kills payment when it has settled orders and acknowledged none of
// them: Redis refuses that command meanwhile.
func (k *killing) paymentBetweenSettlingAndAck(t *testing.T) {
	release := k.heldMessages(t)
	before := k.length(t, settledKey)
	k.allow(t, "-xack")
	release()
	until(t, "settled payments", func() bool { return k.length(t, settledKey) >= before+wave/2 })
	k.kill(t, "payment")
	k.note(t)
	left := k.pending(t)
	t.Logf("payment killed with %d payments settled and %d messages not acknowledged",
		k.length(t, settledKey)-before, left)
	if left < wave/2 {
		t.Errorf("%d messages not acknowledged, want %d or more", left, wave/2)
	}
	k.allow(t, "+xack")
	k.start(t, "payment")
}

// heldMessages begins a wave and returns when half of it is on the stream for payment, which can
// read it once it is released.
func (k *killing) heldMessages(t *testing.T) (release func()) {
	t.Helper()
	until(t, "nothing in hand", func() bool { return k.pending(t)+k.unread(t) == 0 })
	release = k.hold(t, placedKey, settleGroup)
	held := k.length(t, placedKey)
	k.wave(t)
	until(t, "messages for payment", func() bool { return k.length(t, placedKey) >= held+wave/2 })
	return release
}

// allow changes which commands Redis takes from the services, and from us.
func (k *killing) allow(t *testing.T, rule string) {
	t.Helper()
	if err := k.db.Do(t.Context(), "ACL", "SETUSER", "default", rule).Err(); err != nil {
		t.Fatal(err)
	}
}

// hold keeps a group from reading what is added from now on, until release is called.
func (k *killing) hold(t *testing.T, stream, group string) (release func()) {
	t.Helper()
	const never = "99999999999999-0"
	set := func(id string) string {
		was, err := k.db.Eval(t.Context(), `
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  if group[2] == ARGV[1] then
    redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2])
    return group[8]
  end
end`, []string{stream}, group, id).Text()
		if err != nil {
			t.Fatalf("hold group %s: %v", group, err)
		}
		return was
	}
	last := set(never)
	return func() { set(last) }
}

func (k *killing) messages(t *testing.T, stream string) []redis.XMessage {
	t.Helper()
	messages, err := k.db.XRange(t.Context(), stream, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func (k *killing) length(t *testing.T, stream string) int64 {
	t.Helper()
	n, err := k.db.XLen(t.Context(), stream).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pending is how many messages payment has in hand.
func (k *killing) pending(t *testing.T) int64 {
	t.Helper()
	p, err := k.db.XPending(t.Context(), placedKey, settleGroup).Result()
	if err != nil {
		t.Fatal(err)
	}
	return p.Count
}

// unread is how many messages payment has not read yet.
func (k *killing) unread(t *testing.T) int64 {
	t.Helper()
	groups, err := k.db.XInfoGroups(t.Context(), placedKey).Result()
	if err != nil || len(groups) != 1 {
		t.Fatalf("groups of %s: %v, %v", placedKey, groups, err)
	}
	messages, err := k.db.XRange(t.Context(), placedKey,
		"("+groups[0].LastDeliveredID, "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(messages))
}

// quiesced brings the living to rest, and takes down what they have done.
func (k *killing) quiesced(t *testing.T) []telemetry.Snapshot {
	t.Helper()
	defer k.note(t)
	return k.fleet.quiesced(t)
}

// quiesced brings the living to rest. What order sends is work for payment, hence twice.
func (f *fleet) quiesced(t *testing.T) []telemetry.Snapshot {
	t.Helper()
	var ledgers []telemetry.Snapshot
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var err error
		if ledgers, err = suite.Quiesce(ctx, f.scenarioFleet()); err != nil {
			t.Fatal(err)
		}
		if err := f.store.Await(ctx, ledgers); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	return ledgers
}

// settledOnce checks what is a matter of money.
func (k *killing) settledOnce(t *testing.T) {
	t.Helper()
	var want, placed, settled []string
	for _, o := range k.orders {
		want = append(want, o.id)
	}
	for _, m := range k.placed {
		placed = append(placed, fmt.Sprint(m.Values["order_id"]))
	}
	for _, m := range k.settled {
		settled = append(settled, fmt.Sprint(m.Values["order_id"]))
	}
	for name, got := range map[string][]string{placedKey: placed, settledKey: settled} {
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %d entries of %d orders, want one of each of %d", name,
				len(got), len(slices.Compact(slices.Clone(got))), len(want))
		}
	}
	for _, o := range k.orders {
		if state, payment := o.state(t); state != "confirmed" || payment != "settled" {
			t.Errorf("order %s: %s, payment %s, want confirmed and settled", o.id, state, payment)
		}
	}
	for _, stream := range []string{outboxKey, outboxKey + ".dead", placedKey + ".dead"} {
		if n := k.length(t, stream); n != 0 {
			t.Errorf("%s: %d entries, want none", stream, n)
		}
	}
	if n := k.db.ZCard(t.Context(), capturedKey).Val(); n != 0 {
		t.Errorf("%d payments are still to be settled", n)
	}
}

// balanced checks the books of the living: all that ended was exported and has arrived. The
// ledgers of the killed died with them; what is known of them is what arrived.
func (k *killing) balanced(t *testing.T, ledgers []telemetry.Snapshot) {
	t.Helper()
	arrived := control.Received(k.store)
	accounts := suite.Accounts(ledgers, arrived)
	if err := suite.Check(accounts); err != nil {
		t.Error(err)
	}
	t.Logf("the living:\n%s", suite.Table(accounts))
	for _, a := range arrived {
		if k.killed[a.Instance] {
			t.Logf("killed: of %s %d spans have arrived", a.Instance, a.Spans)
		}
	}
}
