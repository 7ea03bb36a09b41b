package load

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// NoAnswer is the status of a request whose connection failed.
const NoAnswer = 0

// Requests is what became of the requests.
type Requests struct {
	Sent          int
	Status        map[int]int // by status; NoAnswer for none
	Hung          int         // no answer within the timeout; they are in Status as NoAnswer too
	P50, P99, Max time.Duration
}

// Answered is how many requests got an answer.
func (r Requests) Answered() int { return r.Sent - r.Status[NoAnswer] }

// OK is how many were answered with a success.
func (r Requests) OK() (n int) {
	for status, count := range r.Status {
		if status/100 == 2 {
			n += count
		}
	}
	return n
}

// customers send requests and remember what became of them.
type customers struct {
	url    string
	client *http.Client

	mu     sync.Mutex
	status map[int]int
	hung   int
	took   []time.Duration
}

func newCustomers(gateway string) *customers {
	return &customers{
		url: gateway + "/checkouts", status: map[int]int{},
		client: &http.Client{Timeout: timeout, Transport: &http.Transport{
			MaxIdleConnsPerHost: inFlight,
		}},
	}
}

func (c *customers) close() { c.client.CloseIdleConnections() }

// forget begins a new page.
func (c *customers) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.hung, c.took = map[int]int{}, 0, nil
}

func (c *customers) requests() Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := sortedDurations(c.took)
	r := Requests{Status: maps.Clone(c.status), Hung: c.hung, Sent: len(took),
		P50: percentile(took, 0.5), P99: percentile(took, 0.99)}
	if len(took) > 0 {
		r.Max = took[len(took)-1]
	}
	return r
}

// checkout is one customer: a whole checkout, as far as it is served. The end of ctx does not cut a
// customer short.
func (c *customers) checkout(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	id, ok := c.send(ctx, http.MethodPost, "", `{"customer":"c-load","continuation":"persisted"}`)
	for _, turn := range []struct{ method, path, body string }{
		{http.MethodPut, "/items", `{"items":[{"sku":"sticker","qty":1}]}`},
		{http.MethodPut, "/shipping", `{"country":"DE","method":"standard"}`},
		{http.MethodPost, "/quote", `{}`},
		{http.MethodPost, "/payment", `{"card_token":"tok_visa"}`},
		{http.MethodPost, "/confirm", ``},
	} {
		if !ok {
			return // the turns that follow could not be served
		}
		_, ok = c.send(ctx, turn.method, "/"+id+turn.path, turn.body)
	}
}

// send returns the id in the answer, and whether the answer is a success.
func (c *customers) send(ctx context.Context, method, path, body string) (id string, ok bool) {
	began := time.Now()
	status, id, err := c.do(ctx, method, path, body)
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, took)
	c.status[status]++
	if late := interface{ Timeout() bool }(nil); errors.As(err, &late) && late.Timeout() {
		c.hung++
	}
	return id, status/100 == 2
}

func (c *customers) do(
	ctx context.Context, method, path, body string,
) (status int, id string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return NoAnswer, "", err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return NoAnswer, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return NoAnswer, "", err
	}
	var answer struct{ ID string }
	_ = json.Unmarshal(data, &answer) // without an id there is nothing to go on with
	return resp.StatusCode, answer.ID, nil
}
