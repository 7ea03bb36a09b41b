// Package conformance is a service that the test suite of W3C Trace Context can
// drive, made of what our services are made of: the same inbound middleware
// (internal/httpserver), outbound transport (internal/httpclient) and propagator
// (internal/telemetry), as they treat a caller that is trusted.
//
// [New] makes the service. The suite sends it lists of calls to make, each with
// the headers of one case, and looks at the headers of the calls. Our own cases
// are in cases.go, probe.go sends them to a service, and tables.go makes of what
// came out the tables that docs/w3c.md and docs/b3.md show.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/telemetry"
)

// What one request may ask for. The suite's largest asks for 3 calls.
const (
	maxCalls = 16
	patience = 10 * time.Second // for all calls of a request; 3 s for each
)

// Config is for [New]. The zero value listens on a free port of the loopback interface.
type Config struct {
	Listen string // host:port
	// Anywhere allows calls to hosts that are not this one.
	Anywhere bool
	// Getenv looks up OTEL_PROPAGATORS and OTEL_TRACES_SAMPLER; nil is an empty environment.
	Getenv func(string) string
	Log    io.Writer // requests that failed, as JSON lines; nil discards them
}

// Service is a service with its listener open. Serve runs it.
type Service struct {
	listener net.Listener
	server   lifecycle.Server
	tel      *telemetry.Telemetry
	client   *http.Client
	anywhere bool
}

// New opens the listener. What the service records goes nowhere: it is about headers.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	tel, err := telemetry.New(ctx, telemetry.Config{
		Service: "conformance", Getenv: cfg.Getenv, Stdout: cfg.Log, Level: slog.LevelWarn,
		SpanExporter: tracetest.NewNoopExporter(), LogExporter: discard{},
		MetricReader: sdkmetric.NewManualReader(),
	})
	if err != nil {
		return nil, err
	}
	listener, err := lifecycle.Listen(cfg.Listen)
	if err != nil {
		return nil, errors.Join(err, tel.Shutdown(ctx))
	}
	s := &Service{
		listener: listener, tel: tel, anywhere: cfg.Anywhere,
		client: httpclient.New(tel, httpclient.Options{}),
	}
	router := httpserver.New(httpserver.Options{Telemetry: tel})
	router.Handle("POST /test", s.test)
	s.server = lifecycle.HTTP("conformance", lifecycle.NewHTTPServer(router), listener)
	return s, nil
}

// URL is where the suite is to send its requests.
func (s *Service) URL() string { return "http://" + s.listener.Addr().String() + "/test" }

// Serve runs until ctx is done and the requests under way have ended.
func (s *Service) Serve(ctx context.Context) error {
	err := lifecycle.Serve(ctx, patience, s.server)
	s.client.CloseIdleConnections()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return errors.Join(err, s.tel.Shutdown(closing))
}

// call is one that the suite asks for.
type call struct {
	URL       string          `json:"url"`
	Arguments json.RawMessage `json:"arguments"`
}

// test makes the calls one after the other, each with its arguments as the body, and answers when
// the last has been answered. The first that fails ends it.
func (s *Service) test(w http.ResponseWriter, r *http.Request) error {
	var calls []call
	if err := httpserver.Decode(r, &calls); err != nil {
		return err
	}
	if len(calls) > maxCalls {
		return problem.New(http.StatusBadRequest, "too-many-calls",
			"%d calls: want at most %d", len(calls), maxCalls)
	}
	for _, c := range calls {
		if err := s.allowed(c.URL); err != nil {
			return problem.New(http.StatusBadRequest, "bad-url", "%s", err)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	for _, c := range calls {
		body := c.Arguments
		if len(body) == 0 {
			body = json.RawMessage("[]")
		}
		if err := httpclient.JSON(ctx, s.client, http.MethodPost, c.URL, body, nil); err != nil {
			// The caller has given the address, so it may be told which it was.
			if p := (*problem.Problem)(nil); errors.As(err, &p) {
				return p.With("url", c.URL)
			}
			return err
		}
	}
	return httpserver.Respond(w, http.StatusOK, map[string]int{"calls": len(calls)})
}

// allowed refuses URLs that lead elsewhere: otherwise whoever reaches this service would reach all
// that it can reach. A name might resolve to anything, so that only localhost will do.
func (s *Service) allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("url %.60q: want http://HOST:PORT/PATH", address)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	switch {
	case u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("url %.60q: want http://HOST:PORT/PATH", address)
	case !local && !s.anywhere:
		return fmt.Errorf("url %.60q: want a loopback address", address)
	}
	return nil
}

// discard is where log records go.
type discard struct{}

func (discard) Export(context.Context, []sdklog.Record) error { return nil }
func (discard) Shutdown(context.Context) error                { return nil }
func (discard) ForceFlush(context.Context) error              { return nil }
