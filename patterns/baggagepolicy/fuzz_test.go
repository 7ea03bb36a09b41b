package baggagepolicy

import (
	"testing"

	"go.opentelemetry.io/otel/baggage"
)

// Whatever was received, what passes is allowed, within the limits and readable.
func FuzzFilter(f *testing.F) {
	f.Add("tenant=blue,user=ada", "tenant")
	f.Add("a=1;p=2;q,b=%20", "a")
	f.Fuzz(func(t *testing.T, header, allow string) {
		bag, _ := baggage.Parse(header) // with an error, it still returns what it could read
		ctx := Policy{Allow: []string{allow}}.Filter(baggage.ContextWithBaggage(t.Context(), bag))
		got := baggage.FromContext(ctx)
		for _, m := range got.Members() {
			if m.Key() != allow {
				t.Errorf("%q passed, allowed is %q", m.Key(), allow)
			}
		}
		again, err := baggage.Parse(got.String())
		if err != nil || again.Len() != got.Len() || len(got.String()) > MaxBytes {
			t.Errorf("%q passed as %q: %v", header, got, err)
		}
	})
}
