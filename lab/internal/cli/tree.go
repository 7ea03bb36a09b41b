package cli

import (
	"context"
	"fmt"
	"regexp"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

var traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func treeCommand() command {
	return command{
		name: "tree", args: "ID",
		short: "print the whole journey of a trace, checkout or negotiation",
		about: `
Prints every trace of one logical process from a running lab: ID is a trace id,
or the id of a checkout or negotiation. Traces are found by following links both
ways and by shop.workflow.id, which no backend does. Indentation is parenthood;
what follows # is for the reader: durations, the critical path, orphans, and
links that lead nowhere. Ids that all spans share stand at the top only.

With --wire, below each hop are the headers that carried its context: what the
CLIENT sent, and what the SERVER received. Where the two differ something sits
between them; where nothing was sent, nothing can continue.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			lab := f.String("lab", defaultLab, "`URL` of the lab's control listener")
			durations := f.Bool("durations", true, "with durations and critical path")
			wire := f.Bool("wire", false, "with the propagation headers of each hop")
			return func(ctx context.Context, c console, args []string) error {
				if len(args) != 1 {
					return usagef("lab tree: want one id, have %d", len(args))
				}
				return printTree(ctx, c, *lab, args[0], tracetree.PrintOptions{
					Durations: *durations, Critical: *durations, Wire: *wire,
				})
			}
		},
	}
}

func printTree(ctx context.Context, c console, lab, id string, o tracetree.PrintOptions) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	client := control.NewClient(lab, nil)
	defer client.Close()
	if err := bringIn(ctx, client); err != nil {
		fmt.Fprintf(c.err, "lab tree: some spans may be missing: %v\n", err)
	}
	journey, err := client.Find(ctx, id)
	if err == nil && len(journey.Spans) == 0 && traceID.MatchString(id) {
		journey, err = client.Journey(ctx, []string{id})
	}
	if err != nil {
		return err
	}
	if len(journey.Spans) == 0 {
		return fmt.Errorf("lab: no span of %.64q has arrived: is the id right? "+
			"The store forgets the oldest traces, and those not sampled never come", id)
	}
	c.printf("%s", tracetree.PrintWith(journey, o))
	return nil
}

// bringIn makes the services export what they still hold.
func bringIn(ctx context.Context, client *control.Client) error {
	fleet, err := client.Platform(ctx)
	if err != nil {
		return err
	}
	ledgers, err := suite.Quiesce(ctx, fleet)
	if err != nil {
		return err
	}
	return client.Await(ctx, ledgers)
}
