package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"example.com/throughline/internal/telemetry"
)

// Fleet says where the services of a platform are. Its JSON is what the lab serves at /platform.
type Fleet struct {
	// Targets are the base URLs that turns send to, by the name that they use.
	Targets map[string]string `json:"targets"`
	// Admin are the base URLs of the services' admin listeners, by service name. A turn reaches
	// that of order by the name order-admin.
	Admin map[string]string `json:"admin"`
}

// adminSuffix makes the name of a target from that of a service.
const adminSuffix = "-admin"

// Target returns the base URL that a turn to name sends to.
func (f Fleet) Target(name string) (base string, ok bool) {
	if base, ok = f.Targets[name]; ok {
		return base, true
	}
	if service, found := strings.CutSuffix(name, adminSuffix); found {
		base, ok = f.Admin[service]
	}
	return base, ok
}

// targets returns all names that Target knows, sorted.
func (f Fleet) targets() []string {
	names := slices.Collect(maps.Keys(f.Targets))
	for service := range f.Admin {
		names = append(names, service+adminSuffix)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// services are those of the shop, in the order in which work flows through them.
func services() []string { return []string{"gateway", "order", "pricing", "payment"} }

// admins returns the services in the order in which work flows through them, the unknown last.
func (f Fleet) admins() []string {
	known := services()
	rank := func(name string) int {
		if i := slices.Index(known, name); i >= 0 {
			return i
		}
		return len(known)
	}
	names := slices.Sorted(maps.Keys(f.Admin))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// admin talks to the admin listeners.
type admin struct {
	fleet Fleet
	http  *http.Client
}

// quiesce waits until every service is idle and has exported what it knows of. It asks all of them
// twice, because a message that one handles may be work for another that was asked before.
func (a admin) quiesce(ctx context.Context) ([]telemetry.Snapshot, error) {
	var ledgers []telemetry.Snapshot
	for range 2 {
		ledgers = ledgers[:0]
		for _, name := range a.fleet.admins() {
			var s telemetry.Snapshot
			if err := a.call(ctx, http.MethodPost, name, "/quiesce", &s); err != nil {
				return nil, err
			}
			ledgers = append(ledgers, s)
		}
	}
	return ledgers, nil
}

// settle quiesces until nothing is pending, five times at most: on a shared platform others may be
// at work at any moment.
func (a admin) settle(ctx context.Context) (ledgers []telemetry.Snapshot, err error) {
	for range 5 {
		ledgers, err = a.quiesce(ctx)
		pending := slices.ContainsFunc(ledgers,
			func(s telemetry.Snapshot) bool { return s.Pending != 0 })
		if err != nil || !pending {
			return ledgers, err
		}
	}
	return ledgers, nil
}

// unbalanced describes every ledger that does not add up.
func unbalanced(ledgers []telemetry.Snapshot) string {
	var b strings.Builder
	for _, s := range ledgers {
		var dropped int64
		for _, n := range s.Dropped {
			dropped += n
		}
		if s.Ended != s.Exported+dropped+s.Pending {
			fmt.Fprintf(&b, "ledger of %s (instance %s): ended %d is not exported %d + dropped %d, "+
				"pending %d\n", s.Service, s.Instance, s.Ended, s.Exported, dropped, s.Pending)
		}
	}
	return b.String()
}

// faultStatus is an entry of GET /faults.
type faultStatus struct {
	Name string `json:"name"`
}

// unknownFault is an input error: the scenario names a fault that no service has.
type unknownFault struct {
	name  string
	known []string
}

func (e unknownFault) Error() string {
	return fmt.Sprintf("fault %q is at no service: known are %s", e.name, list(e.known))
}

// find returns which services have each of the named faults.
func (a admin) find(ctx context.Context, names []string) (map[string][]string, error) {
	at := make(map[string][]string)
	for _, service := range a.fleet.admins() {
		var faults []faultStatus
		if err := a.call(ctx, http.MethodGet, service, "/faults", &faults); err != nil {
			return nil, err
		}
		for _, f := range faults {
			at[f.Name] = append(at[f.Name], service)
		}
	}
	for _, name := range names {
		if len(at[name]) == 0 {
			return nil, unknownFault{name, slices.Sorted(maps.Keys(at))}
		}
	}
	return at, nil
}

// turn switches faults at every service that has them. It tries all, whatever fails.
func (a admin) turn(
	ctx context.Context, method string, names []string, at map[string][]string,
) error {
	var errs []error
	for _, name := range names {
		for _, service := range at[name] {
			errs = append(errs, a.call(ctx, method, service, "/faults/"+name, nil))
		}
	}
	return errors.Join(errs...)
}

// call makes one request to a service's admin listener and decodes the JSON answer into out.
func (a admin) call(ctx context.Context, method, service, path string, out any) error {
	fail := func(err error) error {
		return fmt.Errorf("admin of %s: %s %s: %w", service, method, path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.fleet.Admin[service]+path, http.NoBody)
	if err != nil {
		return fail(err)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return fail(err)
	}
	defer res.Body.Close()
	data, err := readAll(res.Body)
	if err != nil {
		return fail(err)
	}
	if res.StatusCode/100 != 2 {
		return fail(fmt.Errorf("%s: %s", res.Status, excerpt(data)))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fail(fmt.Errorf("%w: %s", err, excerpt(data)))
	}
	return nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = errors.New("answer is longer than 1 MiB")
	}
	return data, err
}

// excerpt is the beginning of a body on one line.
func excerpt(data []byte) string {
	const most = 300
	s := string(bytes.Join(bytes.Fields(data[:min(len(data), most)]), []byte(" ")))
	s = strings.ToValidUTF8(s, "?")
	if len(data) > most {
		s += "…"
	}
	if s == "" {
		return "(no body)"
	}
	return s
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
