// Package throughline holds the rules of the architecture, as tests that state their reasons.
package throughline

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "example.com/throughline/"

// rule says what packages under a folder may import of this repository.
type rule struct {
	from    string
	allowed []string
	reason  string
}

func rules() []rule {
	return []rule{
		{"patterns/", nil,
			"a pattern is copied with cp: it imports nothing of this repository"},
		{"internal/", []string{"internal/", "patterns/"},
			"internal packages serve the services, so they cannot know them"},
		{"services/", []string{"internal/", "patterns/", "services/payment/paymentv1"},
			"services meet on the wire: each declares its own formats, and only the generated " +
				"gRPC contract is shared"},
		{"platform", []string{"internal/", "patterns/", "services/"},
			"the platform puts services together, and nothing below it may depend on that"},
		{"scenarios", nil, "scenarios are data"},
		{"deploy/", nil, "deployment files are data"},
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range rules() {
			if !strings.HasPrefix(from, r.from) {
				continue
			}
			for _, imported := range p.Imports {
				to, ours := strings.CutPrefix(imported, module)
				if ours && !allowed(r, from, to) {
					t.Errorf("%s imports %s: %s", from, to, r.reason)
				}
			}
		}
	}
}

func allowed(r rule, from, to string) bool {
	if service := serviceOf(from); service != "" && serviceOf(to) == service {
		return true
	}
	for _, prefix := range r.allowed {
		if strings.HasPrefix(to, prefix) {
			return true
		}
	}
	return false
}

// serviceOf returns "services/order" for any package of that service.
func serviceOf(path string) string {
	parts := strings.SplitN(path, "/", 3)
	if len(parts) < 2 || parts[0] != "services" {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// Code that people copy has no state of the package's, reads no environment and sets no global
// of OpenTelemetry, and knows no fault.
func TestPatternsAreCopyable(t *testing.T) {
	t.Parallel()
	banned := []struct{ text, reason string }{
		{"os.Getenv", "configuration is the caller's"},
		{"otel.Get", "providers are passed, never global"},
		{"otel.Set", "providers are passed, never global"},
		{"func init(", "importing a package must change nothing"},
		{"panic(", "bad input is an error"},
		{"fault", "faults live in the wiring"},
	}
	seen := 0
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, module+"patterns/") {
			continue
		}
		seen++
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(p.Dir + "/" + file)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range banned {
				if bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(b.text))) {
					// "default" holds "fault".
					if b.text == "fault" && !standsAlone(string(text), "fault") {
						continue
					}
					t.Errorf("%s/%s has %q: %s", p.ImportPath, file, b.text, b.reason)
				}
			}
		}
		var tests []byte
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			text, err := os.ReadFile(p.Dir + "/" + file)
			if err != nil {
				t.Fatal(err)
			}
			tests = append(tests, text...)
		}
		for _, want := range []string{"func Example", "utput:", "func Test", "func Benchmark"} {
			if !bytes.Contains(tests, []byte(want)) {
				t.Errorf("%s: no %q in its tests", p.ImportPath, want)
			}
		}
	}
	if seen < 6 {
		t.Errorf("got %d patterns, want at least 6", seen)
	}
}

func standsAlone(text, word string) bool {
	text = strings.ToLower(text)
	for i := 0; ; {
		at := strings.Index(text[i:], word)
		if at < 0 {
			return false
		}
		at += i
		if at == 0 || text[at-1] < 'a' || text[at-1] > 'z' {
			return true
		}
		i = at + len(word)
	}
}

// A reader learns from go.mod what propagation needs.
func TestDirectRequirements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct, block := 0, false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			block = true
		case line == ")":
			block = false
		case block && !strings.Contains(line, "// indirect"):
			direct++
		}
	}
	if direct == 0 || direct > 25 {
		t.Errorf("go.mod has %d direct requirements, want 1 to 25", direct)
	}
}

// Every relative link of the documents leads somewhere.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for _, name := range append(documents, "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
		}
	}
}

type listed struct {
	ImportPath, Dir                             string
	Imports, GoFiles, TestGoFiles, XTestGoFiles []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
