package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/load"
)

// The most that lab load sends, so that a slip of the hand is no attack.
const (
	maxRate = 200_000
	maxFor  = 10 * time.Minute
)

// memoryLimit is soft: the embedded Redis keeps every checkout.
const memoryLimit = 2 << 30

type loadFlags struct {
	against, redis          string
	rate                    float64
	duration                time.Duration
	find, json, nonLoopback bool
}

func loadCommand() command {
	return command{
		name: "load", short: "send load, and account for every span of it",
		about: `
Lets customers come at a steady rate, each of whom makes one checkout of six
turns, then brings the shop to rest and does the books: requests by status and
how long they took; spans that ended, were exported, were dropped (by reason)
and have arrived, for each service.

The rate is that of spans, all services together: it is what queues, exporters
and a Collector have to bear. How many spans a checkout makes is measured first.

Services, Collector and Redis are started for it, in this process: they share
its processors with the load. --against takes a running lab instead.

Of a lab that goes on running the orders are packed afterwards, outside of the
books: its scenarios find it as they want it.

With --find: the highest rate at which nothing is dropped and the shop keeps up,
found in steps of --for, the first at --rate.

Exit code 1: the books do not balance, or a request hung. Drops are no failure:
they are in the books.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			var l loadFlags
			f.Float64Var(&l.rate, "rate", 5000, "`SPANS` a second, of all services together")
			f.DurationVar(&l.duration, "for", 10*time.Second, "how long customers come, at most 10m")
			f.BoolVar(&l.find, "find", false, "find the highest rate without drops")
			f.BoolVar(&l.json, "json", false, "one JSON object per step and line")
			f.StringVar(&l.against, "against", "", "`URL` of a running lab's control listener")
			f.BoolVar(&l.nonLoopback, "allow-nonloopback", false,
				"allow a lab on another machine: it gets all this load")
			f.StringVar(&l.redis, "redis", "", "`HOST:PORT` of a Redis (default $REDIS_ADDR, "+
				"or else an embedded one)")
			return l.run
		},
	}
}

func (l *loadFlags) run(ctx context.Context, c console, args []string) error {
	if err := l.check(args); err != nil {
		return err
	}
	if l.against != "" {
		return l.remote(ctx, c)
	}
	redis := l.redis
	if redis == "" {
		redis = c.getenv("REDIS_ADDR")
	}
	if c.getenv("GOMEMLIMIT") == "" {
		// The small limit of main would be passed in half a minute, by what the embedded Redis
		// keeps, and then half of all time goes into collecting garbage that is none.
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	}
	lab, err := embedded.Start(ctx, embedded.Config{Redis: redis, Log: c.err})
	if err != nil {
		return fmt.Errorf("lab load: %w", err)
	}
	err = l.send(ctx, c, load.Target{
		Fleet: lab.Fleet(), Await: lab.Store.Await,
		Received: func(context.Context) ([]control.Arrived, error) {
			return control.Received(lab.Store), nil
		},
	})
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return errors.Join(err, lab.Close(closing))
}

func (l *loadFlags) check(args []string) error {
	switch {
	case len(args) > 0:
		return usagef("lab load: takes no arguments, have %.40q", args[0])
	case !(l.rate >= 1 && l.rate <= maxRate): // written so that NaN fails too
		return usagef("lab load: --rate %v: want 1 to %d spans a second", l.rate, maxRate)
	case l.duration < time.Millisecond || l.duration > maxFor:
		return usagef("lab load: --for %v: want 1ms to %v", l.duration, maxFor)
	}
	return nil
}

func (l *loadFlags) remote(ctx context.Context, c console) error {
	client := control.NewClient(l.against, nil)
	defer client.Close()
	if err := l.allowed("--against", l.against); err != nil {
		return err
	}
	fleet, _, lab, err := join(ctx, c, client)
	if err != nil {
		return err
	}
	if err := l.allowedFleet(fleet); err != nil {
		return err
	}
	err = l.send(ctx, c, load.Target{
		Fleet: fleet, Await: lab.Await, Received: lab.Received,
	})
	return errors.Join(err, packOrders(ctx, fleet))
}

// packOrders leaves none of the load's orders waiting to be packed: in a lab no timer does it, and
// whoever runs the job next would find thousands in place of their own.
func packOrders(ctx context.Context, fleet scenario.Fleet) error {
	base, ok := fleet.Admin["order"]
	if !ok {
		return nil
	}
	for {
		var did struct{ Fulfilled int }
		call, cancel := context.WithTimeout(ctx, callTimeout)
		err := admin(call, http.MethodPost, base+"/jobs/fulfil", &did)
		cancel()
		if err != nil {
			return fmt.Errorf("lab load: pack the orders: %w", err)
		}
		if did.Fulfilled == 0 {
			return nil
		}
	}
}

// allowedFleet checks where a lab says that its services are.
func (l *loadFlags) allowedFleet(fleet scenario.Fleet) error {
	for _, addresses := range []map[string]string{fleet.Targets, fleet.Admin} {
		for _, name := range sortedKeys(addresses) {
			if err := l.allowed(name, addresses[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loadFlags) allowed(what, address string) error {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return usagef("lab load: %s: %.60q is no URL", what, address)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if l.nonLoopback || u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return usagef("lab load: %s: %.60q is not a loopback address; say --allow-nonloopback "+
		"if you may load that machine", what, address)
}

// send sends the load and tells what came of it.
func (l *loadFlags) send(ctx context.Context, c console, target load.Target) error {
	cfg := load.Config{Spans: l.rate, For: l.duration}
	if !l.find {
		report, err := load.Run(ctx, target, cfg)
		if err != nil {
			return fmt.Errorf("lab load: %w", err)
		}
		l.tell(c, report)
		if err := report.Check(); err != nil {
			return fmt.Errorf("lab load: %w", err)
		}
		return nil
	}
	best, err := load.Find(ctx, target, cfg, func(r load.Report) { l.tell(c, r) })
	if err != nil {
		return fmt.Errorf("lab load: %w", err)
	}
	if !l.json {
		c.printf("highest rate without drops: %.0f spans/s (asked for %.0f)\n",
			best.Rate(), best.Wanted)
	}
	return nil
}

func (l *loadFlags) tell(c console, r load.Report) {
	if !l.json {
		c.printf("%v\n", r)
		return
	}
	line, err := json.Marshal(r)
	if err != nil { // strings and numbers
		fmt.Fprintf(c.err, "lab load: %v\n", err)
		return
	}
	c.printf("%s\n", line)
}
