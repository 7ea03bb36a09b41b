package redact

import (
	"strings"
	"testing"
)

// What surrounds a secret does not save it, and what is clean stays as it is.
func FuzzText(f *testing.F) {
	f.Add("paid with ", " today")
	f.Add("https://u:p@h/a%20b?x=1&y#", "&z")
	f.Add("4111-1111 ", "-5500005555555559")
	f.Add("Bearer eyJ", ".a.b")
	r := New(Rules{Query: []string{"x"}})
	f.Fuzz(func(t *testing.T, before, after string) {
		text := r.Text(before + " " + email + " " + after)
		if strings.Contains(text, "canary") {
			t.Errorf("e-mail left in %q", text)
		}
		_ = r.URL(before)
		_ = r.Query(after)
		if once := cards(before); cards(once) != once && !strings.Contains(before, "[card]") {
			t.Errorf("cards(%q) = %q is not clean", before, once)
		}
	})
}
