package suite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/control"
)

func ledger(service, instance string, ended, exported, pending int64) telemetry.Snapshot {
	return telemetry.Snapshot{Service: service, Instance: instance,
		Ended: ended, Exported: exported, Pending: pending}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dropped := ledger("order", "i", 5, 3, 0)
	dropped.Dropped = map[string]int64{"queue_full": 2}
	for _, tc := range []struct {
		name    string
		ledger  telemetry.Snapshot
		arrived int64
		want    string
	}{
		{"does not add up", ledger("order", "i", 5, 4, 0), 4, "does not balance"},
		{"dropped", dropped, 3, "dropped 2 spans: map[queue_full:2]"},
		{"pending", ledger("order", "i", 5, 4, 1), 4, "still holds 1"},
		{"lost on the way", ledger("order", "i", 5, 5, 0), 4, "exported 5 spans, 4 arrived"},
		{"arrived twice", ledger("order", "i", 5, 5, 0), 6, "exported 5 spans, 6 arrived"},
		{"exact", ledger("order", "i", 5, 5, 0), 5, ""},
	} {
		accounts := Accounts([]telemetry.Snapshot{tc.ledger},
			[]control.Arrived{{Service: "order", Instance: "i", Spans: tc.arrived},
				{Service: "order", Instance: "of another run", Spans: 9}})
		err := Check(accounts)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	got := Table(Accounts([]telemetry.Snapshot{
		ledger("pricing", "a", 7, 7, 0), ledger("order", "b", 5, 5, 0), ledger("order", "c", 2, 2, 0),
	}, []control.Arrived{{Service: "order", Instance: "b", Spans: 5},
		{Service: "order", Instance: "c", Spans: 2}, {Service: "pricing", Instance: "a", Spans: 7}}))
	want := strings.Join([]string{
		"   ledger  instances  ended  exported  dropped  arrived",
		"    order          2      7         7        0        7",
		"  pricing          1      7         7        0        7",
		"",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
