package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/goleak"

	"example.com/throughline/internal/id"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/platform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a platform under test: no Collector, its spans and logs go straight to the store.
type running struct {
	*platform.Platform
	store   *tracetree.Store
	stdout  *lines
	metrics []sdkmetric.Reader
	// metricsOf is the reader of a service by its name.
	metricsOf map[string]sdkmetric.Reader
	prefix    string // of all keys in Redis
}

// redisAddr is that of the real Redis of the environment, else of a miniredis of the test's own.
func redisAddr(t *testing.T) string {
	t.Helper()
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		return addr
	}
	return miniredis.RunT(t).Addr()
}

func start(t *testing.T, redis string) *running {
	t.Helper()
	return startWith(t, redis, func(*telemetry.Config) {})
}

// startWith is start for a platform whose telemetry is special.
func startWith(t *testing.T, redis string, change func(*telemetry.Config)) *running {
	t.Helper()
	return startAt(t, redis, "test:"+id.New()+":", change)
}

// startAt is startWith for a platform that shares its keys in Redis with another.
func startAt(
	t *testing.T, redis, prefix string, change func(*telemetry.Config),
) *running {
	t.Helper()
	r := &running{
		store: tracetree.New(20_000), stdout: &lines{}, prefix: prefix,
		metricsOf: map[string]sdkmetric.Reader{},
	}
	p, err := platform.Start(t.Context(), platform.Config{
		RedisAddr: redis,
		KeyPrefix: prefix,
		Telemetry: func(service string) telemetry.Config {
			reader := sdkmetric.NewPeriodicReader(
				r.store.MetricExporter(), sdkmetric.WithInterval(time.Hour))
			r.metricsOf[service] = reader
			r.metrics = append(r.metrics, reader)
			cfg := telemetry.Config{
				Environment:  "test",
				Stdout:       r.stdout,
				Level:        slog.LevelDebug,
				SpanExporter: r.store.SpanExporter(),
				LogExporter:  r.store.LogExporter(),
				MetricReader: reader,
			}
			change(&cfg)
			return cfg
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Platform = p
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// lines collects what the services write to stdout.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.buf.String()), "\n")
}

// answer is what a test looks at in a response.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (r *running) call(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	return r.callAt(t, "gateway", method, path, body, header...)
}

// callAt is call for another listener than the public one.
func (r *running) callAt(
	t *testing.T, target, method, path, body string, header ...string,
) answer {
	t.Helper()
	url := r.Fleet().Targets[target] + path
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	client := &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if err := json.Unmarshal(data, &a.body); err != nil {
		t.Errorf("%s %s: status %d, body %.200q is no JSON object", method, url, a.status, data)
	}
	return a
}

// must is call for a turn that has to succeed.
func (r *running) must(t *testing.T, method, path, body string) answer {
	t.Helper()
	a := r.call(t, method, path, body)
	if a.status/100 != 2 {
		t.Fatalf("%s %s: got status %d, %v, want 2xx", method, path, a.status, a.body)
	}
	return a
}

// quoted opens a checkout and takes it as far as its quote.
func (r *running) quoted(t *testing.T) (path string) {
	t.Helper()
	a := r.must(t, "POST", "/checkouts", `{"customer":"c-1"}`)
	path = "/checkouts/" + a.body["id"].(string)
	r.must(t, "PUT", path+"/items", `{"items":[{"sku":"mug","qty":2}]}`)
	r.must(t, "PUT", path+"/shipping", `{"country":"DE","method":"standard"}`)
	r.must(t, "POST", path+"/quote", `{}`)
	return path
}

// quiesce waits until all services are done with what they were asked, and have flushed.
func (r *running) quiesce(t *testing.T) []telemetry.Snapshot {
	t.Helper()
	var ledgers []telemetry.Snapshot
	client := &http.Client{
		Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
	}
	for _, service := range []string{"gateway", "order", "pricing", "payment", "jobs"} {
		url := r.Fleet().Admin[service] + "/quiesce"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var s telemetry.Snapshot
		err = json.NewDecoder(resp.Body).Decode(&s)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("quiesce %s: status %d, %v", service, resp.StatusCode, err)
		}
		ledgers = append(ledgers, s)
	}
	return ledgers
}
