// Package httpclient makes the HTTP clients by which services call each other: otelhttp with
// span names and URLs as semantic conventions want them, and [JSON], which turns every way a
// call can fail into a problem for the caller's caller.
package httpclient

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/wire"
	"example.com/throughline/patterns/retry"
)

// Options configure a client.
type Options struct {
	Propagator propagation.TextMapPropagator // injects; nil means that of the telemetry
	Base       http.RoundTripper             // below the span; nil means NewTransport()
	Timeout    time.Duration                 // of a whole call; 0 means 3 s

	// Instrument makes the CLIENT span around the round tripper that it is given, and injects;
	// nil means otelhttp, with Propagator.
	Instrument func(http.RoundTripper) http.RoundTripper

	// Repeatable says that every request may be sent twice without harm, whatever its method:
	// those that fail are repeated, as package retry does, within Timeout.
	Repeatable bool
}

// New returns a client with one CLIENT span per attempt, named by the method, that ends when the
// response's body is read to its end or closed. It follows no redirects and takes no proxy from
// the environment: service calls go where they are sent.
func New(tel *telemetry.Telemetry, o Options) *http.Client {
	if o.Propagator == nil {
		o.Propagator = tel.Propagator
	}
	if o.Base == nil {
		o.Base = NewTransport()
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Instrument == nil {
		o.Instrument = otelHTTP(tel, o.Propagator)
	}
	transport := o.Instrument(retry.Count(inner{base: o.Base, tel: tel}))
	if o.Repeatable {
		transport = repeating(transport)
	}
	return &http.Client{
		Timeout:   o.Timeout,
		Transport: closer{RoundTripper: transport, base: o.Base},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// otelHTTP is the usual instrumentation.
func otelHTTP(
	tel *telemetry.Telemetry, prop propagation.TextMapPropagator,
) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next,
			otelhttp.WithTracerProvider(tel.TracerProvider),
			otelhttp.WithMeterProvider(tel.MeterProvider),
			otelhttp.WithPropagators(prop),
			// otelhttp's default is "HTTP GET"; without a template of the URL the name is
			// the method alone (HTTP semantic conventions, "Name").
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
				return r.Method
			}),
		)
	}
}

// NewTransport returns what Options.Base is by default. It differs from http.DefaultTransport in
// that nothing comes from the environment, and in that a peer that is called for every request
// keeps its connections.
func NewTransport() http.RoundTripper {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        30 * time.Second, // less than the server's 60 s
		MaxResponseHeaderBytes: 32 << 10,
	}
}

// inner runs inside the CLIENT span, with the headers injected.
type inner struct {
	base http.RoundTripper
	tel  *telemetry.Telemetry
}

func (t inner) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if r.URL.RawQuery != "" {
		trace.SpanFromContext(ctx).SetAttributes(semconv.URLFull(redact(r.URL)))
	}
	if wire.Enabled(ctx, t.tel.Logger) {
		wire.Log(ctx, t.tel.Logger, wire.Sent, append(wire.Server(r), wire.Headers(r.Header)...))
	}
	return t.base.RoundTrip(r)
}

// closer reaches the base's idle connections, which otelhttp's transport hides.
type closer struct {
	http.RoundTripper
	base http.RoundTripper
}

func (t closer) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// redact returns u without userinfo and with every value of its query replaced. otelhttp drops
// only the userinfo; url.full "SHOULD NOT" show secrets (URL attribute registry), and which
// values are secret nobody knows here.
func redact(u *url.URL) string {
	c := *u
	c.User = nil
	pairs := strings.Split(c.RawQuery, "&")
	for i, pair := range pairs {
		if key, _, ok := strings.Cut(pair, "="); ok {
			pairs[i] = key + "=REDACTED"
		} else if pair != "" {
			pairs[i] = "REDACTED"
		}
	}
	c.RawQuery = strings.Join(pairs, "&")
	return c.String()
}
