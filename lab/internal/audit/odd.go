package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// change is what is odd about a request.
type change struct {
	what   string
	change func(*shot)
}

// odd are places in a request that no endpoint asks for: other kinds of bodies, trailers, a user in
// the URL.
func (a aim) odd() []change {
	var all []change
	for _, k := range some() {
		all = append(all,
			change{"form", func(s *shot) {
				s.header.Set("Content-Type", "application/x-www-form-urlencoded")
				s.body = url.Values{"email": {a.plant(k, "form")}, a.plant(k, "name in a form"): {"1"}}.Encode()
			}},
			change{"multipart", func(s *shot) {
				s.header.Set("Content-Type", "multipart/form-data; boundary=b")
				s.body = fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=%q; filename=%q\r\n\r\n%s\r\n--b--\r\n",
					a.plant(k, "name of a part"), a.plant(k, "name of a file"), a.plant(k, "part"))
			}},
			change{"gzip", func(s *shot) {
				s.header.Set("Content-Encoding", "gzip")
				s.body = gzipped(`{"email":"` + a.plant(k, "compressed body") + `"}`)
			}},
			change{"UTF-16", func(s *shot) {
				s.header.Set("Content-Type", "application/json; charset=utf-16")
				s.body = "\xff\xfe" + eachByte("%c\x00", a.plant(k, "body in UTF-16"))
			}},
			change{"trailer", func(s *shot) {
				s.trailer = http.Header{"X-Checksum": {a.plant(k, "trailer")}}
			}},
			change{"user", func(s *shot) {
				scheme, rest, _ := strings.Cut(s.url, "://")
				s.header.Del("Authorization")
				s.url = scheme + "://" + url.UserPassword(a.plant(k, "user in the URL"),
					a.plant(k, "password in the URL")).String() + "@" + rest
			}})
	}
	return all
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s) // into memory
	_ = w.Close()
	return b.String()
}

// raw sends to each listener what no HTTP client sends: extensions of chunks, a URL in the request
// line, a line that is no request, a TLS handshake with the name of a server.
func (s *sender) raw(ctx context.Context) error {
	for _, at := range sorted(s.fleet.Targets) {
		address, ok := strings.CutPrefix(s.fleet.Targets[at], "http://")
		if !ok || at == "customer" {
			continue
		}
		a := aim{endpoint: endpoint{at: at, route: "raw"}, flock: s.audit.flock}
		if !s.audit.chosen(a.String()) {
			continue
		}
		for _, k := range some() {
			for _, text := range a.garbage(k) {
				if err := s.bytes(ctx, a, address, text); err != nil {
					return fmt.Errorf("audit: %s: %w", a, err)
				}
			}
		}
		if err := s.handshake(ctx, a, address); err != nil {
			return fmt.Errorf("audit: %s: %w", a, err)
		}
	}
	return nil
}

func (a aim) garbage(k kind) []string {
	const tail = " HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n"
	return []string{
		"POST /products" + tail + "Transfer-Encoding: chunked\r\n\r\n2;note=\"" +
			a.plant(k, "extension of a chunk") + "\"\r\n{}\r\n0;" + a.plant(k, "extension of the last chunk") + "\r\n\r\n",
		"GET http://ada:" + url.PathEscape(a.plant(k, "whole URL")) + "@shop/products" + tail + "\r\n",
		"OPTIONS *" + tail + "X-" + a.plant(opaque(), "name of a header") + ": " + a.plant(k, "header") + "\r\n\r\n",
		"CONNECT " + url.PathEscape(a.plant(k, "CONNECT")) + ":443" + tail + "\r\n",
		"GET /" + a.plant(k, "broken request line") + " " + a.plant(k, "protocol") + "\r\n\r\n",
		"GET /products" + tail + "no colon " + a.plant(k, "broken header") + "\r\n\r\n",
		"GET /%zz" + a.plant(k, "broken path") + tail + "\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + a.plant(k, "broken HTTP/2"),
		a.plant(k, "no request at all") + "\r\n\r\n",
	}
}

// bytes sends a text on a connection of its own, and searches what comes back.
func (s *sender) bytes(ctx context.Context, a aim, address, text string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(callTimeout))
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.audit.count(&s.audit.searched.Requests, 1)
		return nil // no HTTP, no answer
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := readAll(response)
	s.audit.answer(a.String(), response, body)
	return nil
}

// handshake begins TLS where none is spoken.
func (s *sender) handshake(ctx context.Context, a aim, address string) error {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: callTimeout}, Config: &tls.Config{
		ServerName: a.plant(kinds()[3], "name of a server") + ".example",
		NextProtos: []string{a.plant(opaque(), "protocol of a handshake")}}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	s.audit.count(&s.audit.searched.Requests, 1)
	if err == nil {
		return errors.Join(errors.New("TLS is spoken"), conn.Close())
	}
	return ctx.Err()
}
