package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	// maxBody bounds an answer. The largest trace of the scenarios takes some 100 KiB.
	maxBody = 32 << 20
	// requestTimeout bounds one request, body and all.
	requestTimeout = 10 * time.Second
)

// Client sends the requests of readers. Close it when they are done.
type Client struct {
	http *http.Client
}

// NewClient returns a client without proxy.
func NewClient() *Client {
	return &Client{&http.Client{Transport: &http.Transport{}, Timeout: requestTimeout}}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ParseURL reads the base address of a backend. Without a scheme it means http.
func ParseURL(base string) (string, error) {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%.60q: want a URL such as http://127.0.0.1:16686", base)
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// get returns the body of an answer of 200, nil for one of 404: not there, or not yet.
func (c *Client) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, Refusal{err}
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", address, err)
	case len(body) > maxBody:
		return nil, refuse("GET %s: the answer is larger than %d MiB", address, maxBody>>20)
	case resp.StatusCode == http.StatusOK:
		return body, nil
	case resp.StatusCode == http.StatusNotFound:
		return nil, nil
	}
	err = fmt.Errorf("GET %s: %s: %s", address, resp.Status, shorten(body))
	if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
		return nil, Refusal{err}
	}
	return nil, err
}

// shorten returns the beginning of a text on one line.
func shorten(text []byte) string {
	const most = 200
	words := strings.Join(strings.Fields(string(text[:min(len(text), 4*most)])), " ")
	if len(words) > most {
		words = words[:most] + "..."
	}
	return words
}

// Answers returns nil once a reader answers a question for a trace that nobody has. What is only
// starting gets until ctx ends; where nothing listens, nothing is waited for.
func Answers(ctx context.Context, read Reader) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		_, err := read(ctx, strings.Repeat("0", 31)+"1")
		if err == nil || refused(err) || errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
