// Package embedded is a whole lab in one process: the four services, the real
// Collector with a store behind it, and Redis.
//
// [Start] brings all of it up on loopback ports. [Lab.Another] starts four more
// services next to the first ones, which share only the Collector and the
// store: a scenario that breaks something gets services of its own.
package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
	"example.com/throughline/platform"
)

// MaxSpans bounds the store of a lab: the oldest traces make room. That is some
// ten runs of all scenarios, and with their log records some 5 KiB a span: the
// whole lab stays below 150 MiB resident however long it is up.
const MaxSpans = 10_000

// exportTimeout is how long one export may take, attempts and all. The
// Collector is in this process: when it does not answer in two seconds it is
// gone, and a queue that waits longer only drops more of what comes next.
const exportTimeout = 2 * time.Second

// abortTimeout bounds cleaning up after a start that failed.
const abortTimeout = 5 * time.Second

// Config is what differs between one lab and the next; all of it is optional.
type Config struct {
	// Redis is host:port of a real Redis. Empty: one is embedded.
	Redis string
	// Jaeger and Tempo are host:port of OTLP/gRPC receivers that get all traces too.
	Jaeger, Tempo string
	// Dump is a directory for everything that arrives, as OTLP JSON lines.
	Dump string
	// Listen gives addresses by listener name, see platform.Config, plus
	// "otlp-grpc" and "otlp-http" of the Collector. Others get free ports.
	Listen map[string]string
	// ServiceLogs gets the log lines of all services, and Log the warnings of
	// the Collector. Nil discards them.
	ServiceLogs, Log io.Writer
	// Beside is given when the services run elsewhere. Nil: they are started here.
	Beside *Beside
	// ExportTimeout bounds one export of a service to the Collector, attempts
	// and all. Default 2 s.
	ExportTimeout time.Duration
	// SpanProcessor makes one more span processor for each service. Nil: there is none.
	SpanProcessor func(service string) sdktrace.SpanProcessor
}

// Lab is a running lab.
type Lab struct {
	Store     *tracetree.Store
	Collector *collector.Collector

	cfg   Config
	dump  *storeexporter.Dump
	redis *server
	main  *Platform

	mu      sync.Mutex
	ledgers []telemetry.Snapshot // of platforms that have been closed
}

// Start brings a lab up. When it fails, nothing is left running.
func Start(ctx context.Context, cfg Config) (*Lab, error) {
	l := &Lab{cfg: cfg, Store: tracetree.New(MaxSpans)}
	if cfg.ServiceLogs != nil {
		l.cfg.ServiceLogs = &synced{w: cfg.ServiceLogs}
	}
	if err := l.start(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		return nil, errors.Join(err, l.Close(ctx))
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context) (err error) {
	if l.cfg.Dump != "" {
		if l.dump, err = storeexporter.NewDump(l.cfg.Dump); err != nil {
			return err
		}
	}
	if l.redis, err = startRedis(l.cfg.Redis); err != nil {
		return err
	}
	l.Collector, err = collector.Start(ctx, collector.Config{
		GRPC: l.cfg.Listen["otlp-grpc"], HTTP: l.cfg.Listen["otlp-http"],
		Jaeger: l.cfg.Jaeger, Tempo: l.cfg.Tempo,
		Exporter: storeexporter.NewFactory(l.Store, l.dump), Log: l.cfg.Log,
	})
	if err != nil {
		return err
	}
	if l.cfg.Beside != nil {
		l.main, err = l.beside(ctx, *l.cfg.Beside)
	} else {
		l.main, err = l.platform(ctx, l.cfg.Listen)
	}
	return err
}

// Fleet says where the services listen.
func (l *Lab) Fleet() scenario.Fleet { return l.main.Fleet() }

// Redis returns host:port of the lab's Redis, and whether it is embedded.
func (l *Lab) Redis() (addr string, embedded bool) {
	return l.redis.addr, l.redis.mini != nil
}

// Platform is four services of a lab.
type Platform struct {
	*platform.Platform
	lab *Lab
}

// Another starts four more services, on free ports and with keys of their own
// in Redis. The caller must close them before the lab.
func (l *Lab) Another(ctx context.Context) (*Platform, error) { return l.platform(ctx, nil) }

func (l *Lab) platform(ctx context.Context, listen map[string]string) (*Platform, error) {
	exporters := l.exporters(ctx, l.Collector.GRPC())
	p, err := platform.Start(ctx, platform.Config{
		RedisAddr: l.redis.addr,
		KeyPrefix: "lab:" + rand.Text()[:12] + ":",
		Telemetry: exporters.telemetry,
		Listen:    listen,
	})
	return l.started(ctx, p, errors.Join(err, exporters.err))
}

func (l *Lab) exporters(ctx context.Context, endpoint string) *exporters {
	return &exporters{ctx: ctx, processor: l.cfg.SpanProcessor, endpoint: endpoint,
		logs: l.cfg.ServiceLogs, timeout: cmp.Or(l.cfg.ExportTimeout, exportTimeout)}
}

// started closes what was started when err says that not all of it was.
func (l *Lab) started(
	ctx context.Context, p *platform.Platform, err error,
) (*Platform, error) {
	if err == nil {
		return &Platform{Platform: p, lab: l}, nil
	}
	if p != nil {
		err = errors.Join(err, p.Close(ctx))
	}
	return nil, err
}

// Close stops the services, waits until they have exported what they recorded,
// and keeps their ledgers for [Lab.Ledgers].
func (p *Platform) Close(ctx context.Context) error {
	err := p.Platform.Close(ctx)
	p.lab.mu.Lock()
	defer p.lab.mu.Unlock()
	p.lab.ledgers = append(p.lab.ledgers, p.Platform.Ledgers()...)
	return err
}

// Close stops the services and then what they depend on, so that all they
// recorded is in the store and in the dump when it returns.
func (l *Lab) Close(ctx context.Context) error {
	var errs []error
	if l.main != nil {
		errs = append(errs, wrap("services", l.main.Close(ctx)))
		l.main = nil
	}
	if l.Collector != nil {
		errs = append(errs, l.Collector.Shutdown(ctx))
	}
	errs = append(errs, wrap("dump", l.dump.Close()))
	l.dump = nil
	if l.redis != nil {
		l.redis.close()
	}
	return errors.Join(errs...)
}

// Ledgers returns the accounts of all services that have been closed.
func (l *Lab) Ledgers() []telemetry.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledgers
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stop %s: %w", what, err)
}

// synced lets several services write whole lines to one writer.
type synced struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
