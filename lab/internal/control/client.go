package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// ErrUnreachable says that nothing answers at the lab's address.
var ErrUnreachable = errors.New("no lab answers")

// Client talks to a lab's control listener. It is a scenario.Source
// and a scenario.MetricSource.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns a client for the lab at base, such as
// http://127.0.0.1:4400. A base without a scheme means http. A nil client
// means one of its own that uses no proxy.
func NewClient(base string, client *http.Client) *Client {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	if client == nil {
		client = &http.Client{Transport: &http.Transport{}}
	}
	return &Client{base: strings.TrimSuffix(base, "/"), http: client}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Healthy returns nil when the lab serves.
func (c *Client) Healthy(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/healthz", nil, nil)
}

// Platform asks where the services are.
func (c *Client) Platform(ctx context.Context) (scenario.Fleet, error) {
	var fleet scenario.Fleet
	err := c.do(ctx, http.MethodGet, "/platform", nil, &fleet)
	return fleet, err
}

// Received asks how many spans of each instance have arrived.
func (c *Client) Received(ctx context.Context) ([]Arrived, error) {
	var list []Arrived
	err := c.do(ctx, http.MethodGet, "/received", nil, &list)
	return list, err
}

// Await returns when everything that the ledgers call exported has arrived.
func (c *Client) Await(ctx context.Context, ledgers []telemetry.Snapshot) error {
	return c.do(ctx, http.MethodPost, "/await"+timeout(ctx), ledgers, nil)
}

// Points asks for what the instances of the ledgers have measured.
func (c *Client) Points(
	ctx context.Context, ledgers []telemetry.Snapshot,
) ([]tracetree.Point, error) {
	var found []tracetree.Point
	err := c.do(ctx, http.MethodPost, "/metrics"+timeout(ctx), ledgers, &found)
	return found, err
}

// timeout makes the deadline of ctx the lab's too, so that its answer says what
// is missing.
func timeout(ctx context.Context) (query string) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ""
	}
	// A little less, for the answer to come in time.
	left := max(time.Until(deadline)*9/10, time.Millisecond)
	return "?timeout=" + left.Round(time.Millisecond).String()
}

// Journey asks for everything that belongs to these traces.
func (c *Client) Journey(ctx context.Context, traceIDs []string) (scenario.Journey, error) {
	return c.journey(ctx, url.Values{"trace": traceIDs})
}

// Find asks for the journey of a workflow: a checkout's or negotiation's id.
func (c *Client) Find(ctx context.Context, id string) (scenario.Journey, error) {
	return c.journey(ctx, url.Values{"id": {id}})
}

func (c *Client) journey(ctx context.Context, query url.Values) (scenario.Journey, error) {
	var found scenario.Journey
	err := c.do(ctx, http.MethodGet, "/journey?"+query.Encode(), nil, &found)
	return found, err
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("lab: %s: %w", path, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("lab: %w: %w (start one with `lab up`)", ErrUnreachable, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return refusal(resp)
	}
	if out == nil {
		return nil
	}
	decoder := json.NewDecoder(resp.Body)
	decoder.UseNumber() // attributes may be 64-bit integers
	if err := decoder.Decode(out); err != nil {
		return fmt.Errorf("lab: answer of %s%s: %w", c.base, path, err)
	}
	return nil
}

func refusal(resp *http.Response) error {
	if p, ok := problem.Parse(resp.Body, resp.Header.Get("Content-Type")); ok {
		return fmt.Errorf("lab: %w", p)
	}
	return fmt.Errorf("lab: %s answers %s: is it a lab?", resp.Request.URL.Redacted(), resp.Status)
}
