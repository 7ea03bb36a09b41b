package backend

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The page tells the rules as they are.
func TestThePageTellsTheRules(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	want.WriteString("\n| backend | field | becomes | because |\n|---|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&want, "| %s | %s | %s | %s |\n", r.Backend, r.Field, r.Becomes, r.Reason)
	}
	want.WriteString("\n")
	page, err := os.ReadFile("../../../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- rules -->\n")
	got, _, _ := strings.Cut(rest, "<!-- /rules -->")
	if got != want.String() {
		t.Errorf("docs/backends.md: between <!-- rules --> and <!-- /rules --> is\n%swant\n%s",
			got, want.String())
	}
}
