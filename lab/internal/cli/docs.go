package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/conformance"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/pages"
	"example.com/throughline/lab/internal/suite"
)

func docsCommand() command {
	return command{
		name: "docs", args: "[FILE ...]",
		short: "fill the trees and numbers of pages from a run of their scenarios",
		about: `
Rewrites what stands between <!-- tree: FILE --> and <!-- /tree --> in Markdown
pages, and the same for turns and costs, from a run of the scenarios that the
markers name; and tables, from what the propagators do with the cases of
conformance. Without files it takes docs/*.md.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			check := f.Bool("check", false, "change nothing; exit 1 if a page would change")
			return func(ctx context.Context, c console, files []string) error {
				return fillPages(ctx, c, files, *check)
			}
		},
	}
}

func fillPages(ctx context.Context, c console, files []string, check bool) error {
	if len(files) == 0 {
		files, _ = filepath.Glob("docs/*.md") // a constant pattern is never bad
	}
	if len(files) == 0 {
		return usagef("lab docs: no files given, and there is no docs/*.md")
	}
	before := make([]string, len(files))
	var names []string
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return usagef("lab docs: %w", err)
		}
		before[i] = string(text)
		names = append(names, pages.Scenarios(before[i])...)
	}
	runs, err := runForPages(ctx, c, names)
	if err != nil {
		return err
	}
	var tables map[string]string
	if slices.ContainsFunc(before, pages.HasTables) {
		if tables, err = conformance.Tables(ctx); err != nil {
			return fmt.Errorf("lab docs: %w", err)
		}
	}
	differs := false
	for i, file := range files {
		after, err := pages.Fill(file, before[i], runs, tables)
		if err != nil {
			return usageError{fmt.Errorf("lab docs: %w", err)}
		}
		switch {
		case after == before[i]:
		case check:
			differs = true
			fmt.Fprintf(c.err, "%s; `make docs` rewrites it\n", firstDifference(file, before[i], after))
		default:
			c.printf("rewritten: %s\n", file)
			err = os.WriteFile(file, []byte(after), 0o644) //nolint:gosec // a source file
		}
		if err != nil {
			return fmt.Errorf("lab docs: %w", err)
		}
	}
	if differs {
		return errFailed
	}
	return nil
}

// runForPages runs scenarios and insists that they pass: what fails has nothing to show.
func runForPages(ctx context.Context, c console, names []string) (map[string]pages.Run, error) {
	runs := make(map[string]pages.Run)
	if len(names) == 0 {
		return runs, nil
	}
	scenarios, err := choose(openLibrary(), names)
	if err != nil {
		return nil, err
	}
	lab, err := embedded.Start(ctx, embedded.Config{Log: c.err})
	if err != nil {
		return nil, fmt.Errorf("lab docs: %w", err)
	}
	var errs []error
	report := func(sc *scenario.Scenario, r suite.Result) {
		runs[sc.Name] = pages.Run{Scenario: sc, Result: r.Result}
		if !r.Pass {
			errs = append(errs, fmt.Errorf("lab docs: %s fails:\n%s", sc.Name, r.Diff))
		}
	}
	suite.Run(ctx, embeddedSuite(lab, parallel(), &instances{}, report), scenarios)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return runs, errors.Join(errors.Join(errs...), lab.Close(closing))
}

// firstDifference tells where two texts part, as file:line.
func firstDifference(file, before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	i := 0
	for i < len(old) && i < len(now) && old[i] == now[i] {
		i++
	}
	at := func(lines []string) string {
		if i < len(lines) {
			return fmt.Sprintf("%.120q", lines[i])
		}
		return "the end"
	}
	return fmt.Sprintf("%s:%d: has %s, the run has %s", file, i+1, at(old), at(now))
}
