// Command payment runs the payment service until SIGINT or SIGTERM. See payment.Config for its
// environment variables; OTEL_* variables are honoured. Exit code 2: the configuration is wrong.
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
	err := run(ctx, os.Getenv, os.Stdout)
	stop()
	os.Exit(program.ExitCode(os.Stderr, err))
}

func run(ctx context.Context, getenv func(string) string, stdout io.Writer) (err error) {
	cfg, cfgErr := payment.ConfigFrom(getenv)
	tel, telErr := program.Telemetry(ctx, "payment", getenv, stdout)
	defer func() { err = errors.Join(err, program.Close(tel)) }()
	if err := errors.Join(cfgErr, telErr); err != nil {
		return err
	}
	service, err := payment.New(cfg, payment.Wire(cfg, tel))
	if err != nil {
		return err
	}
	return service.Serve(ctx)
}
