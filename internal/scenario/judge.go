package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// judge waits for what the turns have caused and compares it with what the scenario expects.
func (r *run) judge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	ledgers, err := r.admin.settle(ctx)
	if err != nil {
		return err
	}
	if err := r.Source.Await(ctx, ledgers); err != nil {
		return err
	}
	if err := r.fetch(ctx); err != nil {
		return err
	}
	var diff strings.Builder
	out := r.sc.traces.Match(r.sc.compared(r.res.Journey), r.vars)
	diff.WriteString(out.Diff)
	if len(r.seeds) == 0 {
		fmt.Fprintf(&diff, "%s: no answer told which trace served it (Server-Timing)\n", r.sc.File)
	}
	if r.sc.logs != nil && out.OK {
		diff.WriteString(r.sc.logs.Match(r.res.Journey, r.vars, out.Labels))
	}
	if r.sc.metrics != nil && out.OK {
		metrics, err := r.metrics(ctx, ledgers, out.Labels)
		if err != nil {
			return err
		}
		diff.WriteString(metrics)
	}
	diff.WriteString(r.present())
	diff.WriteString(unbalanced(ledgers))
	if diff.Len() > 0 {
		return errors.New(diff.String())
	}
	return nil
}

func (r *run) fetch(ctx context.Context) error {
	j, err := r.Source.Journey(ctx, r.seeds)
	if err != nil {
		return fmt.Errorf("fetch the journey: %w", err)
	}
	r.res.Journey = j
	r.res.Traces, r.res.Spans, r.res.Roots = j.Traces(), len(j.Spans), j.Roots()
	return nil
}

// metrics quiesces once more: what was measured by the time of the ledgers is collected then.
func (r *run) metrics(
	ctx context.Context, ledgers []telemetry.Snapshot, labels map[string]tracetree.Span,
) (diff string, err error) {
	source, ok := r.Source.(MetricSource)
	if !ok {
		return "", fmt.Errorf("%s: metrics: there are none where these spans come from", r.sc.File)
	}
	if err := r.idle(ctx); err != nil {
		return "", err
	}
	points, err := source.Points(ctx, r.sc.metrics.Of(ledgers))
	if err != nil {
		return "", err
	}
	return r.sc.metrics.Match(points, r.res.Journey, r.vars, labels), nil
}

// present reports texts that should be nowhere.
func (r *run) present() string {
	var b strings.Builder
	for _, a := range r.sc.absent {
		for _, place := range r.res.Journey.Where(fill(a.text, r.vars)) {
			fmt.Fprintf(&b, "%s:%d: %q must be nowhere, but is in %s\n",
				r.sc.File, a.num, shorten(a.text), place)
		}
	}
	return b.String()
}
