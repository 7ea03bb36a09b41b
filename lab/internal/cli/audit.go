package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/audit"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/suite"
)

// auditExport bounds one export. What is given up is not searched, so that it may take long on a busy
// machine.
const auditExport = 30 * time.Second

type auditFlags struct {
	against, dump, redis, logs string
	broken                     repeated
	json                       bool
	only                       string
}

// repeated is a flag that may be repeated.
type repeated []string

// String is what help shows as the default.
func (n *repeated) String() string { return "" }

// Set reads one flag.
func (n *repeated) Set(name string) error {
	*n = append(*n, name)
	return nil
}

func auditCommand() command {
	return command{
		name:  "audit",
		short: "look for secrets in everything that the shop emits and stores",
		about: `
Sends requests to every endpoint of every service with canaries in them: card
numbers, e-mail addresses, tokens, passwords, in headers, paths, queries, bodies,
baggage, tracestate and gRPC metadata. Then it searches every span, log record,
metric, line of standard output, baggage member, Redis key and value, webhook,
event and answer for them, in any common encoding. docs/secrets.md says what may
be at rest, and why.

Against a running lab, it needs to know where that one writes:

  lab up --dump DIR --service-logs FILE
  lab audit --against URL --dump DIR --logs FILE --redis HOST:PORT

Exit code 1: a canary has surfaced, one line each, or an endpoint was not reached.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			var a auditFlags
			f.StringVar(&a.against, "against", "", "`URL` of a running lab's control listener")
			f.StringVar(&a.dump, "dump", "", "`DIR` that the lab of --against dumps to")
			f.StringVar(&a.logs, "logs", "", "`FILE` that the lab of --against writes service logs to")
			f.StringVar(&a.redis, "redis", "", "`HOST:PORT` of the Redis (default $REDIS_ADDR, or "+
				"else an\nembedded one)")
			f.Var(&a.broken, "break", "switch on the fault `NAME` first; may be repeated")
			f.StringVar(&a.only, "only", "", "audit endpoints that match `REGEXP`, such as 'order .*payment'")
			f.BoolVar(&a.json, "json", false, "one JSON object per finding and line, and a summary")
			return a.run
		},
	}
}

func (a *auditFlags) run(ctx context.Context, c console, args []string) error {
	switch {
	case len(args) > 0:
		return usagef("lab audit: takes no arguments, have %.40q", args[0])
	case a.against != "" && (a.dump == "" || len(a.broken) > 0):
		return usagef("lab audit: --against needs the --dump of that lab, and `lab break` breaks it")
	case a.against == "" && a.dump+a.logs != "":
		return usagef("lab audit: --dump and --logs are of a running lab: want --against")
	}
	if a.redis == "" {
		a.redis = c.getenv("REDIS_ADDR")
	}
	search := audit.New()
	only, err := regexp.Compile(a.only)
	if err != nil {
		return usagef("lab audit: --only: %w", err)
	}
	search.Only = only
	if a.against != "" {
		err = a.remote(ctx, c, search)
	} else {
		err = a.embedded(ctx, search)
	}
	if err != nil {
		return fmt.Errorf("lab audit: %w", err)
	}
	return a.report(c, search)
}

// embedded starts labs for the audit: one that works, and one whose Redis is away.
func (a *auditFlags) embedded(ctx context.Context, search *audit.Audit) error {
	err := a.lab(ctx, search, a.redis, func(lab *embedded.Lab) error {
		return a.fire(ctx, search, lab)
	})
	if err != nil {
		return err
	}
	const nowhere = "127.0.0.1:1" // tcpmux, which nobody runs
	return a.lab(ctx, search, nowhere, func(lab *embedded.Lab) error {
		return search.FireInOutage(ctx, lab.Fleet())
	})
}

// lab starts a lab, lets fire do what it does with it, and searches what it has emitted.
func (a *auditFlags) lab(
	ctx context.Context, search *audit.Audit, redis string, fire func(*embedded.Lab) error,
) (err error) {
	dir, err := os.MkdirTemp("", "lab-audit-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stdout, warnings := &buffer{}, &buffer{}
	lab, err := embedded.Start(ctx, embedded.Config{
		Redis: redis, Dump: dir, ServiceLogs: stdout, Log: warnings,
		SpanProcessor: search.SpanProcessor, ExportTimeout: auditExport,
	})
	if err != nil {
		return err
	}
	err = fire(lab)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := errors.Join(err, lab.Close(closing)); err != nil {
		return err
	}
	accounts := suite.Accounts(lab.Ledgers(), control.Received(lab.Store))
	search.Stdout(stdout.String())
	search.Stdout(warnings.String())
	return errors.Join(suite.Check(accounts), search.Dump(dir))
}

func (a *auditFlags) fire(ctx context.Context, search *audit.Audit, lab *embedded.Lab) error {
	fleet := lab.Fleet()
	if err := turnOn(ctx, fleet, a.broken); err != nil {
		return err
	}
	if err := search.Fire(ctx, fleet); err != nil {
		return err
	}
	if _, err := suite.Quiesce(ctx, fleet); err != nil {
		return err
	}
	addr, _ := lab.Redis()
	return search.Redis(ctx, addr)
}

// turnOn switches faults on, wherever they are declared.
func turnOn(ctx context.Context, fleet scenario.Fleet, broken []string) error {
	for _, name := range broken {
		var errs []error
		for _, service := range sortedKeys(fleet.Admin) {
			target := fleet.Admin[service] + "/faults/" + url.PathEscape(name)
			errs = append(errs, admin(ctx, http.MethodPut, target, nil))
		}
		if !slices.Contains(errs, nil) {
			return fmt.Errorf("--break %.40q: %w", name, errs[0])
		}
	}
	return nil
}

// remote audits a lab that somebody else has started.
func (a *auditFlags) remote(ctx context.Context, c console, search *audit.Audit) error {
	client := control.NewClient(a.against, nil)
	defer client.Close()
	fleet, err := client.Platform(ctx)
	if err != nil {
		return err
	}
	if err := search.Fire(ctx, fleet); err != nil {
		return err
	}
	ledgers, err := suite.Quiesce(ctx, fleet)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := client.Await(waiting, ledgers); err != nil {
		return err
	}
	fmt.Fprintln(c.err, "not searched: baggage on its way inside of services, which only an "+
		"embedded lab shows")
	if err := a.files(c, search); err != nil {
		return err
	}
	if a.redis == "" {
		fmt.Fprintln(c.err, "not searched: Redis; say --redis HOST:PORT")
		return nil
	}
	return search.Redis(ctx, a.redis)
}

// files searches what a running lab has written.
func (a *auditFlags) files(c console, search *audit.Audit) error {
	if err := search.Dump(a.dump); err != nil {
		return err
	}
	if a.logs == "" {
		fmt.Fprintln(c.err, "not searched: standard output; say --logs FILE")
		return nil
	}
	text, err := os.ReadFile(a.logs)
	search.Stdout(string(text))
	return err
}

func (a *auditFlags) report(c console, search *audit.Audit) error {
	found := search.Findings()
	searched, allowed := search.Searched()
	if a.json {
		encoder := json.NewEncoder(c.out)
		for _, f := range found {
			_ = encoder.Encode(f) // strings and numbers
		}
		_ = encoder.Encode(map[string]any{
			"pass": len(found) == 0, "findings": len(found), "searched": searched, "allowed": allowed,
		})
	} else {
		a.print(c, found, searched, allowed)
	}
	if len(found) > 0 {
		return errFailed
	}
	return nil
}

func (a *auditFlags) print(
	c console, found []audit.Found, s audit.Searched, allowed map[string]int,
) {
	for _, f := range found {
		at := strings.TrimSpace(f.Service + " " + f.Surface)
		if f.Where != "" {
			at += fmt.Sprintf(" %.80q", f.Where)
		}
		line := fmt.Sprintf("LEAK  %s, planted in %s: surfaced in %s, %s", f.Kind, f.Planted, at, f.Field)
		if f.Encoding != "" {
			line += " (" + f.Encoding + ")"
		}
		c.printf("%s, %d times\n", line, f.Count)
	}
	c.printf("%d canaries in %d requests to %d endpoints\n", s.Canaries, s.Requests, s.Endpoints)
	c.printf("searched %d texts: %d spans, %d log records, %d metric points, %d lines of stdout,\n"+
		"  %d Redis keys, %d webhooks, %d answers, %d events, baggage of %d spans\n",
		s.Texts, s.Spans, s.Logs, s.Points, s.Lines, s.Keys, s.Webhooks, s.Answers, s.Events, s.Contexts)
	for _, reason := range sortedKeys(allowed) {
		c.printf("allowed %d times: %s\n", allowed[reason], reason)
	}
	c.printf("%s\n", map[bool]string{true: "clean", false: fmt.Sprintf("%d findings", len(found))}[len(found) == 0])
}

// buffer is a bytes.Buffer that several services write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
