package payment

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/program"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/envcarrier"
	"example.com/throughline/patterns/jobroot"
)

// usage is what "payment -h" prints.
const usage = `Usage: payment                    serve until SIGINT or SIGTERM
       payment settle [flags]     settle what was captured and not settled, then exit
       payment health             exit 0 if the service beside it is ready

The job continues the trace in TRACEPARENT, TRACESTATE and BAGGAGE, if there is one. It prints one
JSON line per run on stdout, its log on stderr. Exit code 0: everything is settled. 1: something is
not. 2: it was called wrongly.
`

// itemTimeout bounds the work on one payment, which the end of the job does not cut short.
const itemTimeout = 5 * time.Second

// errIncomplete says that a run has left payments unsettled.
var errIncomplete error = kind{"settlement_incomplete", "not every payment is settled"}

// Job is the settlement as a program that is run from a shell, by cron or by CI: for payments
// whose message was lost or is a dead letter. [ParseArgs] makes one.
type Job struct {
	OlderThan time.Duration // payments that were captured later are left to the consumer
	// Every makes a loop of it, which runs until its context ends or Times runs are done; 0 is
	// one run. Times 0 is for ever.
	Every time.Duration
	Times int
}

// Report is what one run of the job did. It is printed as a line of JSON.
type Report struct {
	TraceID string `json:"trace_id"`
	Found   int    `json:"found"`
	Settled int    `json:"settled"`
	Failed  int    `json:"failed"`
	Gone    int    `json:"gone"` // were on the list, but there is no such payment any more
}

// ParseArgs reads the arguments of the program, without its name: none is to serve, and no Job.
// Errors are of type [*program.UsageError].
func ParseArgs(args []string) (*Job, error) {
	flags := flag.NewFlagSet("payment settle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	job := &Job{}
	flags.DurationVar(&job.OlderThan, "older-than", 10*time.Minute, "")
	flags.DurationVar(&job.Every, "every", 0, "")
	flags.IntVar(&job.Times, "times", 0, "")
	switch {
	case len(args) == 0:
		return nil, nil
	case args[0] != "settle":
		return nil, usageError("command %.40q: want settle, or none to serve", args[0])
	}
	if err := flags.Parse(args[1:]); err != nil {
		return nil, usageError("%v", err)
	}
	switch {
	case flags.NArg() > 0:
		return nil, usageError("argument %.40q: want flags only", flags.Arg(0))
	case job.OlderThan < 0, job.Every < 0, job.Times < 0:
		return nil, usageError("a flag is negative: want zero or more")
	case job.Times > 0 && job.Every == 0:
		return nil, usageError("-times without -every: one run is what there is without both")
	}
	return job, nil
}

func usageError(format string, args ...any) error {
	return &program.UsageError{Message: fmt.Sprintf(format, args...), Usage: usage}
}

// Run runs the job and closes the Redis client of deps. It continues the trace that the
// environment names; a loop makes a new root for each run instead, linked to that trace, which
// would never end otherwise. When ctx ends, Run finishes the payment in hand. Telemetry is the
// caller's to flush: every span has ended when Run returns.
func (j *Job) Run(
	ctx context.Context, cfg Config, deps Deps,
	lookup func(name string) (string, bool), stdout io.Writer,
) (err error) {
	defer func() { err = errors.Join(err, deps.Redis.Close()) }()
	ctx = envcarrier.Context(ctx, deps.Telemetry.Propagator, lookup)
	run := &jobRun{Job: j, cfg: cfg, deps: deps}
	if j.Every == 0 {
		return run.once(ctx, stdout)
	}
	root := []trace.SpanStartOption{trace.WithNewRoot()}
	if shell := trace.SpanContextFromContext(ctx); shell.IsValid() {
		root = append(root, trace.WithLinks(shop.Link(shell, shop.LinkCaller)))
	}
	tick := time.NewTicker(j.Every)
	defer tick.Stop()
	for n := 1; ; n++ {
		err := run.once(ctx, stdout, root...)
		switch {
		case ctx.Err() != nil:
			return nil // to be stopped is how a loop ends
		case n == j.Times:
			return err
		}
		select { // what failed is logged and comes up again in the next run
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// jobRun is a job with what it works with.
type jobRun struct {
	*Job
	cfg     Config
	deps    Deps
	settler settler
}

// once is one run: one root span, and one line on stdout.
func (r *jobRun) once(
	ctx context.Context, stdout io.Writer, opts ...trace.SpanStartOption,
) error {
	var report Report
	network := newNetwork(r.cfg, r.deps, nil)
	r.settler = newSettler(r.deps, newAccounts(r.cfg, r.deps), network)
	err := jobroot.Run(ctx, r.settler.tracer, "settle payments", func(ctx context.Context) error {
		defer network.close() // nobody waits for it but the root, which ends last
		report.TraceID = trace.SpanContextFromContext(ctx).TraceID().String()
		err := r.all(ctx, &report)
		if err != nil {
			// The error decides the exit code as well, but that has no trace id.
			r.settler.logger.ErrorContext(ctx, "settlement incomplete", "error", err)
		}
		return err
	}, opts...)
	return errors.Join(err, json.NewEncoder(stdout).Encode(report))
}

func (r *jobRun) all(ctx context.Context, report *Report) error {
	orders, err := r.settler.accounts.captured(ctx, time.Now().Add(-r.OlderThan))
	if err != nil {
		return fmt.Errorf("find captured payments: %w", err)
	}
	report.Found = len(orders)
	for i, orderID := range orders {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d of %d payments left: %w", len(orders)-i, len(orders), err)
		}
		switch err := r.one(ctx, orderID); {
		case errors.Is(err, document.ErrNotFound):
			report.Gone++
		case err != nil:
			report.Failed++
		default:
			report.Settled++
		}
	}
	if report.Failed > 0 {
		return fmt.Errorf("%w: %d of %d failed", errIncomplete, report.Failed, report.Found)
	}
	return nil
}

// one settles the payment of one order. The job has no parent in the order's trace, and the order
// none in the job's: a link leads from one to the other.
func (r *jobRun) one(ctx context.Context, orderID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), itemTimeout)
	defer cancel()
	acc, err := r.settler.accounts.get(ctx, orderID)
	if errors.Is(err, document.ErrNotFound) {
		return errors.Join(err, r.settler.accounts.forget(ctx, orderID))
	}
	if err != nil {
		r.settler.logger.WarnContext(ctx, "payment not settled", "error", err)
		return err
	}
	opts := []trace.SpanStartOption{trace.WithAttributes(
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID))}
	captured, err := acc.Captured.Decode()
	if err != nil {
		r.settler.logger.WarnContext(ctx, "payment without a trace", "error", err)
	}
	if captured.IsValid() {
		opts = append(opts, trace.WithLinks(shop.Link(captured, shop.LinkBatchItem)))
	}
	return r.settler.settle(ctx, orderID, opts...)
}
