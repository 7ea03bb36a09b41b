// Package webhook calls URLs that customers have given us, and tells them which
// trace it was, and nothing else.
//
// # Problem
//
// A webhook goes to a stranger. An instrumented client hands it our baggage, which
// may name customers and prices, and our tracestate. And the URL is the stranger's
// choice: it may point at our own network, by name, by redirect, or by a name that
// resolves to another address the second time.
//
// # Use
//
// [New] makes a [Client] for a list of hosts; [Client.Post] sends a signed body in
// a CLIENT span, with a traceparent of [ThirdParty]. The receiver checks it with
// [Verify]. Treat what calls back as any stranger: a public endpoint, a new root,
// a link to the context that was stored when the webhook was sent.
//
// Only hosts on the list are called. The address that is really dialled must be
// public, which is checked after the name was resolved, so that no name can point
// inside (DNS rebinding); hosts on the list PrivateHosts are exempt. Redirects are
// not followed, and no proxy of the environment is used.
//
// # Don't use
//
// For services of one's own: they should get baggage and tracestate. Post tries
// once; put retries in front of it, with an id in the body to tell them by.
//
// # Spec
//
// W3C Trace Context, 3.2 traceparent and 7.1 Privacy of the traceparent field; W3C
// Baggage, 5 Privacy Considerations. OpenTelemetry semantic conventions for HTTP
// client spans (v1.43.0). RFC 2104 HMAC. RFC 6890 for what is not public.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Match with [errors.Is].
var (
	// ErrNotAllowed is wrapped by Post for a URL that must not be called, before
	// anything was sent.
	ErrNotAllowed = errors.New("webhook target not allowed")
	// ErrStatus is wrapped by Post for an answer that is not 2xx.
	ErrStatus = errors.New("webhook was not accepted")
	// ErrAnswer is wrapped by Post for what is no HTTP answer, or TLS that cannot be
	// trusted.
	ErrAnswer = errors.New("no answer that can be read")
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// Options of a Client. Hosts, Secret and TracerProvider are required.
type Options struct {
	// Hosts may be called: "hooks.example.com" at the scheme's own port, or
	// "hooks.example.com:8443" at that one. There are no wildcards.
	Hosts []string
	// PrivateHosts may be called too, whatever address they have.
	PrivateHosts []string
	// Secret is the key of the signature, at least 32 random bytes.
	Secret []byte
	// Timeout is for one call, its answer included; 0 means 5 s.
	Timeout        time.Duration
	TracerProvider trace.TracerProvider
	// MeterProvider is for otelhttp's metrics; nil means none.
	MeterProvider metric.MeterProvider
	// Now is the clock of the signature; nil means time.Now.
	Now func() time.Time

	resolver *net.Resolver // nil: the system's; tests have one of their own
}

// A Client calls webhooks. It is safe for concurrent use.
type Client struct {
	hosts  map[string]bool // as in Options, both kinds
	secret []byte
	now    func() time.Time
	client *http.Client
}

// New returns a client, or an error if Secret or TracerProvider is not usable.
func New(o Options) (*Client, error) {
	if len(o.Secret) < minSecret || o.TracerProvider == nil {
		return nil, fmt.Errorf("webhook: secret of %d bytes, want at least %d; tracer provider "+
			"given: %t, want true", len(o.Secret), minSecret, o.TracerProvider != nil)
	}
	if o.MeterProvider == nil {
		o.MeterProvider = noop.NewMeterProvider()
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{hosts: make(map[string]bool), secret: bytes.Clone(o.Secret), now: o.Now}
	for _, hosts := range [][]string{o.Hosts, o.PrivateHosts} {
		for _, host := range hosts {
			c.hosts[strings.ToLower(host)] = true
		}
	}
	c.client = &http.Client{
		Timeout: o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: otelhttp.NewTransport(discreet{newTransport(o)},
			otelhttp.WithPropagators(ThirdParty{}),
			otelhttp.WithTracerProvider(o.TracerProvider),
			otelhttp.WithMeterProvider(o.MeterProvider),
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
				return r.Method // without a template there is no better one: semconv, HTTP "Name"
			})),
	}
	return c, nil
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.client.CloseIdleConnections() }

// Check returns nil if the URL target may be called as far as its text tells, or the
// error that Post would return. It resolves no name and sends nothing: call it when a
// customer registers the URL, to refuse what would be refused later.
func (c *Client) Check(target string) error {
	_, err := c.allowed(target)
	return err
}

// Post sends body, JSON, to target, and returns the status of the answer, 0 if
// there was none. The error wraps ErrNotAllowed if target is no http or https URL
// of a host on the list, carries a user or password, or resolves to an address
// that is not public; it wraps ErrStatus for an answer that is not 2xx, a redirect
// among them, and ErrAnswer for what is none. No error shows the URL's path or query,
// which may be secrets, or what the other side has said, which may be anything.
func (c *Client) Post(ctx context.Context, target string, body []byte) (status int, err error) {
	u, err := c.allowed(target)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("webhook to %.80q: malformed URL: %w", u.Host, ErrNotAllowed)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(SignatureHeader, Sign(c.secret, body, c.now()))
	response, err := c.client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // url.Error prints the whole URL
		}
		return 0, fmt.Errorf("webhook to %.80q: %w", u.Host, err)
	}
	defer func() { _ = response.Body.Close() }()
	// Read so that the connection can be used again; an answer has no meaning, and one that goes
	// on is cut off.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.StatusCode, fmt.Errorf("webhook to %.80q: status %d: %w",
			u.Host, response.StatusCode, ErrStatus)
	}
	return response.StatusCode, nil
}

func (c *Client) allowed(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("webhook: malformed URL: %w", ErrNotAllowed)
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Opaque != "" {
		return nil, fmt.Errorf("webhook: scheme %.20q, user given: %t, want http or https and no "+
			"user: %w", u.Scheme, u.User != nil, ErrNotAllowed)
	}
	if !c.hosts[strings.ToLower(u.Host)] {
		return nil, fmt.Errorf("webhook: host %.80q is not on the list: %w", u.Host, ErrNotAllowed)
	}
	return u, nil
}

// discreet goes below otelhttp, which writes the whole URL on the span, and errors as
// they are. The path and query of a webhook are often its password, and net/http
// quotes an answer that it cannot read, a certificate that is not the host's, and a
// Location that is no URL.
type discreet struct{ base http.RoundTripper }

func (t discreet) RoundTrip(r *http.Request) (*http.Response, error) {
	bare := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: "/REDACTED"}
	trace.SpanFromContext(r.Context()).SetAttributes(semconv.URLFull(bare.String()))
	response, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, ours(r.Context(), err)
	}
	response.Header.Del("Location") // it is not followed
	return response, nil
}

// ours is err if its text is of this side alone: that of the network, or of ctx.
func ours(ctx context.Context, err error) error {
	_, network := errors.AsType[*net.OpError](err)
	if network || ctx.Err() != nil || errors.Is(err, ErrNotAllowed) {
		return err
	}
	return fmt.Errorf("%w: %T", ErrAnswer, err)
}

// ThirdParty is the propagator for peers that are not ours. It injects the
// traceparent of the span, without its tracestate, and no baggage. It extracts
// nothing: what a third party sends is no parent of ours.
type ThirdParty struct{}

var _ propagation.TextMapPropagator = ThirdParty{}

// Inject sets traceparent.
func (ThirdParty) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx).WithTraceState(trace.TraceState{})
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(ctx, sc), carrier)
}

// Extract returns ctx as it is.
func (ThirdParty) Extract(ctx context.Context, _ propagation.TextMapCarrier) context.Context {
	return ctx
}

// Fields returns traceparent.
func (ThirdParty) Fields() []string { return []string{"traceparent"} }
