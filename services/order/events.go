package order

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/outbox"
	"example.com/throughline/patterns/sse"
)

const (
	// maxListeners bounds the streams of one replica: each holds a connection to Redis.
	maxListeners = 256
	// maxEvents bounds what is kept of one order, roughly.
	maxEvents = 1000
	// longestListen is how long one listener may stay. Then the stream ends, a browser comes back by
	// itself and resumes, and one who only holds the place has lost it.
	longestListen = 15 * time.Minute
	// listenBlock is how long one read waits for events, and so how long what a listener holds
	// may outlive it.
	listenBlock = 250 * time.Millisecond
)

// events tells whoever listens what becomes of an order: one event for each state, kept in a Redis
// Stream with the context of the span that changed it.
type events struct {
	// reader is for reads that block. It has connections of its own, so that listeners take
	// none from the turns, and no hook, so that a poll is no span.
	reader  *redis.Client
	prefix  string
	ttl     time.Duration
	stream  sse.Stream
	work    *inflight.Tracker
	logger  *slog.Logger
	slots   chan struct{}
	longest time.Duration   // a listener may stay
	closing context.Context // done when listeners are to be sent away
	close   context.CancelFunc
}

func newEvents(cfg Config, deps Deps, work *inflight.Tracker, ttl time.Duration) *events {
	e := &events{
		reader: deps.Events, prefix: cfg.KeyPrefix + "events:", ttl: ttl,
		stream: sse.Stream{Tracer: deps.Telemetry.TracerProvider.Tracer(scope)},
		work:   work, logger: deps.Telemetry.Logger,
		slots: make(chan struct{}, maxListeners), longest: longestListen,
	}
	e.closing, e.close = context.WithCancel(context.Background())
	return e
}

// eventsClient makes the client for reads that block from that of the turns.
func eventsClient(turns *redis.Client) *redis.Client {
	o := *turns.Options()
	o.PoolSize = maxListeners
	return redis.NewClient(&o)
}

// append queues the event of a change in the transaction that makes it: there is no change without
// its event. The cause is the span in ctx. Of its context only the span's own is kept, for a
// listener may be anybody.
func (e *events) append(ctx context.Context, before, after Order, tx redis.Pipeliner) {
	if before.State == after.State {
		return
	}
	fields := map[string]any{"state": string(after.State)}
	for field, value := range outbox.Capture(ctx, propagation.TraceContext{}) {
		fields[field] = value
	}
	key := e.prefix + after.ID
	tx.XAdd(ctx, &redis.XAddArgs{Stream: key, MaxLen: maxEvents, Approx: true, Values: fields})
	tx.Expire(ctx, key, e.ttl)
}

// created appends the first event of an order. It comes after the order was stored and not with
// it: should it be lost in between, nobody has been told the order's id.
func (t *turns) created(ctx context.Context, o Order) error {
	_, err := t.orders.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		t.events.append(ctx, Order{}, o, tx)
		return nil
	})
	if err != nil {
		return unavailable("order state", err)
	}
	return nil
}

// listen streams the events of an order, from its first one or from where the listener left off
// (Last-Event-ID). The stream ends when the listener goes, after 15 minutes, after the event that the query names
// (?until=confirmed), or after a number of them (?limit=3).
func (t *turns) listen(w http.ResponseWriter, r *http.Request) error {
	o, err := t.load(r)
	if err != nil {
		return err
	}
	q, err := requested(r)
	if err != nil {
		return err
	}
	return t.events.serve(w, r, o.ID, q)
}

// serve holds no span while it waits: the SERVER span ends when the stream stands, each event has
// one of its own, and the reads have none.
func (e *events) serve(w http.ResponseWriter, r *http.Request, orderID string, q request) error {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	default:
		return problem.New(503, "too-many-listeners", "events: %d listen already", maxListeners)
	}
	ctx, cancel := context.WithTimeout(r.Context(), e.longest)
	feed := make(chan sse.Event)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(feed)
		e.read(ctx, orderID, q, feed)
	})
	defer reading.Wait()
	defer cancel()
	defer context.AfterFunc(e.closing, cancel)()

	e.work.Leave(ctx) // nobody who waits for work to be done waits for a listener to go
	err := e.stream.Serve(w, r.WithContext(ctx), feed)
	if err == nil || errors.Is(err, sse.ErrMalformed) {
		return err
	}
	e.logger.InfoContext(ctx, "listener lost", string(shop.OrderID), orderID, "error", err)
	return nil
}

// read hands on what is in the stream, and waits for more, until ctx is done or the listener has
// what it wants. An error of Redis ends the stream: the listener comes back and resumes.
func (e *events) read(ctx context.Context, orderID string, q request, feed chan<- sse.Event) {
	for ctx.Err() == nil {
		streams, err := e.reader.XRead(ctx, &redis.XReadArgs{
			Streams: []string{e.prefix + orderID, q.after}, Count: 16, Block: listenBlock,
		}).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			if ctx.Err() == nil {
				e.logger.WarnContext(ctx, "events not read", string(shop.OrderID), orderID,
					"error", err)
			}
			return
		}
		for _, msg := range streams[0].Messages {
			select {
			case feed <- eventOf(orderID, msg):
			case <-ctx.Done():
				return
			}
			if q.done(msg) {
				return
			}
		}
	}
}

// eventOf reads an entry of the stream. A context that cannot be read costs the link only.
func eventOf(orderID string, msg redis.XMessage) sse.Event {
	w3c := propagation.MapCarrier{}
	for _, field := range (propagation.TraceContext{}).Fields() {
		if value, ok := msg.Values[field].(string); ok {
			w3c[field] = value
		}
	}
	cause := propagation.TraceContext{}.Extract(context.Background(), w3c)
	state, _ := msg.Values["state"].(string)
	return sse.Event{
		ID: msg.ID, Name: "order." + state,
		Data:  map[string]any{"order_id": orderID, "state": state},
		Cause: trace.SpanContextFromContext(cause),
	}
}

// request is what a listener asks for.
type request struct {
	after string // id of the last event that it has; "0" for none
	until State  // "" for no end
	limit int    // 0 for no limit
}

// done takes note of an event and reports whether it was the last.
func (q *request) done(msg redis.XMessage) bool {
	q.after = msg.ID
	if q.limit > 0 {
		if q.limit--; q.limit == 0 {
			return true
		}
	}
	return q.until != "" && msg.Values["state"] == string(q.until)
}

func requested(r *http.Request) (request, error) {
	q := request{after: "0"}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		if !entryID(last) {
			return q, problem.New(422, "invalid-event-id",
				"Last-Event-ID %.64q: want the id of an event", last)
		}
		q.after = last
	}
	query := r.URL.Query()
	if text := query.Get("until"); text != "" {
		q.until = State(text)
		if !slices.Contains(states(), q.until) {
			return q, problem.New(422, "invalid-until",
				"until %.64q: want one of %v", text, states())
		}
	}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxEvents {
			return q, problem.New(422, "invalid-limit",
				"limit %.64q: want 1 to %d", text, maxEvents)
		}
		q.limit = n
	}
	return q, nil
}

// states are all states that an event may tell of.
func states() []State {
	return []State{Created, Filled, Addressed, Quoted, Authorised, InReview, Approved, Confirmed,
		Fulfilled, Rejected, Expired}
}

// entryID reports whether s has the form of the id of a stream's entry: two decimal numbers.
func entryID(s string) bool {
	ms, seq, ok := strings.Cut(s, "-")
	if !ok {
		return false
	}
	_, errMS := strconv.ParseUint(ms, 10, 64)
	_, errSeq := strconv.ParseUint(seq, 10, 64)
	return errMS == nil && errSeq == nil
}
