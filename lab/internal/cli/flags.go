package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// flags is a flag set whose flags may come before, between and after the
// arguments: `lab run --json NAME` and `lab run NAME --json` are the same.
type flags struct{ *flag.FlagSet }

// newFlags returns a set that leaves it to the caller to tell errors.
func newFlags() *flags {
	f := &flags{flag.NewFlagSet("", flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	return f
}

func (c command) run(ctx context.Context, console console, args []string) error {
	f := newFlags()
	do := c.setup(f)
	rest, err := f.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		c.help(console.out, f)
		return nil
	}
	if err != nil {
		return usagef("lab %s: %w; see `lab %s --help`", c.name, err, c.name)
	}
	return do(ctx, console, rest)
}

// parse returns the arguments that are no flags. After "--" nothing is a flag.
func (f *flags) parse(args []string) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		left := f.Args()
		if used := len(args) - len(left); used > 0 && args[used-1] == "--" {
			return append(rest, left...), nil
		}
		if len(left) == 0 {
			break
		}
		rest, args = append(rest, left[0]), left[1:]
	}
	return rest, nil
}

// given tells whether the caller set a flag.
func (f *flags) given(name string) bool {
	found := false
	f.Visit(func(set *flag.Flag) { found = found || set.Name == name })
	return found
}

func (c command) help(w io.Writer, f *flags) {
	fmt.Fprintf(w, "Usage: lab %s %s\n\n%s\n", c.name, strings.TrimSpace("[flags] "+c.args),
		strings.Trim(c.about, "\n"))
	first := true
	f.VisitAll(func(set *flag.Flag) {
		if first {
			fmt.Fprint(w, "\nFlags:\n")
			first = false
		}
		value, usage := flag.UnquoteUsage(set)
		name := strings.TrimSpace("--" + set.Name + " " + value)
		if set.DefValue != "" && set.DefValue != "false" && set.DefValue != "0" {
			usage += " (default " + set.DefValue + ")"
		}
		fmt.Fprintf(w, "  %-22s  %s\n", name,
			strings.ReplaceAll(usage, "\n", "\n"+strings.Repeat(" ", 26)))
	})
}
