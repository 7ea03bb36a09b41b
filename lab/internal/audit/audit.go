// Package audit looks for secrets where they must not be.
//
// It sends requests to every endpoint of the shop with canaries in them: secrets that
// nobody else has, in the forms that secrets have, in every place that a caller can
// write to. Then it searches everything that the shop has emitted and stored for them,
// whatever they are encoded in. A canary that surfaces names the place it was planted.
//
// Start reading at [Audit]. canary.go has the kinds of secrets, endpoints.go the
// endpoints, fire.go what is sent to each of them; search.go and decode.go find a canary
// in a text, otlp.go and redis.go take telemetry and Redis apart into texts. What may be
// at rest, and why, is allow.go.
package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/storeexporter"
)

// Audit is one search. Make one with [New], Fire, and give it everything that there is to
// look at. It is safe for concurrent use.
type Audit struct {
	// Only chooses endpoints by their text, such as "order POST /orders". Nil: all.
	Only *regexp.Regexp

	flock *flock
	fleet scenario.Fleet
	hooks hooks

	mu       sync.Mutex
	clean    map[string]bool // texts without a canary, of which there are many alike
	findings map[Finding]int
	allowed  map[string]int // by reason
	searched Searched
}

// New returns an audit that has planted nothing.
func New() *Audit {
	return &Audit{flock: newFlock(), clean: map[string]bool{}, findings: map[Finding]int{},
		allowed: map[string]int{}}
}

// Finding is a canary where it must not be.
type Finding struct {
	Kind     string `json:"kind"`
	Planted  string `json:"planted"`
	Surface  string `json:"surface"`
	Service  string `json:"service,omitempty"`
	Where    string `json:"where,omitempty"`
	Field    string `json:"field"`
	Encoding string `json:"encoding,omitempty"`
}

// Searched counts what was looked at.
type Searched struct {
	Endpoints int `json:"endpoints"`
	Requests  int `json:"requests"`
	Canaries  int `json:"canaries"`
	Spans     int `json:"spans"`
	Logs      int `json:"logs"`
	Points    int `json:"metric_points"`
	Lines     int `json:"stdout_lines"`
	Keys      int `json:"redis_keys"`
	Webhooks  int `json:"webhooks"`
	Answers   int `json:"answers"`
	Events    int `json:"events"`
	Contexts  int `json:"baggage_contexts"`
	Texts     int `json:"texts"`
}

// look searches one item.
func (a *Audit) look(item Item) {
	a.mu.Lock()
	a.searched.Texts++
	known := a.clean[item.Text]
	a.mu.Unlock()
	if known {
		return
	}
	hits := a.flock.find(item.Text)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(hits) == 0 {
		a.clean[item.Text] = true
	}
	for _, hit := range hits {
		if reason := allowed(item, hit.canary); reason != "" {
			a.allowed[reason]++
			continue
		}
		a.findings[Finding{
			Kind: hit.canary.Kind, Planted: hit.canary.Planted, Encoding: hit.encoding,
			Surface: item.Surface, Service: item.Service, Where: anonymous(item.Where),
			Field: anonymous(item.Field),
		}]++
	}
}

func (a *Audit) chosen(endpoint string) bool {
	return a.Only == nil || a.Only.MatchString(endpoint)
}

func (a *Audit) count(what *int, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*what += n
}

// Redis searches all keys and values of the Redis at addr, host:port.
func (a *Audit) Redis(ctx context.Context, addr string) error {
	n, err := atRest(ctx, addr, a.look)
	a.count(&a.searched.Keys, n)
	return err
}

// Stdout searches what services have printed.
func (a *Audit) Stdout(text string) { a.count(&a.searched.Lines, lines(text, a.look)) }

// Dump searches the OTLP files that a lab writes into dir (lab up --dump).
func (a *Audit) Dump(dir string) error {
	return errors.Join(
		a.file(dir, storeexporter.TracesFile, func(line []byte) error {
			data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
			if err == nil {
				a.count(&a.searched.Spans, spans(data, a.look))
			}
			return err
		}),
		a.file(dir, storeexporter.LogsFile, func(line []byte) error {
			data, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
			if err == nil {
				a.count(&a.searched.Logs, logs(data, a.look))
			}
			return err
		}),
		a.file(dir, storeexporter.MetricsFile, func(line []byte) error {
			data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
			if err == nil {
				a.count(&a.searched.Points, metrics(data, a.look))
			}
			return err
		}))
}

func (a *Audit) file(dir, name string, do func([]byte) error) error {
	text, err := fs.ReadFile(os.DirFS(dir), name)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if err := do([]byte(line)); err != nil {
			return fmt.Errorf("audit: %s: %w", filepath.Join(dir, name), err)
		}
	}
	return nil
}

// SpanProcessor returns a processor that searches the baggage of every context in which a span
// starts: members are in no telemetry, and go out with every call.
func (a *Audit) SpanProcessor(service string) sdktrace.SpanProcessor {
	return members{audit: a, service: service}
}

type members struct {
	audit   *Audit
	service string
}

func (m members) OnStart(ctx context.Context, span sdktrace.ReadWriteSpan) {
	m.audit.count(&m.audit.searched.Contexts, 1)
	for _, member := range baggage.FromContext(ctx).Members() {
		m.audit.look(Item{Surface: "baggage", Service: m.service, Where: span.Name(),
			Field: "member " + member.Key(), Text: member.Key() + " " + member.String()})
	}
}

func (members) OnEnd(sdktrace.ReadOnlySpan)      {}
func (members) Shutdown(context.Context) error   { return nil }
func (members) ForceFlush(context.Context) error { return nil }

// Found is a finding and how often it was made.
type Found struct {
	Finding
	Count int `json:"count"`
}

// Findings returns what was found, sorted by where it was planted.
func (a *Audit) Findings() []Found {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []Found{}
	for f, n := range a.findings {
		list = append(list, Found{f, n})
	}
	slices.SortFunc(list, func(x, y Found) int {
		return cmp.Compare(fmt.Sprint(x.Planted, x.Kind, x), fmt.Sprint(y.Planted, y.Kind, y))
	})
	return list
}

// Searched returns what was looked at, and how often a canary was where it may be, by the reason.
func (a *Audit) Searched() (Searched, map[string]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.searched
	s.Canaries = a.flock.size()
	return s, a.allowed
}
