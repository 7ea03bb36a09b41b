package redelivery

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Whatever fields a dead letter has, what is put back has those that are not the
// dead letter's own, unchanged.
func FuzzRevive(f *testing.F) {
	f.Add("order", "o-7", "1-0")
	f.Add("dead-letter.", "", "")
	f.Add("dead-letter.id", "x", "1-0")
	f.Add("replay-of", "0-1", "1-0")
	f.Fuzz(func(t *testing.T, key, value, id string) {
		dead := map[string]any{key: value, DeadID: id, DeadReason: "declined"}
		fields := revive(redis.XMessage{Values: dead})
		for name := range fields {
			if strings.HasPrefix(name, "dead-letter.") {
				t.Errorf("%q is left", name)
			}
		}
		if !strings.HasPrefix(key, "dead-letter.") && key != ReplayOf && fields[key] != value {
			t.Errorf("%q = %v, want %q", key, fields[key], value)
		}
		if fields[ReplayOf] != dead[DeadID] {
			t.Errorf("replay-of = %v, want %q", fields[ReplayOf], dead[DeadID])
		}
	})
}
