package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/backend"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/suite"
)

// closeTimeout bounds the orderly end of a lab: draining requests, and
// exporting what was recorded.
const closeTimeout = 15 * time.Second

type runFlags struct {
	against, dump, redis string
	runAs                string
	json, shuffle        bool
	update, stats        bool
	parallel             int
	verify               verifyFlags
}

func runCommand() command {
	return command{
		name: "run", args: "[NAME | GLOB | FILE ...]",
		short: "run scenarios and compare what arrived with what they expect",
		about: `
Runs scenarios: sends their turns to real services, waits until every span has
arrived in the Collector's store, and compares the traces with the expected
trees. One line each, and a line diff for those that differ.

Names and globs choose from ./scenarios, or from the copy in the binary when
there is no such directory; the path of a file runs that file. Without a choice
all are run. Services, Collector and Redis are started for the run, unless
--against names a running lab.

--verify reads every trace back from the backends that it names, and compares
trees, and each span with what the store holds. docs/backends.md tells what a
backend is known to lose; anything else is a difference.

Exit code 1: a tree differs, or a span was lost on the way. Exit code 2: a
scenario file is wrong (with file and line), or the command line is.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			var r runFlags
			f.StringVar(&r.against, "against", "", "`URL` of a running lab's control listener")
			f.BoolVar(&r.json, "json", false, "one JSON object per scenario and line")
			f.IntVar(&r.parallel, "parallel", parallel(), "run `N` scenarios at the same time")
			f.BoolVar(&r.shuffle, "shuffle", false, "in random order")
			f.BoolVar(&r.update, "update", false,
				"rewrite the expected traces from what arrived:\nread the change before you believe it")
			f.StringVar(&r.dump, "dump", "", "write all that arrives to `DIR` as OTLP JSON lines")
			f.StringVar(&r.redis, "redis", "", "`HOST:PORT` of a Redis (default $REDIS_ADDR, "+
				"or else an embedded one)")
			f.StringVar(&r.runAs, "run-as", "", "print one scenario as a shell script instead: `curl`.\n"+
				"It runs against the lab of --against, by default that of `lab up`")
			r.verify.register(f)
			f.BoolVar(&r.stats, "stats", false, "tell start-up time, run time and memory")
			return r.run
		},
	}
}

// parallel is how many scenarios run at once: most of their time is waiting.
func parallel() int { return max(2, min(8, 2*runtime.GOMAXPROCS(0))) }

func (r *runFlags) run(ctx context.Context, c console, args []string) error {
	lib := openLibrary()
	if err := errors.Join(r.check(lib), r.verify.resolve(c.getenv, r.against != "")); err != nil {
		return err
	}
	scenarios, err := choose(lib, args)
	if err != nil {
		return err
	}
	if r.runAs != "" {
		return r.script(c, scenarios)
	}
	if r.shuffle {
		shuffle(scenarios)
	}
	verifier, done, err := r.verify.verifier(ctx)
	if err != nil {
		return err
	}
	defer done()
	out := &reporter{console: c, json: r.json, update: r.update}
	if r.against != "" {
		return r.remote(ctx, out, verifier, scenarios)
	}
	return r.embedded(ctx, out, verifier, scenarios)
}

func (r *runFlags) check(lib library) error {
	switch {
	case r.runAs != "" && r.runAs != "curl":
		return usagef("lab run: --run-as %.40q: want curl", r.runAs)
	case r.parallel < 1:
		return usagef("lab run: --parallel %d: want 1 or more", r.parallel)
	case r.against != "" && r.dump != "":
		return usagef("lab run: --dump writes what an embedded Collector receives; " +
			"with --against, give it to `lab up`")
	case r.update && !lib.onDisk:
		return usagef("lab run: --update: there is no ./%s to update", directory)
	}
	return nil
}

// script prints a scenario as a shell script. It asks nothing of the lab: the script does.
func (r *runFlags) script(c console, scenarios []*scenario.Scenario) error {
	if len(scenarios) != 1 {
		return usagef("lab run: --run-as curl: want one scenario, have %d", len(scenarios))
	}
	lab := cmp.Or(r.against, defaultLab)
	if !strings.Contains(lab, "://") {
		lab = "http://" + lab
	}
	text, err := scenarios[0].Curl(strings.TrimSuffix(lab, "/"))
	if err != nil {
		return usageError{err}
	}
	c.printf("%s", text)
	return nil
}

// embedded starts a lab for the run.
func (r *runFlags) embedded(
	ctx context.Context, out *reporter, verifier *backend.Verifier, scenarios []*scenario.Scenario,
) error {
	started := time.Now()
	redis := r.redis
	if redis == "" {
		redis = out.getenv("REDIS_ADDR")
	}
	lab, err := embedded.Start(ctx, embedded.Config{Redis: redis, Dump: r.dump, Log: out.err,
		Jaeger: r.verify.jaegerOTLP, Tempo: r.verify.tempoOTLP})
	if err != nil {
		return fmt.Errorf("lab run: %w", err)
	}
	out.ready = time.Since(started)
	broken := &instances{}
	cfg := embeddedSuite(lab, r.parallel, broken, out.result)
	cfg.Verify = verifier
	failed := out.failure(suite.Run(ctx, cfg, scenarios))
	out.ran = time.Since(started) - out.ready
	if r.stats {
		out.memory = resident(os.ReadFile)
	}
	// All spans are exported and arrived when the lab has closed, or never.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	closed := lab.Close(closing)
	accounts := suite.Accounts(lab.Ledgers(), control.Received(lab.Store))
	for i := range accounts {
		accounts[i].MayDrop = broken.has(accounts[i].Instance)
	}
	out.summary(accounts, r.stats)
	return out.verdict(failed, closed, suite.Check(accounts))
}

// embeddedSuite gives scenarios that cannot share a platform one of their own.
func embeddedSuite(
	lab *embedded.Lab, parallel int, broken *instances,
	report func(*scenario.Scenario, suite.Result),
) suite.Config {
	return suite.Config{
		Shared:   suite.Target{Fleet: lab.Fleet(), Source: lab.Store},
		Parallel: parallel,
		Report:   report,
		Private: func(
			ctx context.Context, sc *scenario.Scenario,
		) (suite.Target, func() error, error) {
			p, err := lab.Another(ctx)
			if err != nil {
				return suite.Target{}, nil, err
			}
			if len(sc.Faults) > 0 {
				broken.add(p.Ledgers())
			}
			stop := func() error {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
				defer cancel()
				return p.Close(ctx)
			}
			return suite.Target{Fleet: p.Fleet(), Source: lab.Store}, stop, nil
		},
	}
}

// instances are the services of platforms on which a fault was on.
type instances struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (i *instances) add(ledgers []telemetry.Snapshot) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ids == nil {
		i.ids = make(map[string]bool)
	}
	for _, l := range ledgers {
		i.ids[l.Instance] = true
	}
}

func (i *instances) has(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ids[id]
}
