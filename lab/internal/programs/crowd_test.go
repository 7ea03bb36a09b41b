package programs

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd is customers who check out again and again, and go away when something does not work.
type crowd struct {
	fleet   *fleet
	url     string
	gateway atomic.Pointer[string] // the instance that is there now
	whole   atomic.Int64           // checkouts that went through, to their confirmation
	end     context.CancelFunc
	all     sync.WaitGroup

	mu       sync.Mutex
	requests []request
}

// request is what became of one.
type request struct {
	gateway string // the instance that was there when it was sent
	span    string // of the answer: see key
	status  int    // 0: there was no answer
	err     error  // why there was none
}

// gather lets n customers come, who stay until leave, and returns when they are served.
func (f *fleet) gather(t *testing.T, n int) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{fleet: f, url: f.at("gateway/http") + "/checkouts", end: cancel}
	t.Cleanup(c.leave)
	c.gateway.Store(&f.live["gateway"].instance)
	for range n {
		c.all.Go(func() {
			pace := time.NewTicker(100 * time.Millisecond) // the store keeps everything
			defer pace.Stop()
			for ctx.Err() == nil {
				c.checkout(t)
				<-pace.C
			}
		})
	}
	c.served(t)
	return c
}

// leave lets everyone finish, and returns when they have gone.
func (c *crowd) leave() { c.end(); c.all.Wait() }

// served returns when the next checkouts have gone through.
func (c *crowd) served(t *testing.T) {
	t.Helper()
	before := c.whole.Load()
	until(t, "checkouts that go through", func() bool { return c.whole.Load() >= before+8 })
}

func (c *crowd) checkout(t *testing.T) {
	o := &order{url: c.url, client: client(t), confirms: map[string]bool{}, statuses: map[int]int{}}
	defer o.client.CloseIdleConnections()
	for _, turn := range []struct{ method, path, body string }{
		{"POST", "", `{"customer":"c-1","continuation":"linked"}`},
		{"PUT", "/items", `{"items":[{"sku":"mug","qty":2}]}`},
		{"PUT", "/shipping", `{"country":"DE","method":"standard"}`},
		{"POST", "/quote", `{}`},
		{"POST", "/payment", `{"card_token":"tok_visa"}`},
		{"POST", "/confirm", ``},
	} {
		gateway := *c.gateway.Load()
		a, err := o.call(context.Background(), turn.method, turn.path, turn.body, "")
		c.note(request{gateway: gateway, span: key(a.trace), status: a.status, err: err})
		if err != nil || a.status/100 != 2 {
			return
		}
		if turn.path == "" {
			id, _ := a.body["id"].(string)
			o.url += "/" + id
		}
	}
	c.whole.Add(1)
}

func (c *crowd) note(r request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
}

// answers returns the requests that were answered, and checks that none hung.
func (c *crowd) answers(t *testing.T) (answered []request) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	statuses := map[int]int{}
	for _, r := range c.requests {
		statuses[r.status]++
		if late := net.Error(nil); errors.As(r.err, &late) && late.Timeout() {
			t.Errorf("a request hung: %v", r.err)
		}
		if r.status != 0 {
			answered = append(answered, r)
		}
	}
	t.Logf("%d requests, by status (0: no connection, or it broke): %v", len(c.requests), statuses)
	return answered
}
