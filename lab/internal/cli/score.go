package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/score"
	"example.com/throughline/lab/internal/suite"
)

type scoreFlags struct {
	from string
	json bool
	min  float64
}

func scoreCommand() command {
	return command{
		name: "score", args: "[NAME | GLOB | FILE ...]",
		short: "judge the telemetry by the Instrumentation Score, per service",
		about: `
Runs scenarios, by default all that are not broken, and judges everything that
arrived by the rules of the Instrumentation Score specification: a number from 0
to 100 per service.name, the rules that cost points, and the spans, metrics and
resources that broke them.

With --from it runs nothing and judges a directory with traces.jsonl, logs.jsonl
and metrics.jsonl: OTLP JSON lines, as 'lab run --dump', 'lab up --dump' and the
Collector's file exporter write them. So it can judge services that are not ours.

Exit code 1: a service has less than --min.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			var s scoreFlags
			f.StringVar(&s.from, "from", "", "judge the OTLP JSON lines in `DIR`")
			f.BoolVar(&s.json, "json", false, "one JSON object per service and line, with all rules")
			f.Float64Var(&s.min, "min", 0, "exit 1 when a service has less than `SCORE`")
			return s.run
		},
	}
}

func (s *scoreFlags) run(ctx context.Context, c console, args []string) error {
	if s.from != "" && len(args) > 0 {
		return usagef("lab score: --from %s and scenarios: want one of the two", s.from)
	}
	dir := s.from
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "lab-score-"); err != nil {
			return fmt.Errorf("lab score: %w", err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
		if err := dumpScenarios(ctx, c, dir, args); err != nil {
			return err
		}
	}
	var scorer score.Scorer
	if err := scorer.Read(os.DirFS(dir)); err != nil {
		if s.from == "" {
			return fmt.Errorf("lab score: %w", err)
		}
		return usagef("lab score: --from %s: %w", s.from, err)
	}
	services := scorer.Services()
	if s.json {
		for _, service := range services {
			line, err := json.Marshal(service)
			if err != nil {
				return fmt.Errorf("lab score: %w", err)
			}
			c.printf("%s\n", line)
		}
	} else {
		printScores(c, services)
	}
	for _, service := range services {
		if service.Score < s.min {
			return errFailed
		}
	}
	return nil
}

// dumpScenarios runs scenarios and writes what arrives to dir.
func dumpScenarios(ctx context.Context, c console, dir string, names []string) error {
	lib := openLibrary()
	if len(names) == 0 {
		var err error
		if names, err = lib.good(); err != nil {
			return err
		}
	}
	scenarios, err := choose(lib, names)
	if err != nil {
		return err
	}
	lab, err := embedded.Start(ctx, embedded.Config{
		Redis: c.getenv("REDIS_ADDR"), Dump: dir, Log: c.err})
	if err != nil {
		return fmt.Errorf("lab score: %w", err)
	}
	var errs []error
	report := func(sc *scenario.Scenario, r suite.Result) {
		if !r.Pass {
			errs = append(errs, fmt.Errorf("lab score: %s fails:\n%s", sc.Name, indent(r.Diff)))
		}
	}
	suite.Run(ctx, embeddedSuite(lab, parallel(), &instances{}, report), scenarios)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return errors.Join(errors.Join(errs...), lab.Close(closing))
}

func printScores(c console, services []score.Service) {
	c.printf("%-20s %6s  %-18s %8s %8s %8s\n", "service", "score", "", "spans", "logs", "metrics")
	for _, s := range services {
		c.printf("%-20s %6.1f  %-18s %8d %8d %8d\n", s.Name, s.Score, s.Category, s.Spans, s.Logs,
			s.Metrics)
	}
	for _, s := range services {
		for _, v := range s.Rules {
			if v.Pass {
				continue
			}
			c.printf("\n%s: %s, %s: %s: broken %s\n", s.Name, v.ID, v.Impact, v.Description,
				times(v.Offences))
			for _, example := range v.Examples {
				c.printf("    %s\n", example)
			}
			if more := v.Offences - len(v.Examples); more > 0 {
				c.printf("    and %d more\n", more)
			}
		}
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
