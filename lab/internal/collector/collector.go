// Package collector runs the real OpenTelemetry Collector inside this process.
//
// It is the Collector's own library (otelcol) with the components the lab
// needs and the configuration files of deploy/collector, so what a learner sees
// here is what the same files do in Docker Compose. Start reading at [Start];
// config.go says how files and settings become one configuration.
package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
)

// Config is what differs between one embedded Collector and the next.
type Config struct {
	// GRPC and HTTP are the addresses on which OTLP is received. Port 0 lets
	// the system choose; [Collector.GRPC] and [Collector.HTTP] tell the result.
	// Both default to 127.0.0.1:0.
	GRPC, HTTP string
	// Jaeger and Tempo are host:port of an OTLP/gRPC receiver. Empty: traces
	// are not sent there.
	Jaeger, Tempo string
	// Variants are files of deploy/collector that are given after the others,
	// such as tailsampling.yaml.
	Variants []string
	// Set are values over those of the files, by their path, such as
	// processors::tail_sampling::decision_wait.
	Set map[string]string
	// BatchTimeout is the longest that data waits for its batch to fill.
	// Default 10 ms.
	BatchTimeout time.Duration
	// Exporter is the factory of the exporter `lab`.
	Exporter exporter.Factory
	// Log receives the Collector's own warnings and errors, one per line.
	// Nil: nothing is written.
	Log io.Writer
}

// Collector is a running Collector. Make one with [Start].
type Collector struct {
	inner *otelcol.Collector
	done  chan struct{} // closed when Run has returned
	err   error         // what Run returned; read it after done
	ears  *listeners
}

// Start runs a Collector and returns when it accepts OTLP. It fails when the
// configuration is wrong or an address is taken, and when ctx is done first; in
// each case nothing is left running. A ctx that is done later does not stop the
// Collector: services flush into it after the signal to stop, so its end is
// [Collector.Shutdown] and nothing else.
func Start(ctx context.Context, cfg Config) (*Collector, error) {
	ears := newListeners()
	uris, err := locations(cfg)
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	inner, err := otelcol.NewCollector(settings(uris, cfg.Exporter, logTo(cfg.Log, ears)))
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	c := &Collector{inner: inner, done: make(chan struct{}), ears: ears}
	go func() {
		defer close(c.done)
		c.err = inner.Run(context.WithoutCancel(ctx))
	}()
	select {
	case <-ears.ready:
		return c, nil
	case <-c.done:
		if c.err == nil {
			return nil, errors.New("collector: stopped before it was ready")
		}
		return nil, fmt.Errorf("collector: %w", c.err)
	case <-ctx.Done():
		inner.Shutdown()
		<-c.done
		return nil, fmt.Errorf("collector: not ready: %w", context.Cause(ctx))
	}
}

// GRPC returns host:port of the OTLP/gRPC receiver.
func (c *Collector) GRPC() string { return c.ears.address(grpcServer) }

// HTTP returns host:port of the OTLP/HTTP receiver.
func (c *Collector) HTTP() string { return c.ears.address(httpServer) }

// Done is closed when the Collector has stopped, asked or not.
func (c *Collector) Done() <-chan struct{} { return c.done }

// Shutdown stops receiving, hands on all that was received, and returns when
// every goroutine of the Collector has ended or ctx is done. It may be called
// more than once.
func (c *Collector) Shutdown(ctx context.Context) error {
	// The library's Shutdown waits without limit, hence not on this goroutine.
	go c.inner.Shutdown()
	select {
	case <-c.done:
		if c.err != nil {
			return fmt.Errorf("collector: %w", c.err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("collector: not stopped: %w", context.Cause(ctx))
	}
}
