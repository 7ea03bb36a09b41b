package cli

import (
	"context"

	"example.com/throughline/lab/internal/control"
)

func healthCommand() command {
	return command{
		name: "health", short: "exit 0 if a lab is up",
		about: "Asks the lab that `lab up` runs whether it serves. For health checks of containers,\n" +
			"which have no shell.",
		setup: func(f *flags) func(context.Context, console, []string) error {
			lab := f.String("lab", defaultLab, "`URL` of the lab's control listener")
			return func(ctx context.Context, _ console, args []string) error {
				if len(args) > 0 {
					return usagef("lab health: takes no arguments, have %.40q", args[0])
				}
				ctx, cancel := context.WithTimeout(ctx, callTimeout)
				defer cancel()
				client := control.NewClient(*lab, nil)
				defer client.Close()
				return client.Healthy(ctx)
			}
		},
	}
}
