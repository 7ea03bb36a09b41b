// Command pricing runs the pricing service until SIGINT or SIGTERM; "pricing health" tells, by its exit
// code, whether the one beside it is ready. See pricing.Config for its environment variables; OTEL_*
// variables are honoured. Exit code 2: the configuration is wrong.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"example.com/throughline/internal/program"
	"example.com/throughline/services/pricing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	os.Exit(program.ExitCode(os.Stderr, err))
}

func run(
	ctx context.Context, args []string, getenv func(string) string, stdout io.Writer,
) (err error) {
	cfg, cfgErr := pricing.ConfigFrom(getenv)
	if program.AsksHealth(args) {
		return errors.Join(cfgErr, program.Healthy(ctx, cfg.Admin))
	}
	tel, telErr := program.Telemetry(ctx, "pricing", getenv, stdout)
	defer func() { err = errors.Join(err, program.Close(tel)) }()
	if err := errors.Join(cfgErr, telErr); err != nil {
		return err
	}
	service, err := pricing.New(cfg, pricing.Wire(cfg, tel))
	if err != nil {
		return err
	}
	return service.Serve(ctx)
}
