package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// Source is where the spans are that arrived.
type Source interface {
	// Await returns when everything that the ledgers call exported has arrived, per instance.
	Await(ctx context.Context, ledgers []telemetry.Snapshot) error
	// Journey returns these traces and all that belong to the same logical process.
	Journey(ctx context.Context, traceIDs []string) (Journey, error)
}

// MetricSource is a [Source] that has metrics as well. Scenarios with a section metrics need one.
type MetricSource interface {
	// Points returns what the instances of the ledgers have measured by the time of their ledgers,
	// at least, once the services have flushed it.
	Points(ctx context.Context, ledgers []telemetry.Snapshot) ([]tracetree.Point, error)
}

// Runner runs scenarios against one platform. Its zero value lacks a Fleet and a Source. It is
// safe for concurrent use, but a scenario that is [Scenario.Private] must have
// its platform to itself.
type Runner struct {
	Fleet  Fleet
	Source Source
	// HTTP sends turns and admin requests; nil is a client without proxy. Redirects are never
	// followed, and it must not add trace headers of its own.
	HTTP *http.Client
	// Deadline bounds each wait for the services to be idle and for spans to arrive; 0 is 30 s.
	Deadline time.Duration
}

// Result is the outcome of one run. Its JSON is a line of lab run --json.
type Result struct {
	Scenario string `json:"scenario"`
	Pass     bool   `json:"pass"`
	Turns    int    `json:"turns"` // requests sent
	Traces   int    `json:"traces"`
	Spans    int    `json:"spans"`
	Roots    int    `json:"roots"` // spans without a parent
	MS       int64  `json:"ms"`
	// Diff says what failed, most lines behind file:line:. Empty when Pass.
	Diff string `json:"diff"`

	// Err is an input error, such as an unknown target or fault: nothing was judged. Diff
	// repeats it.
	Err error `json:"-"`
	// Journey and Vars are what the run saw, for Update and for dumps.
	Journey Journey           `json:"-"`
	Vars    map[string]string `json:"-"`
}

// run is one run of one scenario.
type run struct {
	*Runner
	sc    *Scenario
	fleet Fleet
	http  *http.Client
	admin admin
	vars  map[string]string
	seeds []string // traces that served turns
	res   Result
}

// Run runs one scenario: faults on, turns, wait until all that they caused has arrived, compare,
// faults off. A wrong answer ends it before the traces are compared, for it explains them.
func (r *Runner) Run(ctx context.Context, sc *Scenario) Result {
	start := time.Now()
	client := r.client()
	x := &run{
		Runner: r, sc: sc, fleet: r.Fleet, http: client,
		admin: admin{fleet: r.Fleet, http: client},
		vars:  builtins(),
		res:   Result{Scenario: sc.Name},
	}
	err := x.do(ctx)
	if r.HTTP == nil {
		client.CloseIdleConnections()
	}
	res := x.res
	res.Vars = x.vars
	res.Pass = err == nil
	if err != nil {
		res.Diff = strings.TrimSuffix(err.Error(), "\n") + "\n"
	}
	res.MS = time.Since(start).Milliseconds()
	return res
}

func (r *Runner) client() *http.Client {
	c := http.Client{Transport: &http.Transport{DisableCompression: true}}
	if r.HTTP != nil {
		c = *r.HTTP
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func (r *run) deadline() time.Duration {
	if r.Deadline > 0 {
		return r.Deadline
	}
	return 30 * time.Second
}

func (r *run) do(ctx context.Context) (err error) {
	if err := r.targets(); err != nil {
		r.res.Err = err
		return err
	}
	if r.sc.Alone {
		// What earlier scenarios left under way would share its batches.
		if err := r.idle(ctx); err != nil {
			return fmt.Errorf("%s: wait idle before the first turn: %w", r.sc.File, err)
		}
	}
	mend, err := r.breakIt(ctx)
	defer func() { err = errors.Join(err, mend()) }()
	if err != nil {
		return err
	}
	for i := range r.sc.steps {
		if err := r.step(ctx, &r.sc.steps[i]); err != nil {
			return err
		}
	}
	return r.judge(ctx)
}

// targets refuses a scenario that names a target which the platform does not have.
func (r *run) targets() error {
	var errs []error
	for _, s := range r.sc.steps {
		if _, ok := r.fleet.Target(s.target); !s.wait && !ok {
			errs = append(errs, r.failure(s.num, "target %q is not on this platform: it has %s",
				shorten(s.target), list(r.fleet.targets())))
		}
	}
	return errors.Join(errs...)
}

// breakIt switches the scenario's faults on and returns what switches them off, whatever happened
// in between and even when ctx has ended.
func (r *run) breakIt(ctx context.Context) (mend func() error, err error) {
	mend = func() error { return nil }
	if len(r.sc.Faults) == 0 {
		return mend, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	at, err := r.admin.find(ctx, r.sc.Faults)
	if err != nil {
		if _, ok := errors.AsType[unknownFault](err); ok {
			err = fmt.Errorf("%s: %w", r.sc.File, err)
			r.res.Err = err
		}
		return mend, err
	}
	mend = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.deadline())
		defer cancel()
		return r.admin.turn(ctx, http.MethodDelete, r.sc.Faults, at)
	}
	return mend, r.admin.turn(ctx, http.MethodPut, r.sc.Faults, at)
}

func (r *run) step(ctx context.Context, s *step) error {
	if s.wait {
		if err := r.idle(ctx); err != nil {
			return r.failure(s.num, "wait idle: %v", err)
		}
		return nil
	}
	for range s.repeat {
		if err := r.turn(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) idle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	_, err := r.admin.quiesce(ctx)
	return err
}
