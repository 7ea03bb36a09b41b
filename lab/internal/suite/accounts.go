package suite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/control"
)

// Account compares what one service instance says of its spans with what has
// arrived from it.
type Account struct {
	telemetry.Snapshot
	Arrived int64
	// MayDrop: a fault was on. What was dropped is counted, and no failure.
	MayDrop bool
}

// Accounts joins ledgers with arrivals, sorted by service. Arrivals of
// instances without a ledger are left out: they are of another run.
func Accounts(ledgers []telemetry.Snapshot, arrived []control.Arrived) []Account {
	var accounts []Account
	for _, ledger := range ledgers {
		account := Account{Snapshot: ledger}
		for _, a := range arrived {
			// A service that has lost its name is still the same instance.
			if a.Instance == ledger.Instance {
				account.Arrived += a.Spans
			}
		}
		accounts = append(accounts, account)
	}
	slices.SortStableFunc(accounts, func(a, b Account) int {
		return strings.Compare(a.Service, b.Service)
	})
	return accounts
}

// Check returns nil when every span that ended was exported and arrived, once. Where drops are no
// failure, what was not exported by the books may have arrived all the same: a receiver took it, and
// its answer came too late.
func Check(accounts []Account) error {
	var errs []error
	for _, a := range accounts {
		errs = append(errs, a.check())
	}
	return errors.Join(errs...)
}

func (a Account) check() error {
	if err := a.Balanced(); err != nil {
		return err
	}
	switch {
	case a.dropped() > 0 && !a.MayDrop:
		return fmt.Errorf("%s (%s) dropped %d spans: %v",
			a.Service, a.Instance, a.dropped(), a.Dropped)
	case a.Pending > 0:
		return fmt.Errorf("%s (%s) still holds %d spans", a.Service, a.Instance, a.Pending)
	case a.Arrived < a.Exported,
		a.Arrived > a.Exported+a.Dropped[telemetry.DroppedExportFailed]:
		return fmt.Errorf("%s (%s) exported %d spans, %d arrived",
			a.Service, a.Instance, a.Exported, a.Arrived)
	}
	return nil
}

// SameDropped reports whether the instance has dropped as much as it had before.
func (a Account) SameDropped(before []telemetry.Snapshot) bool {
	for _, ledger := range before {
		if ledger.Instance == a.Instance {
			return a.dropped() == Account{Snapshot: ledger}.dropped()
		}
	}
	return a.dropped() == 0
}

func (a Account) name() string {
	if a.MayDrop {
		return a.Service + "*"
	}
	return a.Service
}

func (a Account) dropped() int64 {
	var n int64
	for _, count := range a.Dropped {
		n += count
	}
	return n
}

// Table renders accounts, one line for each service: its instances added up. Those on which a
// fault was on have a line of their own, marked with a star.
func Table(accounts []Account) string {
	accounts = slices.Clone(accounts)
	slices.SortStableFunc(accounts, func(a, b Account) int {
		return strings.Compare(a.name(), b.name())
	})
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "ledger\tinstances\tended\texported\tdropped\tarrived\t\n")
	for i := 0; i < len(accounts); {
		sum, n := Account{}, 0
		name := accounts[i].name()
		var dropped int64
		for ; i < len(accounts) && accounts[i].name() == name; i++ {
			n++
			sum.Ended += accounts[i].Ended
			sum.Exported += accounts[i].Exported
			sum.Arrived += accounts[i].Arrived
			dropped += accounts[i].dropped()
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n",
			name, n, sum.Ended, sum.Exported, dropped, sum.Arrived)
	}
	w.Flush()
	if strings.Contains(b.String(), "*") {
		b.WriteString("  * with a fault on: what it drops is meant to be dropped\n")
	}
	return b.String()
}
