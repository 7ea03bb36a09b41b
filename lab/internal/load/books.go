package load

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/suite"
)

// Books are the accounts of a time: what each instance's ledger and what arrived from it went up by.
type Books struct {
	Accounts []suite.Account
}

// Ended is how many spans ended, of all services.
func (b Books) Ended() (n int64) {
	for _, a := range b.Accounts {
		n += a.Ended
	}
	return n
}

// Dropped is how many spans were dropped, of all services and by reason.
func (b Books) Dropped() map[string]int64 {
	sum := map[string]int64{}
	for _, a := range b.Accounts {
		for reason, n := range a.Dropped {
			sum[reason] += n
		}
	}
	return sum
}

// Lost is the sum of Dropped.
func (b Books) Lost() (n int64) {
	for _, count := range b.Dropped() {
		n += count
	}
	return n
}

// Check returns what does not add up: a span that is neither exported nor dropped, one that was
// exported and has not arrived, a request that hung. Drops are no error: they are in the books.
func (r Report) Check() error {
	errs := []error{r.Books.Check()}
	if r.Hung > 0 {
		errs = append(errs, fmt.Errorf("%d requests had no answer within %v", r.Hung, timeout))
	}
	return errors.Join(errs...)
}

// Check is the part of [Report.Check] about spans.
func (b Books) Check() error {
	accounts := make([]suite.Account, len(b.Accounts))
	for i, a := range b.Accounts {
		a.MayDrop = true
		accounts[i] = a
	}
	return suite.Check(accounts)
}

// open brings the shop to rest and returns where the accounts stand.
func (t Target) open(ctx context.Context) (Books, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restTimeout)
	defer cancel()
	ledgers, err := t.rest(ctx)
	if err != nil {
		return Books{}, err
	}
	if err := t.Await(ctx, ledgers); err != nil {
		return Books{}, err
	}
	arrived, err := t.Received(ctx)
	if err != nil {
		return Books{}, err
	}
	return Books{suite.Accounts(ledgers, arrived)}, nil
}

// rest asks until the shop is at rest. What one service sends is work for the next, hence twice; a
// service that is still busy says so after some seconds, and is asked again.
func (t Target) rest(ctx context.Context) (ledgers []telemetry.Snapshot, err error) {
	for times := 0; times < 2; {
		if ledgers, err = suite.Quiesce(ctx, t.Fleet); err == nil {
			times++
			continue
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("the shop does not come to rest in %v: %w", restTimeout, err)
		}
	}
	return ledgers, nil
}

// close brings the shop to rest and returns what has changed since before.
func (t Target) close(ctx context.Context, before Books) (Books, error) {
	now, err := t.open(ctx)
	if err != nil {
		return Books{}, err
	}
	for i := range now.Accounts {
		for _, was := range before.Accounts {
			if was.Instance == now.Accounts[i].Instance {
				now.Accounts[i] = difference(now.Accounts[i], was)
			}
		}
	}
	return now, nil
}

func difference(now, was suite.Account) suite.Account {
	now.Ended -= was.Ended
	now.Exported -= was.Exported
	now.Arrived -= was.Arrived
	now.Pending -= was.Pending
	now.Dropped = maps.Clone(now.Dropped)
	for reason, n := range was.Dropped {
		now.Dropped[reason] -= n
	}
	return now
}
