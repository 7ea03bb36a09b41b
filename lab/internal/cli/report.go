package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/backend"
	"example.com/throughline/lab/internal/suite"
)

// reporter tells results as they come and adds them up at the end.
type reporter struct {
	console
	json, update bool

	ready, ran time.Duration
	memory     int64 // bytes resident at the end of the run; 0: not known
	count      int
	backends   backend.Tally
}

// result tells one result; suite.Run calls it one at a time and in order.
func (r *reporter) result(sc *scenario.Scenario, res suite.Result) {
	r.count++
	r.backends.Add(res.Backends)
	if r.update && !res.Pass && res.Err == nil && res.Backends == nil {
		if err := r.rewrite(sc, res.Result); err != nil {
			fmt.Fprintf(r.err, "lab run: --update: %v\n", err)
		}
	}
	if r.json {
		line, err := json.Marshal(res)
		if err != nil { // strings, numbers and booleans
			fmt.Fprintf(r.err, "lab run: %s: %v\n", res.Scenario, err)
			return
		}
		r.printf("%s\n", line)
		return
	}
	verdict := "ok"
	if !res.Pass {
		verdict = "FAIL"
	}
	r.printf("%-4s  %-32s %s %s %s %5d ms\n", verdict, res.Scenario, plural(res.Turns, "turn"),
		plural(res.Traces, "trace"), plural(res.Spans, "span"), res.MS)
	if !res.Pass {
		r.printf("%s\n", indent(res.Diff))
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%3d %-7s", n, what+",")
}

func indent(text string) string {
	return "      " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n      ")
}

// rewrite puts what arrived in the place of what was expected.
func (r *reporter) rewrite(sc *scenario.Scenario, res scenario.Result) error {
	text, err := scenario.Update(sc, res.Journey, res.Vars)
	if err != nil {
		return fmt.Errorf("%s: %w", sc.File, err)
	}
	if err := os.WriteFile(sc.File, text, 0o644); err != nil { //nolint:gosec // a source file
		return err
	}
	fmt.Fprintf(r.err, "rewritten: %s\n", sc.File)
	return nil
}

// failure turns results into the error that decides the exit code.
func (r *reporter) failure(results []suite.Result) error {
	var failed bool
	for _, res := range results {
		if res.Err != nil {
			return usageError{fmt.Errorf("lab run: %s: %w", res.Scenario, res.Err)}
		}
		failed = failed || !res.Pass
	}
	if failed {
		return errFailed
	}
	return nil
}

// summary tells the accounts and what was asked for besides. Standard output
// is for results alone when they are JSON.
func (r *reporter) summary(accounts []suite.Account, stats bool) {
	w := r.out
	if r.json {
		w = r.err
	}
	if len(accounts) > 0 {
		fmt.Fprintf(w, "\n%s", suite.Table(accounts))
	}
	if table := r.backends.Table(); table != "" {
		fmt.Fprintf(w, "\n%s", table)
	}
	if !stats {
		return
	}
	line := fmt.Sprintf("ready %d ms, %d scenarios %.1f s",
		r.ready.Milliseconds(), r.count, r.ran.Seconds())
	if r.memory > 0 {
		line += fmt.Sprintf(", resident %d MiB", r.memory>>20)
	}
	fmt.Fprintf(w, "%s\n", line)
}

// verdict tells trouble that no result told, and returns the error that decides
// the exit code.
func (r *reporter) verdict(failed error, more ...error) error {
	err := errors.Join(more...)
	if err == nil {
		return failed
	}
	fmt.Fprintf(r.err, "lab run: %v\n", err)
	return cmp.Or(failed, errFailed)
}

// resident returns the memory of this process that is in RAM, in bytes, where
// the system tells it as Linux does; 0 elsewhere.
func resident(read func(string) ([]byte, error)) int64 {
	status, err := read("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		value, found := strings.CutPrefix(line, "VmRSS:")
		if !found {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
