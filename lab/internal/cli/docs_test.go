package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The pages say what a run says.
func TestPagesAreTrue(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	files, err := filepath.Glob("../../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	if r := invoke(t.Context(), "", append([]string{"docs", "--check"}, files...)...); r.code != 0 {
		t.Errorf("exit %d, want 0; `make docs` mends it\n%s%s", r.code, r.out, r.err)
	}
}

func TestAPageThatDiffersFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("<!-- tree: scenarios/quote-fan-out.txtar -->\n<!-- /tree -->\n")
	if r := invoke(t.Context(), "", "docs", file); r.code != 0 {
		t.Fatalf("fill: exit %d\n%s%s", r.code, r.out, r.err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "pricing client POST") {
		t.Fatalf("filled, %v:\n%s", err, text)
	}
	write(strings.Replace(string(text), "pricing client POST", "pricing client PUT", 1))
	r := invoke(t.Context(), "", "docs", "--check", file)
	if r.code != 1 || !strings.Contains(r.err, file+":") ||
		!strings.Contains(r.err, "pricing client PUT") {
		t.Errorf("exit %d, want 1 and file:line\n%s%s", r.code, r.out, r.err)
	}
	write("<!-- tree: scenarios/no-such.txtar -->\n<!-- /tree -->\n")
	if r := invoke(t.Context(), "", "docs", file); r.code != 2 ||
		!strings.Contains(r.err, "no-such") {
		t.Errorf("unknown scenario: exit %d, want 2\n%s", r.code, r.err)
	}
}
