package cli

import (
	"net/http/httptest"
	"testing"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

// A lab that started later than its services waits for what comes from now on.
func TestWhatALabMissedIsLeftOutOfAccount(t *testing.T) {
	t.Parallel()
	store := tracetree.New(10)
	server := httptest.NewServer(control.Handler(scenario.Fleet{}, store))
	defer server.Close()
	client := control.NewClient(server.URL, nil)
	defer client.Close()
	store.AddSpans(tracetree.Span{Service: "order", Instance: "i"})
	ledger := telemetry.Snapshot{Service: "order", Instance: "i", Ended: 3, Exported: 3,
		Logs: telemetry.LogCounts{Exported: 1}}

	lab, err := fromNow(t.Context(), client, []telemetry.Snapshot{ledger}, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if spans, logs := lab.lost(); spans != 2 || logs != 1 {
		t.Errorf("lost %d spans and %d log records, want 2 and 1", spans, logs)
	}
	ledger.Ended, ledger.Exported = 4, 4
	store.AddSpans(tracetree.Span{Service: "order", Instance: "i"})
	if err := lab.Await(t.Context(), []telemetry.Snapshot{ledger}); err != nil {
		t.Error(err)
	}
	arrived, err := lab.Received(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := suite.Check(lab.accounts([]telemetry.Snapshot{ledger}, arrived)); err != nil {
		t.Error(err)
	}
	// Nothing is missing that arrives in time.
	whole, err := fromNow(t.Context(), client, []telemetry.Snapshot{
		{Service: "order", Instance: "i", Exported: 2}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if spans, logs := whole.lost(); spans+logs != 0 {
		t.Errorf("lost %d spans and %d log records, want none", spans, logs)
	}
}
