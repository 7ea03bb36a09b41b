package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"example.com/throughline/internal/lifecycle"
)

// Probe sends requests to a service and sees what the service sends on. It is for one request at
// a time.
type Probe struct {
	service string // URL
	peer    string // URL of what the service calls
	calls   chan http.Header
}

// WithProbe runs f with a probe of a service that is stopped again when f has returned.
func WithProbe(ctx context.Context, f func(*Probe) error) error {
	service, err := New(ctx, Config{})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- service.Serve(running) }()
	err = withPeer(ctx, service.URL(), f)
	stop()
	return errors.Join(err, <-served)
}

func withPeer(ctx context.Context, service string, f func(*Probe) error) error {
	listener, err := lifecycle.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	p := &Probe{
		service: service, peer: "http://" + listener.Addr().String() + "/",
		calls: make(chan http.Header, maxCalls),
	}
	peer := lifecycle.NewHTTPServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p.calls <- r.Header
	}))
	running, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	server := lifecycle.HTTP("peer", peer, listener)
	go func() { served <- lifecycle.Serve(running, patience, server) }()
	err = f(p)
	stop()
	return errors.Join(err, <-served)
}

// Send sends one request with these headers, written as they are, and returns the headers of the n
// calls that the service makes because of it.
func (p *Probe) Send(ctx context.Context, n int, headers []Header) ([]http.Header, error) {
	calls := strings.Repeat(fmt.Sprintf(`{"url":%q,"arguments":[]},`, p.peer), n)
	status, body, err := p.post(ctx, headers, "["+strings.TrimSuffix(calls, ",")+"]")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("POST %s: status %d, want 200: %.200s", p.service, status, body)
	}
	got := make([]http.Header, n)
	for i := range got {
		select { // the service has answered after its calls: they are here, or never come
		case got[i] = <-p.calls:
		default:
			return nil, fmt.Errorf("POST %s: %d calls, want %d", p.service, i, n)
		}
	}
	return got, nil
}

// post writes the request itself: net/http would mend the headers that this is about.
func (p *Probe) post(
	ctx context.Context, headers []Header, body string,
) (status int, answer []byte, err error) {
	u, err := url.Parse(p.service)
	if err != nil {
		return 0, nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n",
		u.Path, u.Host, len(body))
	for _, h := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	if _, err := io.WriteString(conn, b.String()+"\r\n"+body); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, answer, err
}
