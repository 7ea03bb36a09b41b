package scenario

import (
	_ "embed" // curl.sh
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Curl returns the scenario's turns as a POSIX shell script: the requests, and what is expected of
// their answers. Besides the shell it takes curl, sed, grep, od and mktemp. Base URLs are variables
// of the script; those that its caller does not set it asks of the lab at labURL.
//
// The script checks answers only. A value deep in a JSON body may be out of sed's reach: what an
// expect says of one becomes a comment, while a let of one is an error, for later turns need it.
func (sc *Scenario) Curl(labURL string) (string, error) {
	s := &script{sc: sc, vars: make(map[string]string)}
	for name := range builtins() {
		s.define(name)
	}
	turns := s.turns()
	if len(s.errs) > 0 {
		return "", errors.Join(s.errs...)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "#!/bin/sh\n# %s\n# The turns of scenario %s. It checks the answers; "+
		"`lab run %s` checks the traces.\n", sc.Title, sc.Name, sc.Name)
	if sc.Alone {
		head.WriteString("# Nobody else may use the lab meanwhile.\n")
	}
	fmt.Fprintf(&head, "set -eu\n\nLAB=${LAB:-%s}\n\n%s\n", labURL, curlLibrary)
	for _, target := range s.targets() {
		fmt.Fprintf(&head, "%s=${%[1]s:-$(base %s)}\n", envName(target), discovery(target))
	}
	head.WriteString(s.builtins(turns))
	return head.String() + "\n" + turns, nil
}

// curlLibrary is what all scripts have in common.
//
//go:embed curl.sh
var curlLibrary string

// script is a shell script in the making.
type script struct {
	sc   *Scenario
	vars map[string]string // variable of the scenario → of the shell
	b    strings.Builder
	errs []error
}

func (s *script) printf(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

// define finds a shell variable for one of the scenario, which may have hyphens.
func (s *script) define(name string) {
	if s.vars[name] != "" {
		return
	}
	shell := strings.ReplaceAll(name, "-", "_")
	for slices.Contains(slices.Collect(maps.Values(s.vars)), shell) {
		shell += "_"
	}
	s.vars[name] = shell
}

// targets are those that turns use and all admin listeners, for every script waits in the end.
func (s *script) targets() []string {
	var out []string
	for _, step := range s.sc.steps {
		if !step.wait && !slices.Contains(out, step.target) {
			out = append(out, step.target)
		}
	}
	for _, service := range services() {
		if !slices.Contains(out, service+adminSuffix) {
			out = append(out, service+adminSuffix)
		}
	}
	return out
}

func envName(target string) string {
	return strings.ToUpper(strings.ReplaceAll(target, "-", "_"))
}

// discovery is where the lab's answer tells of a target.
func discovery(target string) string {
	service, ok := strings.CutSuffix(target, adminSuffix)
	if ok && slices.Contains(services(), service) {
		return "admin " + service
	}
	return "targets " + target
}

func (s *script) builtins(turns string) string {
	var b strings.Builder
	for _, v := range []struct {
		name  string
		bytes int
	}{{"run", 5}, {"trace-id", 16}, {"span-id", 8}} {
		if shell := s.vars[v.name]; strings.Contains(turns, "${"+shell+"}") {
			fmt.Fprintf(&b, "%s=$(od -An -tx1 -N%d /dev/urandom | sed 's/ //g')\n", shell, v.bytes)
		}
	}
	return b.String()
}

func (s *script) turns() string {
	s.printf("ADMINS=\"")
	for i, service := range services() {
		if i > 0 {
			s.printf(" ")
		}
		s.printf("$%s", envName(service+adminSuffix))
	}
	s.printf("\"\n")
	if s.sc.Alone {
		s.printf("quiesce\n")
	}
	for _, name := range s.sc.Faults {
		s.printf("fault PUT %s\n", name)
	}
	for i := range s.sc.steps {
		s.step(&s.sc.steps[i])
	}
	// Spans that are still on their way belong to the trees; faults end with the script.
	s.printf("\nquiesce\necho %s\n", shellQuote("ok "+s.sc.Name))
	if shell := s.vars["id"]; shell != "" {
		s.printf("echo \"lab tree --lab $LAB ${%s}\"\n", shell)
	}
	return s.b.String()
}

func (s *script) step(step *step) {
	if step.wait {
		s.printf("\nquiesce\n")
		return
	}
	s.printf("\n")
	if step.repeat > 1 {
		s.printf("N=0\nwhile [ $N -lt %d ]; do\nN=$((N + 1))\n", step.repeat)
	}
	options := s.body(step)
	s.printf("call %s \"$%s%s\"", step.method, envName(step.target), s.inQuotes(step.path))
	for _, h := range step.header {
		s.printf(" \\\n  -H %s", s.word(headerArgument(h)))
	}
	s.printf("%s\n", options)
	for _, a := range step.acts {
		s.act(a)
	}
	if step.repeat > 1 {
		s.printf("done\n")
	}
}

// headerArgument is curl's notation, in which a name without value is taken out, and one that
// is to be sent empty ends with a semicolon.
func headerArgument(h headerLine) string {
	switch {
	case h.value != "":
		return h.name + ": " + h.value
	case strings.EqualFold(h.name, "Content-Type"):
		return h.name + ":"
	}
	return h.name + ";"
}
