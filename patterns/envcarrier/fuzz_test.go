package envcarrier

import (
	"strings"
	"testing"
)

// What came in goes out to a child that can be started, and says the same there.
func FuzzEnviron(f *testing.F) {
	f.Add(parent, "a=1", "tenant=blue")
	f.Add("x", "a=\x00", "b=%00")
	f.Fuzz(func(t *testing.T, traceparent, tracestate, bag string) {
		env := environ{"TRACEPARENT": traceparent, "TRACESTATE": tracestate, "BAGGAGE": bag}
		out := Environ(Context(t.Context(), allOfW3C(), env.lookup), allOfW3C(), nil)
		child := environ{}
		for _, entry := range out {
			name, value, ok := strings.Cut(entry, "=")
			if !ok || strings.Contains(entry, "\x00") || env[name] == "" {
				t.Fatalf("entry %q", entry)
			}
			child[name] = value
		}
		again := Environ(Context(t.Context(), allOfW3C(), child.lookup), allOfW3C(), nil)
		if len(again) != len(out) {
			t.Errorf("a grandchild gets %q, the child %q", again, out)
		}
	})
}
