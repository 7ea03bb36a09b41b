package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/suite"
)

// Where a lab listens unless told otherwise, if nobody else does.
const (
	controlAddr = "127.0.0.1:4400"
	gatewayAddr = "127.0.0.1:8080"
)

type upFlags struct {
	listen, gateway, redis string
	jaeger, tempo, dump    string
	serviceLogs            string
	run, nonLoopback       bool
	ports                  ports
	beside                 besideFlags
	given                  func(name string) bool
}

func upCommand() command {
	return command{
		name:  "up",
		short: "start the shop, a Collector and Redis, and stay until Ctrl-C",
		about: `
Starts four services, an OpenTelemetry Collector with a store behind it, and
Redis, all in this process and on loopback. Then send requests to the gateway,
and look at what they caused with ` + "`lab tree`" + `.

Default ports that are taken are replaced by free ones; a port that you give
must be free. Listeners for --port: gateway, gateway-trusted, order, pricing,
rating, payment, customer, gateway-admin, order-admin, pricing-admin, payment-admin,
otlp-grpc, otlp-http.

With --service, repeated, it starts no services and no Redis, but stands beside
those that run at these addresses: it keeps what their Collector sends a copy of
here, lets callers of --listen through to them, and adds a customer and a shell for
jobs. It reads REDIS_ADDR, REDIS_KEY_PREFIX and ORDER_WEBHOOK_SECRET as they do.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			u := upFlags{given: f.given, ports: ports{}, beside: newBesideFlags()}
			u.beside.register(f)
			f.StringVar(&u.listen, "listen", controlAddr, "`HOST:PORT` for the lab's own commands")
			f.StringVar(&u.gateway, "gateway", gatewayAddr, "`HOST:PORT` of the gateway")
			f.Var(u.ports, "port", "`NAME=HOST:PORT` of another listener; may be repeated")
			f.BoolVar(&u.nonLoopback, "allow-nonloopback", false,
				"allow addresses that others can reach:\nnothing here asks for a password")
			f.StringVar(&u.jaeger, "jaeger", "", "send traces to this OTLP/gRPC `HOST:PORT` too")
			f.StringVar(&u.tempo, "tempo", "", "send traces to this OTLP/gRPC `HOST:PORT` too")
			f.StringVar(&u.redis, "redis", "", "`HOST:PORT` of a Redis (default $REDIS_ADDR, "+
				"or else an embedded one)")
			f.BoolVar(&u.run, "run", false, "run all scenarios first")
			f.StringVar(&u.dump, "dump", "", "write all that arrives to `DIR` as OTLP JSON lines")
			f.StringVar(&u.serviceLogs, "service-logs", "",
				"write the services' logs to `FILE`, or to standard output with -")
			return u.up
		},
	}
}

func (u *upFlags) up(ctx context.Context, c console, args []string) (err error) {
	if len(args) > 0 {
		return usagef("lab up: takes no arguments, have %.40q", args[0])
	}
	started := time.Now()
	cfg := embedded.Config{Redis: u.redis, Jaeger: u.jaeger, Tempo: u.tempo, Dump: u.dump, Log: c.err}
	if cfg.Redis == "" {
		cfg.Redis = c.getenv("REDIS_ADDR")
	}
	if err := u.standBeside(&cfg, c); err != nil {
		return err
	}
	listener, listen, err := u.addresses(ctx, c)
	if err != nil {
		return err
	}
	logs, closeLogs, err := u.openLogs(c)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	cfg.Listen, cfg.ServiceLogs = listen, logs
	lab, err := embedded.Start(ctx, cfg)
	if err != nil {
		return errors.Join(fmt.Errorf("lab up: %w", err), listener.Close(), closeLogs())
	}
	ready := time.Since(started)
	if u.run {
		u.runAll(ctx, c, lab)
	}
	u.tell(c, lab, listener.Addr(), ready)
	handler := control.Handler
	if cfg.Beside != nil {
		handler = control.Through
	}
	server := lifecycle.NewHTTPServer(handler(lab.Fleet(), lab.Store))
	server.WriteTimeout = time.Minute // a journey of a big store, and POST /await
	err = lifecycle.Serve(ctx, closeTimeout, lifecycle.HTTP("control", server, listener))
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return errors.Join(err, lab.Close(closing), closeLogs())
}

// openLogs returns where the services' logs go; nil is nowhere.
func (u *upFlags) openLogs(c console) (io.Writer, func() error, error) {
	nothing := func() error { return nil }
	switch u.serviceLogs {
	case "":
		return nil, nothing, nil
	case "-":
		return c.out, nothing, nil
	}
	f, err := os.Create(u.serviceLogs)
	if err != nil {
		return nil, nil, usagef("lab up: --service-logs: %w", err)
	}
	return f, f.Close, nil
}

// runAll runs every scenario; the lab stays up whatever comes out.
func (u *upFlags) runAll(ctx context.Context, c console, lab *embedded.Lab) {
	scenarios, err := choose(openLibrary(), nil)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return
	}
	started := time.Now()
	out := &reporter{console: c}
	results := suite.Run(ctx, embeddedSuite(lab, parallel(), &instances{}, out.result), scenarios)
	passed := 0
	for _, r := range results {
		if r.Pass {
			passed++
		}
	}
	c.printf("\n%d of %d scenarios passed in %.1f s\n\n",
		passed, len(results), time.Since(started).Seconds())
}

func (u *upFlags) tell(c console, lab *embedded.Lab, control net.Addr, ready time.Duration) {
	fleet := lab.Fleet()
	c.printf("ready in %d ms\n\n", ready.Milliseconds())
	base := "http://" + control.String()
	c.printf("  %-16s %s\n", "lab", base)
	for _, name := range sortedKeys(fleet.Targets) {
		c.printf("  %-16s %s\n", name, fleet.Targets[name])
	}
	for _, name := range sortedKeys(fleet.Admin) {
		c.printf("  %-16s %s\n", name+" admin", fleet.Admin[name])
	}
	redis, inside := lab.Redis()
	if inside {
		redis += " (embedded)"
	}
	c.printf("  %-16s %s\n", "redis", redis)
	c.printf("  %-16s %s\n", "otlp/grpc", lab.Collector.GRPC())
	c.printf("  %-16s http://%s\n\n", "otlp/http", lab.Collector.HTTP())
	at := ""
	if base != defaultLab {
		at = " --lab " + base
	}
	c.printf(`Try:
  curl -si %s/checkouts -H 'Content-Type: application/json' \
       -d '{"customer":"c-1","continuation":"persisted"}'
  lab tree%s CHECKOUT_ID
  lab break%s
Ctrl-C stops all.
`, fleet.Targets["gateway"], at, at)
}
