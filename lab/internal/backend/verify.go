package backend

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"example.com/throughline/internal/scenario"
)

const (
	// defaultDeadline bounds the wait for one scenario's spans in one backend.
	defaultDeadline = 30 * time.Second
	// hopeless divides the deadline once a backend has been short of spans: what is not connected
	// must not cost half a minute for each scenario.
	hopeless = 10
)

// Report is what one backend holds of one scenario. Its JSON is part of a line of lab run --json.
type Report struct {
	Pass   bool `json:"pass"`
	Traces int  `json:"traces"`
	Spans  int  `json:"spans"` // that the backend holds
	// Equal counts spans that are the same in every field, Changed those that differ in a field
	// as declared (see [Rules]), by field.
	Equal   int            `json:"equal"`
	Changed map[string]int `json:"changed,omitempty"`
	MS      int64          `json:"ms"`
	Diff    string         `json:"diff"`
}

// Verifier reads scenarios back from backends. It is safe for concurrent use.
type Verifier struct {
	// Readers by name; the one of the store is made for each scenario and stays nil.
	Readers map[string]Reader
	// Deadline bounds the wait for one scenario's spans in one backend; 0 is 30 s.
	Deadline time.Duration

	short sync.Map // names of backends that have been short of spans
}

// Verify compares the journey of a result with what each backend holds of it, and the scenario's
// trees with what it holds.
func (v *Verifier) Verify(
	ctx context.Context, sc *scenario.Scenario, source scenario.Source, res scenario.Result,
) map[string]Report {
	reports := make(map[string]Report, len(v.Readers))
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for name, read := range v.Readers {
		if name == StoreName {
			read = Store(source)
		}
		all.Go(func() {
			started := time.Now()
			report := v.one(ctx, name, read, sc, source, res)
			report.MS = time.Since(started).Milliseconds()
			mu.Lock()
			defer mu.Unlock()
			reports[name] = report
		})
	}
	all.Wait()
	return reports
}

func (v *Verifier) one(
	ctx context.Context, name string, read Reader,
	sc *scenario.Scenario, source scenario.Source, res scenario.Result,
) Report {
	ctx, cancel := context.WithTimeout(ctx, v.deadline(name))
	defer cancel()
	sent := byTrace(res.Journey.Spans)
	held, err := await(ctx, read, sent)
	if err == nil && held.count() > sent.count() {
		// A trace that scenarios share may have grown since: the store knows.
		if sent, err = again(ctx, source, sent); err == nil {
			held, err = await(ctx, read, sent)
		}
	}
	report := Report{Traces: len(held), Spans: held.count()}
	if err != nil {
		if !refused(err) {
			v.short.Store(name, true)
		}
		report.Diff = prefixed(name, err.Error())
		return report
	}
	c := compare(name, sent.flat(), held.flat())
	report.Equal, report.Changed = c.equal, c.changed
	report.Diff = c.diff()
	if report.Diff == "" {
		report.Diff = prefixed(name, sc.Compare(scenario.Journey{Spans: c.held}, res.Vars))
	}
	report.Pass = report.Diff == ""
	return report
}

func (v *Verifier) deadline(name string) time.Duration {
	d := cmp.Or(v.Deadline, defaultDeadline)
	if _, short := v.short.Load(name); short {
		d /= hopeless
	}
	return d
}

func prefixed(name, diff string) string {
	if diff == "" {
		return ""
	}
	lines := strings.ReplaceAll(strings.TrimSuffix(diff, "\n"), "\n", "\n"+name+": ")
	return name + ": " + lines + "\n"
}
