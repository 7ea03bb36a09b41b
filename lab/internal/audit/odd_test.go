package audit

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"example.com/throughline/internal/scenario"
)

// planters returns where the canaries were planted that were found.
func planters(a *Audit) (all []string) {
	for _, f := range a.Findings() {
		_, place, _ := strings.Cut(f.Planted, ", ")
		all = append(all, place)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A server that tells all that it is told is found out, whatever the place.
func TestOddPlacesAreFound(t *testing.T) {
	t.Parallel()
	tells := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		text, _ := io.ReadAll(body)
		user, password, _ := r.BasicAuth()
		fmt.Fprintln(w, user, password, r.Trailer, r.Header, string(text))
	}))
	defer tells.Close()
	a := New()
	s := &sender{audit: a, client: tells.Client()}
	target := aim{endpoint: endpoint{at: "x", route: "POST /x", body: `{"a":1}`}, base: tells.URL, flock: a.flock}
	for _, odd := range target.odd() {
		shot := target.shot(odd.what, 1)
		odd.change(&shot)
		if _, err := s.send(t.Context(), shot); err != nil {
			t.Fatal(err)
		}
	}
	found := planters(a)
	for _, want := range []string{"form", "name in a form", "name of a part", "name of a file", "part",
		"compressed body", "body in UTF-16", "trailer", "user in the URL", "password in the URL",
		"name of a header", "name of a cookie", "content type", "key in tracestate", "key in baggage",
		"property in baggage", "key of a property in baggage"} {
		if !slices.Contains(found, want) {
			t.Errorf("%s: not found, of %d places", want, len(found))
		}
	}
}

// The same for what comes on a bare connection.
func TestRawPlacesAreFound(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			tell(conn)
		}
	}()
	a := New()
	s := &sender{audit: a, fleet: scenario.Fleet{Targets: map[string]string{
		"x": "http://" + listener.Addr().String(), "customer": "http://192.0.2.1", "payment": "grpc://x"}}}
	if err := s.raw(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	<-done
	found := planters(a)
	for _, want := range []string{"extension of a chunk", "extension of the last chunk", "whole URL",
		"name of a header", "header", "CONNECT", "broken request line", "protocol", "broken header",
		"broken path", "broken HTTP/2", "no request at all"} {
		if !slices.Contains(found, want) {
			t.Errorf("%s: not found, of %d places: %q", want, len(found), found)
		}
	}
}

// tell answers with what it has read, unless that begins a handshake.
func tell(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	if first, err := in.Peek(1); err != nil || first[0] == 0x16 {
		return
	}
	text, _ := io.ReadAll(in)
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}
