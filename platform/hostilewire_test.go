package platform_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What is no HTTP, is half of it, or could be read in two ways, costs its connection and nothing
// else: no 5xx, no panic, and the next one is served.
func TestBrokenRequestsBreakNothing(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	addr := strings.TrimPrefix(r.Fleet().Targets["gateway"], "http://")
	const post = "POST /checkouts HTTP/1.1\r\nHost: a\r\n"
	for name, raw := range map[string]string{
		"nothing":            "",
		"half a line":        "GE",
		"no HTTP":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"HTTP/0.9":           "GET /products\r\n",
		"HTTP/2 preface":     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"no host":            "GET /products HTTP/1.1\r\n\r\n",
		"two hosts":          "GET /products HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"name with a space":  post + "trace parent: x\r\n\r\n",
		"value with NUL":     post + "traceparent: a\x00b\r\n\r\n",
		"no colon":           post + "traceparent\r\n\r\n",
		"folded line":        post + "tracestate: a=1,\r\n b=2\r\n\r\n",
		"length and chunked": post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n",
		"two lengths":        post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"negative length":    post + "Content-Length: -1\r\n\r\n",
		"huge length":        post + "Content-Length: 9223372036854775807\r\n\r\n{",
		"length overflow":    post + "Content-Length: 92233720368547758070\r\n\r\n{",
		"bad chunk":          post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"endless chunk":      post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{",
		"truncated body":     post + "Content-Length: 1000\r\n\r\n{\"customer\":\"c",
		"truncated chunk":    post + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"c",
		"unknown encoding":   post + "Transfer-Encoding: gzip\r\n\r\n{}",
		"gzip body":          post + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
		"upgrade":            "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		"connect":            "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n",
		"absolute target":    "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: a\r\n\r\n",
		"asterisk":           "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"path upwards":       "GET /checkouts/../../admin HTTP/1.1\r\nHost: a\r\n\r\n",
		"path with NUL":      "GET /checkouts/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
		"bad escape":         "GET /checkouts/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"no UTF-8":           "GET /checkouts/%ff%fe HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xfe\r\n\r\n",
		"unknown method":     "TRACE /checkouts HTTP/1.1\r\nHost: a\r\n\r\n",
		"method of 100":      strings.Repeat("M", 100) + " /checkouts HTTP/1.1\r\nHost: a\r\n\r\n",
		"expect":             post + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}",
		"huge header":        post + "A: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"thousand headers":   post + strings.Repeat("A: b\r\n", 1000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, status := range statuses(t, addr, raw) {
				// 501 is how net/http says that it does not know an encoding; it is no failure.
				if status >= 500 && status != http.StatusNotImplemented {
					t.Errorf("status %d", status)
				}
			}
		})
	}
	r.must(t, "GET", "/products", "")
	r.quiesce(t)
	if got := len(r.logged("handler panicked")); got != 0 {
		t.Errorf("%d handlers panicked", got)
	}
}

// statuses sends raw bytes and returns the statuses of what is answered, until nothing comes.
func statuses(t *testing.T, addr, raw string) []int {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// An error means that the server has seen enough.
	_, _ = io.WriteString(c, raw)
	_ = c.(*net.TCPConn).CloseWrite()
	var all []int
	for answers := bufio.NewReader(c); ; {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return all
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		all = append(all, resp.StatusCode)
	}
}

// logged returns the lines on stdout that contain text.
func (r *running) logged(text string) []string {
	var found []string
	for _, line := range r.stdout.all() {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// Many requests on one connection, sent without waiting, are answered in their order.
func TestPipelinedRequestsAreBounded(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	addr := strings.TrimPrefix(r.Fleet().Targets["gateway"], "http://")
	var raw strings.Builder
	const n = 50
	for i := range n {
		fmt.Fprintf(&raw, "GET /nowhere/%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
	}
	raw.WriteString("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	got := statuses(t, addr, raw.String())
	if len(got) != n+1 {
		t.Errorf("%d answers, want %d", len(got), n+1)
	}
	for _, status := range got {
		if status != http.StatusNotFound {
			t.Errorf("status %d, want 404", status)
		}
	}
}
