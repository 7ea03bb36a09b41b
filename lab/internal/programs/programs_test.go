// Package programs tests the four services as what a deployment runs: processes with an
// environment, signals and an exit code.
package programs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
	"example.com/throughline/patterns/responsecontext"
)

// bin is where the programs of all tests are, and programs builds each of them once.
var (
	bin      string
	programs sync.Map // service → func() error
)

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "programs"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(bin)
	os.Exit(code)
}

// build returns the program of a service.
func build(t *testing.T, service string) string {
	t.Helper()
	path := filepath.Join(bin, service)
	once, _ := programs.LoadOrStore(service, sync.OnceValue(func() error {
		out, err := exec.Command("go", "build", "-o", path,
			"example.com/throughline/services/"+service+"/cmd/"+service).CombinedOutput()
		if err != nil {
			return fmt.Errorf("build %s: %w\n%s", service, err, out)
		}
		return nil
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Everything that is wrong with the configuration is said at once, and the exit code is 2.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"gateway", "order", "pricing", "payment"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), build(t, service))
			cmd.Env = []string{"REDIS_ADDR=nowhere", "ADMIN_LISTEN=x", "LOG_LEVEL=loud"}
			out, err := cmd.CombinedOutput()
			exit := (*exec.ExitError)(nil)
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("got %v, want exit code 2", err)
			}
			for _, name := range []string{"REDIS_ADDR", "ADMIN_LISTEN", "LOG_LEVEL"} {
				if !bytes.Contains(out, []byte(name)) {
					t.Errorf("got %q, want it to name %s", out, name)
				}
			}
		})
	}
}

// The span of the last request before SIGTERM arrives, with Redis away the whole time.
func TestSIGTERMLosesNoSpan(t *testing.T) {
	t.Parallel()
	store := tracetree.New(1000)
	c, err := collector.Start(t.Context(), collector.Config{
		Exporter: storeexporter.NewFactory(store, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), build(t, "gateway"))
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"GATEWAY_LISTEN=127.0.0.1:0", "GATEWAY_TRUSTED_LISTEN=127.0.0.1:0",
		"ADMIN_LISTEN=127.0.0.1:0", "REDIS_ADDR=127.0.0.1:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + c.GRPC(), "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		"OTEL_BSP_SCHEDULE_DELAY=3600000", "OTEL_RESOURCE_ATTRIBUTES=service.namespace=shop",
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	traceID := get(t, servingAt(t, lines)+"/checkouts/unknown")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := c.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	spans := store.Trace(traceID)
	if len(spans) != 1 || spans[0].Service != "gateway" || spans[0].Kind != "server" {
		t.Errorf("trace %s: got %+v, want the SERVER span of the last request", traceID, spans)
	}
}

// servingAt reads the log up to the record that says where the service listens.
func servingAt(t *testing.T, stdout *bufio.Reader) string {
	t.Helper()
	for {
		line, err := stdout.ReadString('\n')
		if err != nil {
			t.Fatalf("the service ended before it served: %v", err)
		}
		var record struct {
			Msg  string
			HTTP string `json:"shop.listener.http"`
		}
		if json.Unmarshal([]byte(line), &record) == nil && record.Msg == "serving" {
			return strings.TrimSuffix(record.HTTP, "/")
		}
	}
}

// get sends a request that Redis' absence turns into a 503, and returns its trace id.
func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	sc, ok := responsecontext.Parse(resp.Header)
	if resp.StatusCode != http.StatusServiceUnavailable || !ok {
		t.Errorf("got status %d, context %v, want 503 and a Server-Timing", resp.StatusCode, ok)
	}
	return sc.TraceID().String()
}
