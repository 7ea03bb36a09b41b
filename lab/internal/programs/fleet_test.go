package programs

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"

	// What the programs are made of: go test must not take a result from its cache when these
	// have changed, and of a program that a test builds it knows nothing.
	_ "example.com/throughline/services/gateway"
	_ "example.com/throughline/services/order"
	_ "example.com/throughline/services/payment"
	_ "example.com/throughline/services/pricing"
)

// patience bounds every wait of these tests. It is for a busy machine: reaching it is a failure.
const patience = 60 * time.Second

// fleet is the shop as a deployment runs it: a process for each service, a real Redis that keeps
// what it was told, and the Collector with a store behind it.
type fleet struct {
	redis     *redisServer
	db        *redis.Client
	store     *tracetree.Store
	collector *collector.Collector
	environ   []string // of every service, on top of what it needs

	live  map[string]*process // by service
	addrs map[string]string   // by listener, as chosen by the first process that had it
	count map[string]int      // processes by service
	// killed are the instances that had no chance to export what they knew.
	killed map[string]bool
}

func newFleet(t *testing.T, environ ...string) *fleet {
	t.Helper()
	f := &fleet{
		redis: startRedis(t), store: tracetree.New(100_000), environ: environ,
		live: map[string]*process{}, addrs: map[string]string{}, count: map[string]int{},
		killed: map[string]bool{},
	}
	f.db = redis.NewClient(&redis.Options{Addr: f.redis.addr(), Protocol: 2, DisableIdentity: true})
	var err error
	f.collector, err = collector.Start(t.Context(), collector.Config{
		Exporter: storeexporter.NewFactory(f.store, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = f.db.Close()
		_ = f.collector.Shutdown(ctx)
	})
	for _, service := range []string{"payment", "pricing", "order", "gateway"} {
		f.start(t, service)
	}
	return f
}

// process is one run of a service.
type process struct {
	service, instance string
	cmd               *exec.Cmd
	done              chan struct{} // closed when it has ended and been reaped
	err               error         // of Wait; read it after done
}

// listeners are the variables that say where a service listens, and what it calls the address in
// its record "serving".
var listeners = map[string]map[string]string{
	"gateway": {"GATEWAY_LISTEN": "http", "GATEWAY_TRUSTED_LISTEN": "trusted"},
	"order":   {"ORDER_LISTEN": "http"},
	"pricing": {"PRICING_LISTEN": "http", "RATING_LISTEN": "rating"},
	"payment": {"PAYMENT_LISTEN": "grpc"},
}

// start starts the next process of a service, where the one before it listened.
func (f *fleet) start(t *testing.T, service string) {
	t.Helper()
	f.count[service]++
	p := &process{
		service: service, instance: fmt.Sprintf("%s-%d", service, f.count[service]),
		cmd: exec.Command(build(t, service)), done: make(chan struct{}),
	}
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "REDIS_ADDR=" + f.redis.addr(),
		"ORDER_URL=http://" + f.addrs["order/http"],
		"PRICING_URL=http://" + f.addrs["pricing/http"],
		"PAYMENT_ADDR=" + f.addrs["payment/grpc"],
		"ADMIN_LISTEN=" + cmp.Or(f.addrs[service+"/admin"], "127.0.0.1:0"),
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + f.collector.GRPC(),
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		"OTEL_RESOURCE_ATTRIBUTES=service.instance.id=" + p.instance,
	}, f.environ...)
	for variable, name := range listeners[service] {
		p.cmd.Env = append(p.cmd.Env,
			variable+"="+cmp.Or(f.addrs[service+"/"+name], "127.0.0.1:0"))
	}
	for name, addr := range p.run(t) {
		f.addrs[service+"/"+name] = addr
	}
	f.live[service] = p
}

// run starts the process and returns where it serves. What it says after that is read and thrown
// away, warnings apart: they are shown when the test fails.
func (p *process) run(t *testing.T) map[string]string {
	t.Helper()
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.done })
	serving := make(chan map[string]string, 1)
	warnings := &tail{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s:\n%s", p.instance, warnings)
		}
	})
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if addrs := served(lines.Bytes()); addrs != nil {
				serving <- addrs
			}
			warnings.add(lines.Text())
		}
		p.err = p.cmd.Wait()
	}()
	select {
	case addrs := <-serving:
		return addrs
	case <-p.done:
		t.Fatalf("%s ended before it served: %v\n%s", p.instance, p.err, warnings)
	case <-time.After(patience):
		t.Fatalf("%s does not serve\n%s", p.instance, warnings)
	}
	return nil
}

// served returns the addresses of a record "serving", and nil for any other line.
func served(line []byte) map[string]string {
	var record map[string]any
	if json.Unmarshal(line, &record) != nil || record["msg"] != "serving" {
		return nil
	}
	addrs := map[string]string{}
	for _, name := range []string{"http", "trusted", "rating", "grpc", "admin"} {
		if addr, ok := record["shop.listener."+name].(string); ok {
			addrs[name] = strings.TrimPrefix(addr, "http://")
		}
	}
	return addrs
}

// tail keeps the last lines that are warnings or errors.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (l *tail) add(line string) {
	if !strings.Contains(line, `"level":"WARN"`) && !strings.Contains(line, `"level":"ERROR"`) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > 20 {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// kill ends the process of a service with SIGKILL, and returns when it is gone.
func (f *fleet) kill(t *testing.T, service string) (instance string) {
	t.Helper()
	p := f.live[service]
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	f.killed[p.instance] = true
	return p.instance
}

// terminate ends all processes with SIGTERM, callers first, and checks that each ends well.
func (f *fleet) terminate(t *testing.T) {
	t.Helper()
	for _, service := range []string{"gateway", "order", "pricing", "payment"} {
		p := f.live[service]
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-p.done
		if p.err != nil {
			t.Errorf("%s after SIGTERM: %v, want exit code 0", p.instance, p.err)
		}
	}
}

// at is the base URL of a listener, such as "gateway/http".
func (f *fleet) at(listener string) string {
	return "http://" + f.addrs[listener]
}

// scenarioFleet says where the admin listeners are.
func (f *fleet) scenarioFleet() scenario.Fleet {
	admin := map[string]string{}
	for service := range listeners {
		admin[service] = f.at(service + "/admin")
	}
	return scenario.Fleet{Admin: admin}
}

// until polls, for what no one tells of: the state of other processes.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// client sends requests of one customer. Its connections are its own.
func client(t *testing.T) *http.Client {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	t.Cleanup(c.CloseIdleConnections)
	return c
}
