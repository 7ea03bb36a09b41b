// Command payment runs the payment service until SIGINT or SIGTERM; "payment settle" is a job
// that settles what was left over, and "payment health" tells, by its exit code, whether the
// service beside it is ready. See payment.Config and payment.Job. OTEL_* variables are honoured.
// Exit code 2: the configuration or the arguments are wrong.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"example.com/throughline/internal/program"
	"example.com/throughline/services/payment"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(program.ExitCode(os.Stderr, err))
}

func run(
	ctx context.Context, args []string, lookup func(string) (string, bool),
	stdout, stderr io.Writer,
) (err error) {
	getenv := func(name string) string { value, _ := lookup(name); return value }
	cfg, cfgErr := payment.ConfigFrom(getenv)
	if program.AsksHealth(args) {
		return errors.Join(cfgErr, program.Healthy(ctx, cfg.Admin))
	}
	job, argErr := payment.ParseArgs(args)
	logs := stdout
	if job != nil {
		logs = stderr // stdout is for what the job did
	}
	tel, telErr := program.Telemetry(ctx, "payment", getenv, logs)
	defer func() { err = errors.Join(err, program.Close(tel)) }()
	if err := errors.Join(argErr, cfgErr, telErr); err != nil {
		return err
	}
	deps := payment.Wire(cfg, tel)
	if job != nil {
		return job.Run(ctx, cfg, deps, lookup, stdout)
	}
	service, err := payment.New(cfg, deps)
	if err != nil {
		return err
	}
	return service.Serve(ctx)
}
