package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

// arriveTimeout is how long what was exported before a run may take to arrive.
const arriveTimeout = 10 * time.Second

// since is a running lab from a moment on. A ledger counts from the start of a service and the
// lab's store from the start of the lab: where the lab started later, or was away for longer than
// its Collector keeps a copy for it, some of what is exported has never arrived, and never will.
type since struct {
	*control.Client
	spans, logs map[string]int64 // exported before and not arrived, by instance
}

// join brings the services of a running lab to rest, and returns them, their ledgers as they are
// then, and the lab from then on. It says what it leaves out of account.
func join(ctx context.Context, c console, client *control.Client) (
	fleet scenario.Fleet, before []telemetry.Snapshot, lab *since, err error,
) {
	if fleet, err = client.Platform(ctx); err != nil {
		return fleet, nil, nil, err
	}
	if before, err = suite.Quiesce(ctx, fleet); err != nil {
		return fleet, nil, nil, err
	}
	if lab, err = fromNow(ctx, client, before, arriveTimeout); err != nil {
		return fleet, nil, nil, err
	}
	if spans, logs := lab.lost(); spans+logs > 0 {
		fmt.Fprintf(c.err, "lab: %d spans and %d log records from before never arrived, "+
			"as when a lab starts later than its services: left out of account\n", spans, logs)
	}
	return fleet, before, lab, nil
}

// fromNow waits until what these ledgers call exported has arrived, and takes what has not within
// that time for lost.
func fromNow(
	ctx context.Context, client *control.Client, before []telemetry.Snapshot, within time.Duration,
) (*since, error) {
	s := &since{Client: client, spans: map[string]int64{}, logs: map[string]int64{}}
	wait, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if client.Await(wait, before) == nil {
		return s, nil
	}
	arrived, err := client.Received(ctx) // fails as Await did, if the lab is to blame
	if err != nil {
		return nil, err
	}
	for _, ledger := range before {
		var spans, logs int64
		for _, a := range arrived {
			if a.Instance == ledger.Instance {
				spans, logs = spans+a.Spans, logs+a.Logs
			}
		}
		s.spans[ledger.Instance] = max(ledger.Exported-spans, 0)
		s.logs[ledger.Instance] = max(ledger.Logs.Exported-logs, 0)
	}
	return s, nil
}

// lost is how many spans and log records are left out of account.
func (s *since) lost() (spans, logs int64) {
	for _, n := range s.spans {
		spans += n
	}
	for _, n := range s.logs {
		logs += n
	}
	return spans, logs
}

// Await is that of the lab, without what was lost before.
func (s *since) Await(ctx context.Context, ledgers []telemetry.Snapshot) error {
	ledgers = slices.Clone(ledgers)
	for i := range ledgers {
		l := &ledgers[i]
		l.Exported -= s.spans[l.Instance]
		l.Logs.Exported -= s.logs[l.Instance]
	}
	return s.Client.Await(ctx, ledgers)
}

// accounts are those of the lab, in which what was lost before counts as arrived.
func (s *since) accounts(
	ledgers []telemetry.Snapshot, arrived []control.Arrived,
) []suite.Account {
	accounts := suite.Accounts(ledgers, arrived)
	for i := range accounts {
		accounts[i].Arrived += s.spans[accounts[i].Instance]
	}
	return accounts
}
