package programs

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"example.com/throughline/lab/internal/cli"
)

// webhookSecret is shared by order and the lab's customer: base64 of 36 bytes.
const webhookSecret = "dGhyb3VnaGxpbmUtdGVzdC1vbmx5LXRlc3Qtb25seS10ZXN0"

// The four programs with a lab beside them, as in deploy/docker-compose.yml but for Docker: every
// scenario, webhooks, jobs and faults among them, holds against them.
func TestLabBesideThePrograms(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	redis := miniredis.RunT(t)
	// The services have to know where the lab is, and the lab where they are.
	otlp, customer := newRelay(t), newRelay(t)
	shared := []string{
		"PATH=" + os.Getenv("PATH"), "REDIS_ADDR=" + redis.Addr(), "ADMIN_LISTEN=127.0.0.1:0",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + otlp.addr, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		"LOG_LEVEL=DEBUG",
	}
	payment := serve(t, "payment", shared, "PAYMENT_LISTEN=127.0.0.1:0", "PAYMENT_RETRY_AFTER=50ms")
	pricing := serve(t, "pricing", shared, "PRICING_LISTEN=127.0.0.1:0", "RATING_LISTEN=127.0.0.1:0")
	order := serve(t, "order", shared, "ORDER_LISTEN=127.0.0.1:0", "PRICING_URL="+pricing.HTTP,
		"PAYMENT_ADDR="+payment.GRPC, "ORDER_RETRY_AFTER=50ms", "ORDER_FULFIL_EVERY=24h",
		"ORDER_EXPIRE_EVERY=24h", "ORDER_EXPIRE_AFTER=1h",
		"ORDER_WEBHOOK_PRIVATE_HOSTS="+customer.addr, "ORDER_WEBHOOK_SECRET="+webhookSecret)
	gateway := serve(t, "gateway", shared, "GATEWAY_LISTEN=127.0.0.1:0",
		"GATEWAY_TRUSTED_LISTEN=127.0.0.1:0", "ORDER_URL="+order.HTTP, "PRICING_URL="+pricing.HTTP)

	out, stop := lab(t, map[string]string{
		"REDIS_ADDR": redis.Addr(), "ORDER_WEBHOOK_SECRET": webhookSecret,
	}, "up", "--listen", "127.0.0.1:0", "--customer-url", "http://"+customer.addr,
		"--collector", otlp.addr,
		"--service", "gateway="+gateway.HTTP, "--service", "gateway-trusted="+gateway.Trusted,
		"--service", "gateway-admin="+gateway.Admin, "--service", "order="+order.HTTP,
		"--service", "order-admin="+order.Admin, "--service", "pricing="+pricing.HTTP,
		"--service", "rating="+pricing.Rating, "--service", "pricing-admin="+pricing.Admin,
		"--service", "payment-admin="+payment.Admin)
	otlp.target <- find(t, out, `otlp/grpc +(\S+)`)
	customer.target <- find(t, out, `customer +http://(\S+)`)

	var result strings.Builder
	code := cli.ExitCode(cli.Run(t.Context(),
		[]string{"run", "--against", find(t, out, `lab +(http\S+)`), "--parallel", "4"},
		func(string) string { return "" }, strings.NewReader(""), &result, &result), &result)
	if code != 0 {
		t.Errorf("exit code %d:\n%s", code, result.String())
	}
	if code := stop(); code != 0 {
		t.Errorf("lab up: exit code %d", code)
	}
}

// serving is where a program says that it listens.
type serving struct {
	Msg     string
	HTTP    string `json:"shop.listener.http"`
	Trusted string `json:"shop.listener.trusted"`
	Rating  string `json:"shop.listener.rating"`
	GRPC    string `json:"shop.listener.grpc"`
	Admin   string `json:"shop.listener.admin"`
}

// serve runs a program until the end of the test.
func serve(t *testing.T, service string, shared []string, environ ...string) serving {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), build(t, service))
	cmd.Env = append(slices.Clip(shared), environ...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var at serving
	for lines.Scan() && at.Msg != "serving" {
		_ = json.Unmarshal(lines.Bytes(), &at)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, stdout)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
		_ = cmd.Wait()
	})
	if at.Msg != "serving" {
		t.Fatalf("%s does not serve", service)
	}
	return at
}

// lab runs a command of the lab that stays, and returns what it said until it was ready.
func lab(t *testing.T, environ map[string]string, args ...string) (said string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	reader, writer := io.Pipe()
	var stderr strings.Builder
	done := make(chan int, 1)
	go func() {
		err := cli.Run(ctx, args, func(name string) string { return environ[name] },
			strings.NewReader(""), writer, &stderr)
		code := cli.ExitCode(err, &stderr)
		writer.Close()
		done <- code
	}()
	lines := bufio.NewScanner(reader)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		said += lines.Text() + "\n"
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	return said, func() int {
		cancel()
		code := <-done
		if code != 0 {
			t.Log(stderr.String())
		}
		return code
	}
}

func find(t *testing.T, said, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^  ` + pattern + `$`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("no line like %q in:\n%s", pattern, said)
	}
	return m[1]
}

// relay is an address that leads to another. Who connects before that is known waits.
type relay struct {
	addr   string
	target chan string // takes it once
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), target: make(chan string, 1)}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		close(r.target)
		all.Wait()
	})
	all.Go(func() {
		target, known := <-r.target
		for known {
			in, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { carry(in, target) })
		}
	})
	return r
}

func carry(in net.Conn, target string) {
	defer in.Close()
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close()
	var both sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way.to, way.from)
			_ = way.to.Close()
		})
	}
	both.Wait()
}
