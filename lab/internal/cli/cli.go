// Package cli is the command line of the lab. [Run] is the whole program with
// everything of the operating system as a parameter; each command has a file of
// its own, and flags.go says how arguments are read.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1 // a scenario failed, a header is invalid, the lab could not do it
	exitUsage  = 2 // the command line or a scenario file is wrong
)

// errFailed ends the program with exitFailed when all has been said already.
var errFailed = errors.New("failed")

// usageError is a mistake of the caller: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// console is what a command may touch of the outside world.
type console struct {
	getenv func(string) string
	in     io.Reader
	out    io.Writer
	err    io.Writer
}

func (c console) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// command is one word after `lab`.
type command struct {
	name  string
	args  string // of the usage line
	short string // one line for the list of commands
	about string // for --help
	setup func(*flags) func(context.Context, console, []string) error
}

func commands() []command {
	return []command{
		upCommand(), runCommand(), treeCommand(), decodeCommand(), breakCommand(), mendCommand(),
		docsCommand(), scoreCommand(), conformanceCommand(), loadCommand(), tourCommand(),
		healthCommand(), auditCommand(),
	}
}

// Run runs the command that args name. Give its error to [ExitCode].
func Run(
	ctx context.Context, args []string, getenv func(string) string,
	stdin io.Reader, stdout, stderr io.Writer,
) error {
	c := console{getenv: getenv, in: stdin, out: stdout, err: stderr}
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		if len(args) > 1 {
			return runNamed(ctx, c, args[1], []string{"--help"})
		}
		printHelp(stdout)
		return nil
	}
	return runNamed(ctx, c, args[0], args[1:])
}

func runNamed(ctx context.Context, c console, name string, args []string) error {
	for _, cmd := range commands() {
		if cmd.name == name {
			return cmd.run(ctx, c, args)
		}
	}
	return usagef("lab: unknown command %q; `lab help` lists them", name)
}

// ExitCode returns the exit code for an error of Run, and tells the error
// unless that has been done.
func ExitCode(err error, stderr io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, err)
		return exitUsage
	case !errors.Is(err, errFailed):
		fmt.Fprintln(stderr, err)
	}
	return exitFailed
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, `lab shows, runs and proves how a trace context crosses boundaries.

It carries everything inside itself: four services of a small shop, a real
OpenTelemetry Collector, and Redis. Nothing needs to be installed.

Usage: lab COMMAND [arguments]

`)
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-13s%s\n", cmd.name, cmd.short)
	}
	fmt.Fprint(w, `
A first walk:

  lab run                     run every scenario, one line each
  lab up                      start the shop and leave it running; then, elsewhere:
  lab run --against 127.0.0.1:4400 persisted-context
  lab break                   what can be broken
  lab tree CHECKOUT_ID        everything that one checkout caused, as a tree
  lab decode 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

`+"`lab COMMAND --help`"+` tells more. Exit codes: 0 all well, 1 something failed,
2 the command line or a scenario file is wrong.
`)
}
