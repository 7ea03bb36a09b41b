package throughline

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test and scenario that SECURITY.md gives as a proof exists.
func TestTheProofsOfTheThreatModelExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
			tests[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(text), -1)
	if len(named) < 20 {
		t.Errorf("%d tests are named, want a proof for each line", len(named))
	}
	for _, name := range named {
		if !tests[name] {
			t.Errorf("SECURITY.md names %s, which does not exist", name)
		}
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(cells[1], "---") || strings.Contains(line, "proved by") {
			continue
		}
		for proof := range strings.SplitSeq(cells[4], ",") {
			proof = strings.TrimSpace(proof)
			if _, err := os.Stat("scenarios/" + proof + ".txtar"); !tests[proof] && err != nil {
				t.Errorf("SECURITY.md: proof %q is neither a test nor a scenario", proof)
			}
		}
	}
}
