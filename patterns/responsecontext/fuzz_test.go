package responsecontext

import (
	"net/http"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add(good, "")
	f.Add(`db;desc="a, \", b", `+good, "cache")
	f.Add(`traceparent;desc="\`, `,;="`)
	f.Fuzz(func(t *testing.T, first, second string) {
		h := http.Header{"Server-Timing": {first, second}}
		sc, ok := Parse(h)
		if ok != sc.IsValid() {
			t.Fatalf("Parse = %v, %t", sc.TraceID(), ok)
		}
		if !ok {
			return
		}
		// Nothing is found that is not there, escapes apart.
		text := strings.ReplaceAll(first+second, `\`, "")
		if !strings.Contains(text, sc.TraceID().String()) {
			t.Errorf("found trace id %s in %q and %q", sc.TraceID(), first, second)
		}
		out := http.Header{}
		Set(out, sc)
		if again, ok := Parse(out); !ok || !again.Equal(sc) {
			t.Errorf("second reading = %v, %t, want %v", again.TraceID(), ok, sc.TraceID())
		}
	})
}
