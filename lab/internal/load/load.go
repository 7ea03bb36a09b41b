// Package load sends a shop more checkouts than a person could, at a steady rate and for a bounded
// time, and then does the books: what was served, and where every span of it went.
//
// Start reading at [Run]. The load is open: a customer comes when it is time, whether the ones
// before were served or not, so that a shop that slows down is seen as slow and not as less loaded.
// customer.go is what one of them does, books.go the accounts, find.go the highest rate at which
// nothing is dropped.
package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/control"
)

// Target is the shop that gets the load, and who knows what arrived of it.
type Target struct {
	Fleet scenario.Fleet
	// Await returns when all that the ledgers call exported has arrived.
	Await func(context.Context, []telemetry.Snapshot) error
	// Received tells how many spans of each instance have arrived.
	Received func(context.Context) ([]control.Arrived, error)
}

const (
	// timeout is when a request without an answer counts as hung. Every server and client of the
	// shop gives up earlier.
	timeout = 20 * time.Second
	// inFlight bounds the customers in the shop, and with them memory and sockets.
	inFlight = 1000
	// restTimeout bounds the wait for a shop to come to rest after the load.
	restTimeout = 2 * time.Minute
)

// Config says how much load.
type Config struct {
	Spans float64       // spans a second, of all services together; must be positive
	For   time.Duration // how long customers come; must be positive
}

// Report is what came of the load.
type Report struct {
	Wanted      float64       // spans a second, as asked for
	PerCheckout float64       // spans of one checkout, as measured first
	Took        time.Duration // until the last customer had left
	Checkouts   int           // that were begun
	Late        int           // checkouts not begun in time, for inFlight were in the shop
	Requests
	Books
}

// Rate is how many spans a second the shop made, from the first customer's coming to the last one's
// leaving.
func (r Report) Rate() float64 { return float64(r.Ended()) / r.Took.Seconds() }

// Run sends load until cfg.For is over or ctx is done, lets everyone finish, brings the shop to
// rest and does the books. An error is about the load itself, or a shop that does not come to
// rest; what was lost or hung is in the report: see [Report.Check].
func Run(ctx context.Context, target Target, cfg Config) (Report, error) {
	report := Report{Wanted: cfg.Spans}
	c := newCustomers(target.Fleet.Targets["gateway"])
	defer c.close()
	books, err := target.open(ctx)
	if err != nil {
		return report, err
	}
	if report.PerCheckout, err = c.measure(ctx, target, books); err != nil {
		return report, err
	}
	if books, err = target.open(ctx); err != nil {
		return report, err
	}
	c.forget()
	c.come(ctx, &report, rate.Limit(cfg.Spans/report.PerCheckout), cfg.For)
	report.Requests = c.requests()
	report.Books, err = target.close(ctx, books)
	return report, err
}

// measure finds out how many spans a checkout makes.
func (c *customers) measure(ctx context.Context, target Target, before Books) (float64, error) {
	const checkouts = 5
	for range checkouts {
		c.checkout(ctx)
	}
	if r := c.requests(); r.Answered() != r.OK() || r.Sent == 0 {
		return 0, fmt.Errorf("the shop does not serve even without load: %v", r)
	}
	after, err := target.close(ctx, before)
	if err != nil {
		return 0, err
	}
	if after.Ended() == 0 {
		return 0, fmt.Errorf("a checkout makes no spans: are they sampled?")
	}
	return float64(after.Ended()) / checkouts, nil
}

// come lets customers come at a steady rate, and returns when the last one has left.
func (c *customers) come(ctx context.Context, r *Report, limit rate.Limit, d time.Duration) {
	began := time.Now()
	coming, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	// The burst makes up for what timers oversleep.
	pace := rate.NewLimiter(limit, max(1, int(limit/20)))
	places := make(chan struct{}, inFlight)
	var shop sync.WaitGroup
	for pace.Wait(coming) == nil {
		select {
		case places <- struct{}{}:
		default:
			r.Late++
			continue
		}
		r.Checkouts++
		shop.Go(func() {
			defer func() { <-places }()
			c.checkout(ctx)
		})
	}
	shop.Wait()
	r.Took = time.Since(began)
}

// percentile returns the value below which the share p of sorted values lies.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func sortedDurations(all []time.Duration) []time.Duration {
	all = slices.Clone(all)
	slices.Sort(all)
	return all
}
