// Command lab runs the shop, the OpenTelemetry Collector and every scenario in
// one process. `lab help` says what it can do.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"example.com/throughline/lab/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A soft limit: the heap is small, but without one it grows with every platform that a run
	// starts before anything is collected. Nothing fails when it is passed.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(80 << 20)
	}
	// The first signal asks for an orderly end; a second one does not ask.
	context.AfterFunc(ctx, stop)
	err := cli.Run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	os.Exit(cli.ExitCode(err, os.Stderr))
}
