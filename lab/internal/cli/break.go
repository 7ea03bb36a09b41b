package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/throughline/internal/fault"
	"example.com/throughline/lab/internal/control"
)

// defaultLab is where `lab up` listens unless told otherwise.
const defaultLab = "http://127.0.0.1:4400"

// callTimeout bounds one question to a running lab or service.
const callTimeout = 5 * time.Second

func breakCommand() command {
	return command{
		name: "break", args: "[NAME ... | list]",
		short: "switch a fault on in a running lab, or list what there is",
		about: `
Breaks something in the lab that ` + "`lab up`" + ` runs, so that you can see what it does
to a trace. Without a name it lists what can be broken. Mend it with
` + "`lab mend NAME`" + `.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			lab := f.String("lab", defaultLab, "`URL` of the lab's control listener")
			return func(ctx context.Context, c console, args []string) error {
				if len(args) == 0 || args[0] == "list" {
					return listFaults(ctx, c, *lab)
				}
				return turnFaults(ctx, c, *lab, args, true)
			}
		},
	}
}

func mendCommand() command {
	return command{
		name: "mend", args: "NAME ... | all",
		short: "switch a fault off again, or all of them",
		about: `Undoes ` + "`lab break`" + ` in the lab that ` + "`lab up`" + ` runs.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			lab := f.String("lab", defaultLab, "`URL` of the lab's control listener")
			return func(ctx context.Context, c console, args []string) error {
				if len(args) == 0 {
					return usagef("lab mend: what? Name a fault or say `lab mend all`")
				}
				return turnFaults(ctx, c, *lab, args, false)
			}
		},
	}
}

// switchable is a fault of one service of a running lab.
type switchable struct {
	service, admin string
	fault.Status
}

func faults(ctx context.Context, lab string) ([]switchable, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	client := control.NewClient(lab, nil)
	defer client.Close()
	fleet, err := client.Platform(ctx)
	if err != nil {
		return nil, err
	}
	var all []switchable
	for _, service := range slices.Sorted(maps.Keys(fleet.Admin)) {
		var list []fault.Status
		if err := admin(ctx, http.MethodGet, fleet.Admin[service]+"/faults", &list); err != nil {
			return nil, fmt.Errorf("lab: faults of %s: %w", service, err)
		}
		for _, status := range list {
			all = append(all, switchable{service, fleet.Admin[service], status})
		}
	}
	return all, nil
}

func listFaults(ctx context.Context, c console, lab string) error {
	all, err := faults(ctx, lab)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, f := range all {
		state := ""
		if f.On {
			state = "BROKEN"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Name, f.service, state, f.About)
	}
	return w.Flush()
}

func turnFaults(ctx context.Context, c console, lab string, names []string, on bool) error {
	all, err := faults(ctx, lab)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, f := range all {
		known[f.Name] = true
	}
	everything := !on && len(names) == 1 && names[0] == "all"
	for _, name := range names {
		if !known[name] && !everything {
			return usagef("lab: no fault %.40q; there are %s", name,
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	method, done := http.MethodDelete, "mended"
	if on {
		method, done = http.MethodPut, "broken"
	}
	for _, f := range all {
		if !slices.Contains(names, f.Name) && !(everything && f.On) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		err := admin(ctx, method, f.admin+"/faults/"+url.PathEscape(f.Name), nil)
		cancel()
		if err != nil {
			return fmt.Errorf("lab: %s of %s: %w", f.Name, f.service, err)
		}
		c.printf("%s %s: %s\n", f.service, done, f.Name)
	}
	return nil
}

// admin asks a service's admin listener.
func admin(ctx context.Context, method, target string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
