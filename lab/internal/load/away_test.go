package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/load"
	"example.com/throughline/lab/internal/storeexporter"
)

// patience bounds every wait. It is for a busy machine: reaching it is a failure.
const patience = time.Minute

// Under load the Collector goes away, or refuses what it gets, and then is as before, on the same
// port: everyone is served all the same, what could not be exported is dropped and counted, spans
// arrive again, and the sums balance.
func TestTheCollectorComesBack(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]map[string]string{
		"from being away": nil,
		// Less than this process has: the memory limiter refuses everything.
		"from refusing": {
			"processors::memory_limiter::limit_mib":       "2",
			"processors::memory_limiter::spike_limit_mib": "1",
			"processors::memory_limiter::check_interval":  "10ms",
		},
	} {
		t.Run(name, func(t *testing.T) {
			// The usual time for an export: what arrives and is answered later than that would be
			// in the books as dropped, and in the store all the same.
			lab, target := start(t, embedded.Config{})
			grpc := lab.Collector.GRPC()
			result := underLoad(t, target)
			stop(t, lab)
			if meanwhile != nil {
				again(t, lab, grpc, meanwhile)
			}
			gateway := ledgerOf(t, target, "gateway")
			until(t, "drops", func() bool {
				return ledgerOf(t, target, "gateway").Dropped[telemetry.DroppedExportFailed] >
					gateway.Dropped[telemetry.DroppedExportFailed]
			})
			if meanwhile != nil {
				stop(t, lab)
			}
			gateway = ledgerOf(t, target, "gateway")
			again(t, lab, grpc, nil)
			until(t, "spans that arrive again", func() bool {
				return ledgerOf(t, target, "gateway").Exported > gateway.Exported
			})
			check(t, result())
		})
	}
}

// check is about the whole time, before, meanwhile and after.
func check(t *testing.T, r load.Report) {
	t.Helper()
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if r.Checkouts == 0 || r.OK() != r.Sent || r.Lost() == 0 || r.Lost() >= r.Ended() {
		t.Error("want every request served and some spans dropped, others not")
	}
	t.Logf("in all:\n%v", r)
}

// underLoad returns when the load has begun. The function it returns ends the load.
func underLoad(t *testing.T, target load.Target) (result func() load.Report) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	// The books are opened, closed once to measure, and opened for the load.
	begun, opened, received := make(chan struct{}), 0, target.Received
	target.Received = func(ctx context.Context) ([]control.Arrived, error) {
		if opened++; opened == 3 {
			defer close(begun)
		}
		return received(ctx)
	}
	var report load.Report
	var err error
	var running sync.WaitGroup
	running.Go(func() {
		report, err = load.Run(ctx, target, load.Config{Spans: 500, For: patience})
	})
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
	select {
	case <-begun:
	case <-time.After(patience):
		t.Fatal("the load does not begin")
	}
	return func() load.Report {
		cancel()
		running.Wait()
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
}

func stop(t *testing.T, lab *embedded.Lab) {
	t.Helper()
	if err := lab.Collector.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// again starts the lab's next Collector, where the one before it listened.
func again(t *testing.T, lab *embedded.Lab, grpc string, set map[string]string) {
	t.Helper()
	c, err := collector.Start(t.Context(), collector.Config{
		GRPC: grpc, Set: set, Exporter: storeexporter.NewFactory(lab.Store, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	lab.Collector = c
}

// ledgerOf is the service's account as it is now.
func ledgerOf(t *testing.T, target load.Target, service string) (ledger telemetry.Snapshot) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get(target.Fleet.Admin[service] + "/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&ledger); err != nil {
		t.Fatal(fmt.Errorf("the ledger of %s: %w", service, err))
	}
	return ledger
}

func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	tick, late := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
