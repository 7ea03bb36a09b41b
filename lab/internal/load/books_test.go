package load_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/load"
	"example.com/throughline/lab/internal/suite"
)

// The books tell what is missing, and do not call a drop an error.
func TestBooksThatDoNotBalance(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		account suite.Account
		hung    int
		want    string
	}{
		"all dropped": {account: suite.Account{Snapshot: telemetry.Snapshot{Service: "order",
			Ended: 3, Exported: 1, Dropped: map[string]int64{"queue_full": 2}}, Arrived: 1}},
		"not counted": {account: suite.Account{Snapshot: telemetry.Snapshot{Service: "order",
			Ended: 3, Exported: 2}, Arrived: 2}, want: "does not balance"},
		"not arrived": {account: suite.Account{Snapshot: telemetry.Snapshot{Service: "order",
			Ended: 3, Exported: 3}, Arrived: 2}, want: "exported 3 spans, 2 arrived"},
		"answered too late": {account: suite.Account{Snapshot: telemetry.Snapshot{Service: "order",
			Ended: 5, Exported: 3, Dropped: map[string]int64{"export_failed": 2}}, Arrived: 5}},
		"more than that": {account: suite.Account{Snapshot: telemetry.Snapshot{Service: "order",
			Ended: 5, Exported: 3, Dropped: map[string]int64{"queue_full": 2}}, Arrived: 4},
			want: "exported 3 spans, 4 arrived"},
		"hung": {hung: 1, want: "1 requests had no answer"},
	} {
		r := load.Report{Books: load.Books{Accounts: []suite.Account{tc.account}}}
		r.Hung = tc.hung
		err := r.Check()
		if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

// With the Collector gone, everyone is served all the same, and what cannot be exported is dropped
// and counted: the sums balance.
func TestLoadWithoutACollector(t *testing.T) {
	t.Parallel()
	lab, err := embedded.Start(t.Context(), embedded.Config{ExportTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lab.Close(t.Context()) }() // tells of what could not be exported
	target := targetOf(lab)
	if err := lab.Collector.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := load.Run(t.Context(), target, load.Config{Spans: 500, For: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if r.Checkouts == 0 || r.OK() != r.Sent || r.Lost() != r.Ended() || r.Ended() == 0 {
		t.Errorf("want every request served and every span dropped, got\n%v", r)
	}
}

// A little load: everything is served, and arrives.
func TestLoad(t *testing.T) {
	t.Parallel()
	_, target := start(t, embedded.Config{})
	r, err := load.Run(t.Context(), target, load.Config{Spans: 300, For: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if r.Checkouts == 0 || r.OK() != 6*r.Checkouts || r.Lost() != 0 || r.PerCheckout < 10 {
		t.Errorf("got\n%v", r)
	}
	for _, want := range []string{"requests", "hung: 0", "gateway", "arrived"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the report does not tell %q:\n%v", want, r)
		}
	}
	var told struct {
		Balanced bool
		Ended    int64
	}
	if data, err := json.Marshal(r); err != nil || json.Unmarshal(data, &told) != nil ||
		!told.Balanced || told.Ended != r.Ended() {
		t.Errorf("JSON: %s, %v", data, err)
	}
}
