package cli

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/backend"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

// settleTimeout bounds how long a running lab may take to come to rest.
const settleTimeout = 15 * time.Second

// remote runs against a lab that somebody else started.
func (r *runFlags) remote(
	ctx context.Context, out *reporter, verifier *backend.Verifier, scenarios []*scenario.Scenario,
) error {
	started := time.Now()
	client := control.NewClient(r.against, nil)
	defer client.Close()
	fleet, before, lab, err := join(ctx, out.console, client)
	if err != nil {
		return err
	}
	broke := slices.ContainsFunc(scenarios, func(sc *scenario.Scenario) bool {
		return len(sc.Faults) > 0
	})
	// What was dropped before is not ours, and what a fault drops is meant to be.
	mayDrop := func(a suite.Account) bool { return broke || a.SameDropped(before) }
	out.ready = time.Since(started)
	results := suite.Run(ctx, suite.Config{
		Shared:   suite.Target{Fleet: fleet, Source: lab},
		Parallel: r.parallel,
		Verify:   verifier,
		Report:   out.result,
	}, scenarios)
	out.ran = time.Since(started) - out.ready
	accounts, err := settle(ctx, lab, fleet, mayDrop)
	out.summary(accounts, r.stats)
	return out.verdict(out.failure(results), err)
}

// settle brings a running lab to rest and checks its accounts. Somebody else
// may be using it: spans that arrive between two questions to it make the
// accounts differ for a moment, so it asks a few times.
func settle(
	ctx context.Context, lab *since, fleet scenario.Fleet,
	mayDrop func(suite.Account) bool,
) (accounts []suite.Account, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for range 3 {
		ledgers, err := suite.Quiesce(ctx, fleet)
		if err != nil {
			return nil, err
		}
		if err := lab.Await(ctx, ledgers); err != nil {
			return nil, err
		}
		arrived, err := lab.Received(ctx)
		if err != nil {
			return nil, err
		}
		accounts = lab.accounts(ledgers, arrived)
		for i := range accounts {
			accounts[i].MayDrop = len(accounts[i].Dropped) > 0 && mayDrop(accounts[i])
		}
		if suite.Check(accounts) == nil {
			return accounts, nil
		}
	}
	return accounts, suite.Check(accounts)
}

func shuffle(scenarios []*scenario.Scenario) {
	rand.Shuffle(len(scenarios), func(i, j int) {
		scenarios[i], scenarios[j] = scenarios[j], scenarios[i]
	})
}
