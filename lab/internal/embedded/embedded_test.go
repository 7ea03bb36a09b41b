package embedded_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, cfg embedded.Config) *embedded.Lab {
	t.Helper()
	lab, err := embedded.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLab(t, lab) })
	return lab
}

func closeLab(t *testing.T, lab *embedded.Lab) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := lab.Close(ctx); err != nil {
		t.Error(err)
	}
}

// shop sends requests to a fleet's gateway.
type shop struct {
	fleet  scenario.Fleet
	client *http.Client
}

func customer(t *testing.T, fleet scenario.Fleet) shop {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return shop{fleet, client}
}

// open opens n checkouts and fails the test unless all are created.
func (s shop) open(t *testing.T, n int) {
	t.Helper()
	for range n {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			s.fleet.Targets["gateway"]+"/checkouts",
			strings.NewReader(`{"customer":"c-1","continuation":"persisted"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %s, %v; want 201", resp.Status, body, err)
		}
	}
}

func TestStartFailsOnTakenAddress(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, name := range []string{"gateway", "payment", "order-admin", "otlp-grpc"} {
		_, err = embedded.Start(t.Context(), embedded.Config{
			Listen: map[string]string{name: taken.Addr().String()}})
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("%s: %v, want an error about the taken address", name, err)
		}
	}
}

func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	lab := start(t, embedded.Config{})
	other, err := lab.Another(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	customer(t, lab.Fleet()).open(t, 20)
	customer(t, other.Fleet()).open(t, 10)
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeLab(t, lab)
	if n := len(lab.Ledgers()); n != 10 {
		t.Fatalf("%d ledgers, want those of twice four services and their jobs", n)
	}
	accounts := suite.Accounts(lab.Ledgers(), control.Received(lab.Store))
	if err := suite.Check(accounts); err != nil {
		t.Error(err)
	}
	if accounts[0].Service != "gateway" || accounts[0].Arrived == 0 {
		t.Errorf("no span of the gateway:\n%s", suite.Table(accounts))
	}
}

// The Collector goes away in the middle. Every request is served all the same,
// every span is accounted for, and those that were exported before have arrived.
func TestCollectorStopsMidRun(t *testing.T) {
	t.Parallel()
	lab := start(t, embedded.Config{ExportTimeout: 200 * time.Millisecond})
	shop := customer(t, lab.Fleet())
	shop.open(t, 20)
	before := quiesce(t, lab)
	if err := lab.Store.Await(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if err := lab.Collector.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	shop.open(t, 200)
	after := quiesce(t, lab)
	for i, ledger := range after {
		if err := ledger.Balanced(); err != nil {
			t.Error(err)
		}
		if ledger.Exported != before[i].Exported {
			t.Errorf("%s: exported %d spans, of which %d without a Collector",
				ledger.Service, ledger.Exported, ledger.Exported-before[i].Exported)
		}
		lost := ledger.Dropped[telemetry.DroppedExportFailed] +
			ledger.Dropped[telemetry.DroppedQueueFull]
		if lost != ledger.Ended-before[i].Ended || ledger.Pending != 0 {
			t.Errorf("%s: dropped %d of %d spans that ended, pending %d", ledger.Service,
				lost, ledger.Ended-before[i].Ended, ledger.Pending)
		}
	}
	if after[0].Service != "gateway" || after[0].Dropped[telemetry.DroppedExportFailed] < 200 {
		t.Errorf("the gateway's ledger: %+v; want 200 drops or more", after[0])
	}
	accounts := suite.Accounts(before, control.Received(lab.Store))
	if err := suite.Check(accounts); err != nil {
		t.Errorf("before the Collector stopped: %v", err)
	}
	// What could not be exported at the end is not passed over in silence.
	if err := lab.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "stop services") {
		t.Errorf("Close: %v, want what could not be exported", err)
	}
}

func quiesce(t *testing.T, lab *embedded.Lab) []telemetry.Snapshot {
	t.Helper()
	ledgers, err := suite.Quiesce(t.Context(), lab.Fleet())
	if err != nil {
		t.Fatal(err)
	}
	return ledgers
}
