package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func secret() []byte { return []byte("an example: use 32 random bytes!") }

func TestWhatIsNotOnTheListIsNotCalled(t *testing.T) {
	t.Parallel()
	client, spans := newClient(t, []string{"hooks.example.com", "ports.example.com:8443"}, nil)
	for _, target := range []string{
		"", "x", "//hooks.example.com/", "ftp://hooks.example.com/", "file:///etc/passwd",
		"https://hooks.example.com:8443/", "https://ports.example.com/",
		"https://hooks.example.com.evil.example/", "https://evil.example/?hooks.example.com",
		"https://evil.example#hooks.example.com", "https://a.hooks.example.com/",
		"https://hooks.example.com@evil.example/", "https://user@hooks.example.com/",
		"https://hooks.example.com\\@evil.example/", "http:hooks.example.com", "http://[::1",
	} {
		if status, err := client.Post(t.Context(), target, nil); !errors.Is(err, ErrNotAllowed) || status != 0 {
			t.Errorf("Post(%q) = %d, %v, want %v", target, status, err, ErrNotAllowed)
		}
		if err := client.Check(target); !errors.Is(err, ErrNotAllowed) {
			t.Errorf("Check(%q) = %v, want %v", target, err, ErrNotAllowed)
		}
	}
	for _, target := range []string{"https://hooks.example.com/a?b=c", "http://ports.example.com:8443"} {
		if err := client.Check(target); err != nil {
			t.Errorf("Check(%q) = %v, want nil", target, err)
		}
	}
	if got := len(spans.Started()); got != 0 {
		t.Errorf("%d spans, want none", got)
	}
}

// The list allows the name, and the name leads inside: what counts is the address.
func TestNoNameLeadsInside(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a private address was called")
	}))
	defer inside.Close()
	address := strings.TrimPrefix(inside.URL, "http://")
	localhost := strings.Replace(address, "127.0.0.1", "localhost", 1)
	client, spans := newClient(t, []string{address, localhost}, nil)
	for _, host := range []string{address, localhost, strings.ToUpper(localhost)} {
		_, err := client.Post(t.Context(), "http://"+host+"/secret-path", nil)
		if !errors.Is(err, ErrNotAllowed) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Post to %s: error = %v, want %v without the path", host, err, ErrNotAllowed)
		}
	}
	for _, span := range spans.Ended() {
		if got := span.Status().Code; got != codes.Error {
			t.Errorf("status = %v, want Error", got)
		}
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254",
		"172.16.0.1", "192.168.1.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1",
		"255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::7f00:1", "fc00::1",
		"fe80::1", "fe80::1%eth0", "ff02::1", "fec0::1", "64:ff9b::7f00:1", "2002:7f00:1::",
		"2001:db8::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b:1::a00:1", "100::1",
		"2001::1", "3fff::1", "192.88.99.1", "::ffff:0:127.0.0.1", "5f00::1", "4000::1",
		"239.255.255.250", "192.0.2.1", "198.51.100.1", "203.0.113.1", "100.127.255.255",
	} {
		if public(netip.MustParseAddr(address), special()) {
			t.Errorf("%s is taken for public", address)
		}
	}
	for _, address := range []string{"1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1",
		"::ffff:1.1.1.1", "2a00::1"} {
		if !public(netip.MustParseAddr(address), special()) {
			t.Errorf("%s is taken for private", address)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	requests := 0
	client, target, _ := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	status, err := client.Post(t.Context(), target, []byte("{}"))
	if !errors.Is(err, ErrStatus) || status != 307 || requests != 1 {
		t.Errorf("Post = %d, %v after %d requests, want 307, %v", status, err, requests, ErrStatus)
	}
}

func TestASlowCustomerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	client, target, spans := newPeer(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	client.client.Timeout = 10 * time.Millisecond
	if status, err := client.Post(t.Context(), target, nil); err == nil || status != 0 {
		t.Errorf("Post = %d, %v, want a timeout", status, err)
	}
	if got := len(spans.Ended()); got != 1 {
		t.Errorf("%d spans ended, want 1", got)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tp := sdktrace.NewTracerProvider()
	for name, o := range map[string]Options{
		"no secret":    {TracerProvider: tp},
		"short secret": {TracerProvider: tp, Secret: secret()[:31]},
		"no provider":  {Secret: secret()},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOnlyTraceparentTravels(t *testing.T) {
	t.Parallel()
	var got http.Header
	client, target, spans := newPeer(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	bag, err := baggage.Parse("customer=c-42")
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), spanContext(t))
	ctx = baggage.ContextWithBaggage(ctx, bag)
	if status, err := client.Post(ctx, target+"/hook?key=secret", []byte("{}")); err != nil || status != 200 {
		t.Fatalf("Post = %d, %v", status, err)
	}
	span := spans.Ended()[0]
	want := "00-" + spanContext(t).TraceID().String() + "-" + span.SpanContext().SpanID().String() + "-01"
	if got.Get("traceparent") != want {
		t.Errorf("traceparent = %q, want %q", got.Get("traceparent"), want)
	}
	for _, header := range []string{"tracestate", "baggage"} {
		if got.Values(header) != nil {
			t.Errorf("%s = %q, want none", header, got.Values(header))
		}
	}
	if span.SpanKind() != trace.SpanKindClient || span.Name() != "POST" ||
		span.Status().Code != codes.Unset {
		t.Errorf("span = %s %q, %v", span.SpanKind(), span.Name(), span.Status())
	}
	for _, kv := range span.Attributes() {
		if strings.Contains(kv.Value.String(), "secret") {
			t.Errorf("%s = %q shows the secret", kv.Key, kv.Value.String())
		}
	}
}

func TestThirdParty(t *testing.T) {
	t.Parallel()
	carrier := propagation.MapCarrier{}
	ThirdParty{}.Inject(trace.ContextWithSpanContext(t.Context(), spanContext(t)), carrier)
	want := propagation.MapCarrier{
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	if diff := cmp.Diff(want, carrier); diff != "" {
		t.Errorf("carrier (-want +got):\n%s", diff)
	}
	if sc := trace.SpanContextFromContext(ThirdParty{}.Extract(t.Context(), carrier)); sc.IsValid() {
		t.Errorf("extracted %v, want nothing", sc)
	}
	empty := propagation.MapCarrier{}
	ThirdParty{}.Inject(t.Context(), empty)
	if len(empty) != 0 {
		t.Errorf("without a span: %v, want nothing", empty)
	}
	if diff := cmp.Diff([]string{"traceparent"}, ThirdParty{}.Fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	now, body := time.Unix(1767225600, 0), []byte("{}")
	good := Sign(secret(), body, now)
	for name, test := range map[string]struct {
		secret []byte
		header string
		body   []byte
		now    time.Time
		want   error
	}{
		"nothing":      {secret(), "", body, now, ErrMalformed},
		"no mac":       {secret(), good[:12], body, now, ErrMalformed},
		"short mac":    {secret(), good[:len(good)-2], body, now, ErrMalformed},
		"no hex":       {secret(), good[:len(good)-1] + "x", body, now, ErrMalformed},
		"more":         {secret(), good + ",v0=x", body, now, ErrMalformed},
		"other body":   {secret(), good, []byte("{ }"), now, ErrForged},
		"other secret": {make([]byte, 32), good, body, now, ErrForged},
		"no secret":    {nil, Sign(nil, body, now), body, now, ErrForged},
		"other time":   {secret(), strings.Replace(good, "600", "601", 1), body, now, ErrForged},
		"old":          {secret(), good, body, now.Add(Tolerance + time.Second), ErrExpired},
		"from later":   {secret(), good, body, now.Add(-Tolerance - time.Second), ErrExpired},
	} {
		if err := Verify(test.secret, test.header, test.body, test.now); !errors.Is(err, test.want) {
			t.Errorf("%s: error = %v, want %v", name, err, test.want)
		}
	}
	for _, off := range []time.Duration{0, Tolerance, -Tolerance} {
		if err := Verify(secret(), good, body, now.Add(off)); err != nil {
			t.Errorf("%v off: %v", off, err)
		}
	}
}

// newPeer starts a customer on loopback, and a client that may call it.
func newPeer(
	t *testing.T, handle http.HandlerFunc,
) (*Client, string, *tracetest.SpanRecorder) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, spans := newClient(t, nil, []string{strings.TrimPrefix(server.URL, "http://")})
	return client, server.URL, spans
}

func newClient(t *testing.T, hosts, private []string) (*Client, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	client, err := New(Options{Hosts: hosts, PrivateHosts: private, Secret: secret(),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, spans
}

func spanContext(t testing.TB) trace.SpanContext {
	t.Helper()
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"tracestate":  "throughline=secret",
	})
	return trace.SpanContextFromContext(ctx)
}

// What the other side says is in no error and on no span, also where net/http repeats it.
func TestNothingOfTheAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   error
	}{
		"no HTTP":       {"canary\r\n\r\n", ErrAnswer},
		"no status":     {"HTTP/1.1 canary\r\n\r\n", ErrAnswer},
		"no version":    {"HTTP/canary 200 OK\r\n\r\n", ErrAnswer},
		"no header":     {"HTTP/1.1 200 OK\r\ncanary\r\n\r\n", ErrAnswer},
		"no length":     {"HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n", ErrAnswer},
		"no encoding":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: canary\r\n\r\n", ErrAnswer},
		"no location":   {"HTTP/1.1 302 Found\r\nLocation: http://%zzcanary\r\n\r\n", ErrStatus},
		"other texts":   {"HTTP/1.1 500 canary\r\nX-Canary: canary\r\nContent-Length: 6\r\n\r\ncanary", ErrStatus},
		"nothing":       {"", ErrAnswer},
		"a second line": {"HTTP/1.1 103 canary\r\n\r\ncanary\r\n\r\n", ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, target, spans := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // else the request may fail first
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, tc.answer)
				_ = conn.Close()
			})
			_, err := client.Post(t.Context(), target, []byte("{}"))
			if !errors.Is(err, tc.want) || strings.Contains(strings.ToLower(err.Error()), "canary") {
				t.Errorf("Post: %v, want %v", err, tc.want)
			}
			for _, s := range spans.Ended() {
				if all := fmt.Sprint(s.Attributes(), s.Status(), s.Events()); strings.Contains(all, "canary") {
					t.Errorf("the span has %s", all)
				}
			}
		})
	}
}
