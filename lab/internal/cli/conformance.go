package cli

import (
	"context"
	"fmt"

	"example.com/throughline/lab/internal/conformance"
)

// conformanceAddr is where the suite's own examples expect no other service.
const conformanceAddr = "127.0.0.1:5055"

func conformanceCommand() command {
	return command{
		name:  "conformance",
		short: "serve POST /test for the W3C Trace Context test suite, until Ctrl-C",
		about: `
Runs a service for the test suite of W3C Trace Context (repository
w3c/trace-context, folder test/). It is made of the middleware, transport and
propagator of the shop's services, as they treat a trusted caller. With the
suite at hand, and Python with aiohttp:

  lab conformance
  cd trace-context/test
  SPEC_LEVEL=2 STRICT_LEVEL=2 python3 test.py http://127.0.0.1:5055/test

OTEL_PROPAGATORS says which propagators it has, as for the services:
tracecontext,baggage unless you set it. docs/w3c.md says what comes of each case.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			listen := f.String("listen", conformanceAddr, "`HOST:PORT` to listen on")
			nonLoopback := f.Bool("allow-nonloopback", false,
				"listen on addresses that others can reach, and call any host\nthat a request names")
			return func(ctx context.Context, c console, args []string) error {
				if len(args) > 0 {
					return usagef("lab conformance: takes no arguments, have %.40q", args[0])
				}
				if err := loopback("lab conformance", *listen, *nonLoopback); err != nil {
					return err
				}
				return serveConformance(ctx, c, conformance.Config{
					Listen: *listen, Anywhere: *nonLoopback, Getenv: c.getenv, Log: c.err,
				})
			}
		},
	}
}

func serveConformance(ctx context.Context, c console, cfg conformance.Config) error {
	service, err := conformance.New(ctx, cfg)
	if err != nil {
		return usageError{fmt.Errorf("lab conformance: %w", err)}
	}
	c.printf("%s\nCtrl-C stops it.\n", service.URL())
	return service.Serve(ctx)
}
