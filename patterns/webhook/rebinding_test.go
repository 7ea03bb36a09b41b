package webhook

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// DNS rebinding: the name is on the list, and was public when somebody looked. When it is dialled
// it resolves to an address inside, alone, among public ones, or in a form that hides it.
func TestNamesThatChangeTheirMind(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a private address was called")
	}))
	defer inside.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for name, addresses := range map[string][]net.IP{
		"loopback":          {net.IPv4(127, 0, 0, 1)},
		"metadata":          {net.IPv4(169, 254, 169, 254)},
		"private":           {net.IPv4(10, 0, 0, 1), net.IPv4(192, 168, 0, 1)},
		"any":               {net.IPv4zero},
		"IPv6 loopback":     {net.IPv6loopback},
		"IPv4 as IPv6":      {net.ParseIP("64:ff9b::7f00:1")},
		"unique local IPv6": {net.ParseIP("fd00::1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			client, err := New(Options{
				Hosts: []string{"rebind.example:" + port}, Secret: secret(),
				TracerProvider: sdktrace.NewTracerProvider(),
				resolver:       answering(t, &asked, addresses...),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			target := "http://rebind.example:" + port + "/"
			if err := client.Check(target); err != nil {
				t.Fatalf("Check = %v: the test is about a name that is allowed", err)
			}
			if _, err := client.Post(t.Context(), target, nil); !errors.Is(err, ErrNotAllowed) {
				t.Errorf("Post = %v, want %v", err, ErrNotAllowed)
			}
			if asked.Load() == 0 {
				t.Error("the name was not resolved")
			}
		})
	}
}

// An answer without end is read as far as it may be long.
func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	client, target, _ := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for range 64 << 10 { // more than all buffers on the way hold
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<10)); err != nil {
				return
			}
		}
		t.Error("64 MiB were read")
	})
	if status, err := client.Post(t.Context(), target, nil); err != nil || status != 200 {
		t.Errorf("Post = %d, %v", status, err)
	}
	<-ended
}

// answering is a resolver whose server gives these addresses for every name.
func answering(t *testing.T, asked *atomic.Int64, addresses ...net.IP) *net.Resolver {
	t.Helper()
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			for answer(server, asked, addresses) == nil {
			}
		}()
		return client, nil
	}}
}

// answer reads a question, as DNS over a stream has it (RFC 1035, 4.2.2), and answers it.
func answer(c net.Conn, asked *atomic.Int64, addresses []net.IP) error {
	length := make([]byte, 2)
	if _, err := io.ReadFull(c, length); err != nil {
		return err
	}
	question := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(c, question); err != nil {
		return err
	}
	asked.Add(1)
	const header = 12
	end := header
	for question[end] != 0 { // the labels of the name
		end += 1 + int(question[end])
	}
	end += 1 + 2 + 2 // type and class
	kind := binary.BigEndian.Uint16(question[end-4:])
	body, records := []byte{}, uint16(0)
	for _, ip := range addresses {
		data, of := []byte(ip.To4()), uint16(1) // A
		if data == nil {
			data, of = ip.To16(), 28 // AAAA
		}
		if of != kind {
			continue
		}
		records++
		body = append(body, 0xc0, header) // the name of the question
		body = binary.BigEndian.AppendUint16(body, of)
		body = append(body, 0, 1, 0, 0, 0, 0) // class IN, not to be kept
		body = binary.BigEndian.AppendUint16(body, uint16(len(data)))
		body = append(body, data...)
	}
	reply := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1}, // a response, no error
		byte(records>>8), byte(records), 0, 0, 0, 0)
	reply = append(append(reply, question[header:end]...), body...)
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}
