package platform

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/patterns/webhook"
)

// maxReceived bounds what a customer remembers, in webhooks.
const maxReceived = 10_000

// customer is a third party: the server of a customer who wants to be told what becomes of an
// order. It is not ours and makes no spans. It verifies what it gets, remembers what it got, and
// calls back when the path of its URL says so.
type customer struct {
	listener net.Listener
	base     string // URL at which the services reach it
	secret   []byte
	gateway  atomic.Pointer[string] // base URL, once it is known
	client   *http.Client

	mu       sync.Mutex
	received map[string]*received // by order
	order    []string             // oldest first
}

// received is what a customer knows of the webhooks of one order. The headers are those of the
// last one; one that was not sent is left out.
type received struct {
	Calls       int         `json:"calls"`
	Verified    bool        `json:"verified"` // all of them
	State       string      `json:"state"`
	Traceparent string      `json:"traceparent,omitempty"`
	Tracestate  string      `json:"tracestate,omitempty"`
	Baggage     string      `json:"baggage,omitempty"`
	CalledBack  *calledBack `json:"called_back,omitempty"`

	// Target, Header and Body are the last request as it came, for an audit.
	Target string      `json:"target"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// calledBack is what a customer sent, and what came of it.
type calledBack struct {
	Traceparent string `json:"traceparent"`
	Status      int    `json:"status"` // 0: no answer
}

// newCustomer opens the listener of a customer with a secret of its own.
func newCustomer(addr string) (*customer, error) {
	l, err := lifecycle.Listen(addr)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails, says its documentation
	return &customer{
		listener: l, secret: secret, base: "http://" + l.Addr().String(),
		client:   &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{}},
		received: map[string]*received{},
	}, nil
}

// host is what order has to allow, host:port.
func (c *customer) host() string { return c.listener.Addr().String() }

func (c *customer) serve(ctx context.Context) error {
	defer c.client.CloseIdleConnections()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.introduce)
	mux.HandleFunc("GET /received/{order}", c.tell)
	mux.HandleFunc("POST /hook", c.take)
	mux.HandleFunc("POST /call-back", c.take)
	return lifecycle.Serve(ctx, 5*time.Second,
		lifecycle.HTTP("customer", lifecycle.NewHTTPServer(mux), c.listener))
}

// introduce tells the URL at which the services reach this server.
func (c *customer) introduce(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]string{"url": c.base})
}

func (c *customer) tell(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	got, ok := c.received[r.PathValue("order")]
	var known received
	if ok {
		known = *got
	}
	c.mu.Unlock()
	if !ok {
		http.Error(w, "no webhook for this order", http.StatusNotFound)
		return
	}
	answer(w, known)
}

// take is the webhook. A call back is made before the answer, as a customer's server may do, so
// that whoever waits for the webhook waits for all that it causes.
func (c *customer) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		http.Error(w, "body not read", http.StatusBadRequest)
		return
	}
	var told struct {
		OrderID string `json:"order_id"`
		State   string `json:"state"`
	}
	if err := json.Unmarshal(body, &told); err != nil || told.OrderID == "" {
		http.Error(w, "want order_id and state", http.StatusBadRequest)
		return
	}
	err = webhook.Verify(c.secret, r.Header.Get(webhook.SignatureHeader), body, time.Now())
	c.remember(told.OrderID, func(got *received) {
		got.Calls++
		got.Verified = err == nil && (got.Verified || got.Calls == 1)
		got.State = told.State
		got.Traceparent = strings.Join(r.Header.Values("traceparent"), ", ")
		got.Tracestate = strings.Join(r.Header.Values("tracestate"), ", ")
		got.Baggage = strings.Join(r.Header.Values("baggage"), ", ")
		got.Target, got.Header, got.Body = r.RequestURI, r.Header, string(body)
	})
	if err != nil {
		http.Error(w, "signature not verified", http.StatusForbidden)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/call-back") {
		back := c.callBack(r.Context(), told.OrderID)
		c.remember(told.OrderID, func(got *received) { got.CalledBack = &back })
	}
	w.WriteHeader(http.StatusNoContent)
}

// callBack tells the shop that the webhook was received, with a context of the customer's own.
func (c *customer) callBack(ctx context.Context, orderID string) (back calledBack) {
	ids := make([]byte, 24)
	_, _ = rand.Read(ids)
	back.Traceparent = "00-" + hex.EncodeToString(ids[:16]) + "-" + hex.EncodeToString(ids[16:]) + "-01"
	gateway := c.gateway.Load()
	if gateway == nil {
		return back
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		*gateway+"/callbacks/"+orderID, strings.NewReader(`{"status":"received"}`))
	if err != nil {
		return back
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", back.Traceparent)
	req.Header.Set("Tracestate", "customer=state")
	req.Header.Set("Baggage", "customer.note=canary-baggage")
	resp, err := c.client.Do(req)
	if err != nil {
		return back
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if errors.Join(err, resp.Body.Close()) == nil {
		back.Status = resp.StatusCode
	}
	return back
}

// remember forgets the oldest order when there are too many.
func (c *customer) remember(orderID string, change func(*received)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	got, ok := c.received[orderID]
	if !ok {
		got = &received{}
		c.received[orderID] = got
		c.order = append(c.order, orderID)
		if len(c.order) > maxReceived {
			delete(c.received, c.order[0])
			c.order = c.order[1:]
		}
	}
	change(got)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // an error here means that nobody is listening
}
