package lifecycle_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/throughline/internal/lifecycle"
)

// pipes is a listener whose connections are in memory, so that its time can be that of synctest.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

// withServer runs use with a connection to a server of ours, in time that passes only when everybody
// waits.
func withServer(t *testing.T, h http.HandlerFunc, use func(t *testing.T, c net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- lifecycle.Serve(ctx, time.Minute,
				lifecycle.HTTP("http", lifecycle.NewHTTPServer(h), l))
		}()
		client, server := net.Pipe()
		l.conns <- server
		use(t, client)
		_ = client.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// trickle sends text again and again, a byte a second, until the server has closed the connection.
func trickle(c net.Conn, text string) {
	for i := 0; ; i++ {
		if _, err := c.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// A client that sends its header a byte at a time (slowloris) is cut off after 5 s, one that sends
// nothing as well.
func TestASlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	handler := func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }
	for name, send := range map[string]func(net.Conn){
		"nothing":        func(net.Conn) {},
		"request line":   func(c net.Conn) { go trickle(c, "GET") },
		"endless header": func(c net.Conn) { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\n"); go trickle(c, "A: b\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withServer(t, handler, func(t *testing.T, c net.Conn) {
				start := time.Now()
				send(c)
				_, _ = io.Copy(io.Discard, c)
				if took := time.Since(start); took > 6*time.Second {
					t.Errorf("cut off after %v, want about 5s", took)
				}
				_ = c.Close()
				time.Sleep(2 * time.Second) // until whoever trickles has seen it
			})
		})
	}
}

// A body that comes a byte at a time ends the request after 10 s.
func TestASlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	withServer(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("the body was read to its end")
		}
		w.WriteHeader(http.StatusRequestTimeout)
	}, func(t *testing.T, c net.Conn) {
		start := time.Now()
		_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		go trickle(c, "x")
		_, _ = io.Copy(io.Discard, c)
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("cut off after %v, want about 10s", took)
		}
		_ = c.Close()
		time.Sleep(2 * time.Second)
	})
}

// A client that does not read its answer holds the handler for 15 s, no longer.
func TestASlowReaderIsCutOff(t *testing.T) {
	t.Parallel()
	var failed atomic.Bool // a channel would have to be of the bubble
	withServer(t, func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20)))
		failed.Store(err != nil)
	}, func(t *testing.T, c net.Conn) {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(16 * time.Second)
		if !failed.Load() {
			t.Error("the handler still writes, or has written everything, after 16s")
		}
	})
}

// A connection on which nothing more is asked is closed after a minute.
func TestAnIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	withServer(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, c net.Conn) {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(c)
		resp, err := http.ReadResponse(answers, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", resp, err)
		}
		_ = resp.Body.Close()
		start := time.Now()
		if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("read: %v, want the end", err)
		}
		if took := time.Since(start); took > 61*time.Second {
			t.Errorf("closed after %v, want a minute", took)
		}
	})
}

// A head of more than 36 KiB is refused by net/http before there is a request.
func TestAHugeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	handler := func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }
	withServer(t, handler, func(t *testing.T, c net.Conn) {
		go func() {
			_, _ = io.WriteString(c,
				"GET / HTTP/1.1\r\nHost: a\r\nA: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Fatalf("%v, %v, want 431", resp, err)
		}
		_ = resp.Body.Close()
	})
}
