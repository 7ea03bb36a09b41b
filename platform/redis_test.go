package platform_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"example.com/throughline/internal/lifecycle"
)

// proxy stands between the services and Redis, so that a test can take Redis away without
// touching it.
type proxy struct {
	addr, upstream string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	wg       sync.WaitGroup
}

func startProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	p := &proxy{addr: "127.0.0.1:0", upstream: upstream, conns: map[net.Conn]bool{}}
	p.open(t)
	t.Cleanup(p.cut)
	return p
}

// open lets connections through, at the same address as before.
func (p *proxy) open(t *testing.T) {
	t.Helper()
	l, err := lifecycle.Listen(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.addr = l, l.Addr().String()
	p.wg.Go(func() { p.accept(l) })
}

// cut closes the listener and every connection: what a client sees of a Redis that was stopped.
func (p *proxy) cut() {
	p.mu.Lock()
	_ = p.listener.Close()
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *proxy) accept(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.upstream)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.pipe(in, out) })
		p.wg.Go(func() { p.pipe(out, in) })
	}
}

func (p *proxy) pipe(dst, src net.Conn) {
	_, _ = io.Copy(dst, src)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []net.Conn{dst, src} {
		_ = c.Close()
		delete(p.conns, c)
	}
}

// Redis goes away in the middle of a checkout: each turn is refused with a 503 problem that names
// its trace, nothing is half done, and all goes on when Redis is back, without a restart.
func TestRedisStopsInTheMiddleOfACheckout(t *testing.T) {
	t.Parallel()
	redis := startProxy(t, redisAddr(t))
	r := start(t, redis.addr)
	path := r.quoted(t)

	redis.cut()
	for _, turn := range []struct{ method, path, body string }{
		{"POST", path + "/payment", `{"card_token":"tok_visa"}`},
		{"GET", path, ""},
		{"PUT", path + "/items", `{"items":[{"sku":"pen","qty":1}]}`},
		{"POST", "/checkouts", `{"customer":"c-2"}`},
		{"POST", "/negotiations", `{"sku":"pen","qty":1,"offer":3000}`},
	} {
		began := time.Now()
		a := r.call(t, turn.method, turn.path, turn.body)
		took := time.Since(began)
		t.Logf("%s %s: answered after %v", turn.method, turn.path, took)
		// The clients' timeouts add up to less than a second (internal/redisclient); what is left
		// is for a busy machine.
		if took > 3*time.Second {
			t.Errorf("%s %s: answered after %v, want within a second", turn.method, turn.path, took)
		}
		traceID, _ := a.body["trace_id"].(string)
		if a.status != 503 || len(traceID) != 32 {
			t.Errorf("%s %s: got status %d, %v, want a 503 with a trace_id",
				turn.method, turn.path, a.status, a.body)
		}
	}

	redis.open(t)
	a := r.eventually(t, "GET", path)
	if a.body["state"] != "quoted" {
		t.Errorf("after the outage: got %v, want the order as quoted", a.body)
	}
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	r.must(t, "POST", path+"/confirm", "")
	r.quiesce(t)
	if a := r.must(t, "GET", path, ""); a.body["payment"] != "settled" {
		t.Errorf("after the outage: got %v, want a settled payment", a.body)
	}
}

// Redis goes away between the confirmation and the settlement: the message waits.
func TestSettlementResumesAfterRedisWasAway(t *testing.T) {
	t.Parallel()
	upstream := redisAddr(t)
	redis := startProxy(t, upstream)
	r := start(t, redis.addr)
	var paths []string
	for range 3 {
		path := r.quoted(t)
		r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
		paths = append(paths, path)
	}
	for _, path := range paths {
		r.must(t, "POST", path+"/confirm", "")
		redis.cut()
		redis.open(t)
		r.eventually(t, "GET", path)
	}
	r.quiesce(t)
	for _, path := range paths {
		if a := r.must(t, "GET", path, ""); a.body["payment"] != "settled" {
			t.Errorf("%s: got %v, want a settled payment", path, a.body)
		}
	}
}

// eventually repeats a call until it succeeds: clients need a moment to find that Redis is back.
func (r *running) eventually(t *testing.T, method, path string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		a := r.call(t, method, path, "")
		if a.status/100 == 2 {
			return a
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s %s: still status %d, %v: %v",
				method, path, a.status, a.body, errors.Unwrap(ctx.Err()))
		case <-tick.C:
		}
	}
}
