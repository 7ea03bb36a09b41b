package order

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listening is a server for the events of any order.
type listening struct {
	*events
	url  string
	tel  *telemetrytest.Recorder
	work *inflight.Tracker
}

func listen(t *testing.T) *listening {
	t.Helper()
	tel, work := telemetrytest.New(t), &inflight.Tracker{}
	turns := redisclient.New(tel.Telemetry, miniredis.RunT(t).Addr())
	deps := Deps{Telemetry: tel.Telemetry, Redis: turns, Events: eventsClient(turns)}
	e := newEvents(Config{KeyPrefix: "test:"}, deps, work, time.Hour)
	server := httptest.NewUnstartedServer(work.Handler(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			q, err := requested(r)
			if err == nil {
				err = e.serve(w, r, "o1", q)
			}
			if err != nil {
				problem.Write(w, r, err)
			}
		})))
	server.Config.RegisterOnShutdown(e.close)
	server.Start()
	t.Cleanup(func() {
		e.close()
		server.Close()
		if err := errors.Join(turns.Close(), deps.Events.Close()); err != nil {
			t.Error(err)
		}
	})
	return &listening{events: e, url: server.URL, tel: tel, work: work}
}

// tell appends the event of a change to state, caused by the span in ctx.
func (l *listening) tell(t *testing.T, ctx context.Context, state State) {
	t.Helper()
	_, err := l.reader.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		l.append(ctx, Order{}, Order{ID: "o1", State: state}, tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open starts to listen, until ctx is done.
func (l *listening) open(t *testing.T, ctx context.Context, query, last string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// lines returns the values of a field, such as event or id, until the stream ends.
func lines(resp *http.Response, field string) []string {
	var all []string
	for text := bufio.NewScanner(resp.Body); text.Scan(); {
		if value, ok := strings.CutPrefix(text.Text(), field+": "); ok {
			all = append(all, value)
		}
	}
	return all
}

// allFree takes every slot, which is possible only when no listener holds one.
func (l *listening) allFree(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for i := range maxListeners {
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			t.Fatalf("%d of %d slots are free, want all", i, maxListeners)
		}
	}
	for range maxListeners {
		<-l.slots
	}
	if s := l.reader.PoolStats(); s.TotalConns != s.IdleConns {
		t.Errorf("%d of %d connections are in use, want none", s.TotalConns-s.IdleConns, s.TotalConns)
	}
}

// Listeners that go away, in the middle of a read or of an event, leave nothing behind.
func TestAListenerThatGoesAwayFreesEverything(t *testing.T) {
	t.Parallel()
	l := listen(t)
	l.tell(t, t.Context(), Created)
	ctx, cancel := context.WithCancel(t.Context())
	for range 20 {
		l.open(t, ctx, "/", "")
	}
	// They are open, and nobody waits for them.
	if err := l.work.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel()
	l.allFree(t)
}

// A service that stops sends its listeners away: they would keep it up until its deadline.
func TestListenersAreSentAway(t *testing.T) {
	t.Parallel()
	l := listen(t)
	resp := l.open(t, t.Context(), "/", "")
	l.close()
	if got := lines(resp, "event"); len(got) != 0 {
		t.Errorf("events %v, want none", got)
	}
	l.allFree(t)
}

// Who holds a place and wants nothing loses it; the stream ends as one that is over does.
func TestAListenerDoesNotStayForEver(t *testing.T) {
	t.Parallel()
	l := listen(t)
	l.longest = time.Millisecond
	if got := lines(l.open(t, t.Context(), "/", ""), "event"); len(got) != 0 {
		t.Errorf("events %v, want none", got)
	}
	l.allFree(t)
}

func TestTooManyListenersAreRefused(t *testing.T) {
	t.Parallel()
	l := listen(t)
	for range maxListeners {
		l.slots <- struct{}{}
	}
	if resp := l.open(t, t.Context(), "/", ""); resp.StatusCode != 503 {
		t.Errorf("status %d, want 503", resp.StatusCode)
	}
	for range maxListeners {
		<-l.slots
	}
}

func TestRequestsForEventsAreChecked(t *testing.T) {
	t.Parallel()
	l := listen(t)
	for _, bad := range [][2]string{
		{"?until=done", ""}, {"?until=CONFIRMED", ""}, {"?limit=0", ""}, {"?limit=-1", ""},
		{"?limit=1e3", ""}, {"?limit=1001", ""}, {"", "$"}, {"", "1"}, {"", "1-"}, {"", "a-b"},
		{"", "-1-0"}, {"", strings.Repeat("1", 30) + "-0"},
	} {
		if resp := l.open(t, t.Context(), bad[0], bad[1]); resp.StatusCode != 422 {
			t.Errorf("%q, Last-Event-ID %q: status %d, want 422", bad[0], bad[1], resp.StatusCode)
		}
	}
}

// A listener that comes back gets what it has missed, once.
func TestLastEventIDResumes(t *testing.T) {
	t.Parallel()
	l := listen(t)
	for _, state := range []State{Created, Filled, Addressed, Quoted} {
		l.tell(t, t.Context(), state)
	}
	ids := lines(l.open(t, t.Context(), "/?limit=2", ""), "id")
	if len(ids) != 2 {
		t.Fatalf("ids %v, want two", ids)
	}
	got := lines(l.open(t, t.Context(), "/?until=quoted", ids[1]), "event")
	if want := "[order.addressed order.quoted]"; fmt.Sprint(got) != want {
		t.Errorf("events %v, want %v", got, want)
	}
}

// What happens while somebody listens comes at once. Each event links to its cause; waiting and
// reading make no span.
func TestEventsComeAsTheyHappen(t *testing.T) {
	t.Parallel()
	l := listen(t)
	resp := l.open(t, t.Context(), "/?until=filled", "")
	for _, state := range []State{Created, Filled} {
		ctx, span := l.tel.TracerProvider.Tracer("test").Start(t.Context(), "cause of "+string(state))
		l.tell(t, ctx, state)
		span.End()
	}
	if got := fmt.Sprint(lines(resp, "event")); got != "[order.created order.filled]" {
		t.Errorf("events %v, want created and filled", got)
	}
	for _, state := range []string{"created", "filled"} {
		cause, sent := l.tel.Span("cause of "+state), l.tel.Span("send order."+state)
		if sent.Parent.IsValid() || len(sent.Links) != 1 ||
			sent.Links[0].SpanContext.SpanID() != cause.SpanContext.SpanID() {
			t.Errorf("%s: parent %v, links %v, want a root with a link to its cause",
				state, sent.Parent, sent.Links)
		}
	}
	if got := len(l.tel.Spans()); got != 4 {
		t.Errorf("%d spans, want two causes and two events", got)
	}
}
