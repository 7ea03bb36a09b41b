package stack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
)

const root = "../../.."

func compose(t *testing.T) File {
	t.Helper()
	f, err := Read(filepath.Join(root, "deploy/docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Services) < 12 {
		t.Fatalf("%d services, want all of the stack", len(f.Services))
	}
	return f
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?$`)

func TestEveryImageIsPinned(t *testing.T) {
	t.Parallel()
	for name, s := range compose(t).Services {
		ours := s.Build != nil && s.Image == "throughline/"+name+":local"
		if !ours && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q: want one of our own that is built, or a full version", name, s.Image)
		}
	}
	dockerfile := text(t, "deploy/Dockerfile")
	stages := map[string]bool{"scratch": true}
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(dockerfile, -1) {
		if !stages[m[1]] && !pinned.MatchString(m[1]) {
			t.Errorf("Dockerfile: FROM %s: want a full version", m[1])
		}
		stages[m[2]] = true
	}
	for _, target := range []string{"gateway", "order", "pricing", "payment", "lab"} {
		if !stages[target] {
			t.Errorf("Dockerfile: no target %s", target)
		}
	}
}

func TestMemoryLimits(t *testing.T) {
	t.Parallel()
	f := compose(t)
	for name, s := range f.Services {
		if s.MemLimit == 0 {
			t.Errorf("%s has no memory limit", name)
		}
		if s.Build != nil && name != "lab" && s.MemLimit.MiB() > 64 {
			t.Errorf("%s may take %d MiB, want at most 64", name, s.MemLimit.MiB())
		}
	}
	core, all := f.Sum(Service.Core), f.Sum(func(Service) bool { return true })
	if core > 1228 || all > 2048 { // 1.2 and 2 GiB
		t.Errorf("core %d MiB, all %d MiB: want at most 1228 and 2048", core, all)
	}
	says := fmt.Sprintf("%d MiB for core and %d MiB for all", core, all)
	for _, doc := range []string{"README.md", "docs/operations.md"} {
		if !strings.Contains(strings.Join(strings.Fields(text(t, doc)), " "), says) {
			t.Errorf("%s does not say %q", doc, says)
		}
	}
	comment := text(t, "deploy/docker-compose.yml")
	if !strings.Contains(comment, fmt.Sprintf("core %d.", core)) ||
		!strings.Contains(comment, fmt.Sprintf("all %d.", all)) {
		t.Errorf("the comment in the file does not say core %d, all %d", core, all)
	}
}

func TestPortsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	published := map[string]string{}
	for name, s := range compose(t).Services {
		for _, port := range s.Ports {
			m := regexp.MustCompile(`^127\.0\.0\.1:(\d+):\d+$`).FindStringSubmatch(port)
			if m == nil {
				t.Errorf("%s: port %q: want 127.0.0.1:PORT:PORT", name, port)
				continue
			}
			published[m[1]] = name
		}
	}
	documented := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `http://127\\.0\\.0\\.1:(\\d+)[^`]*` \\| (\\w+) \\|")
	for _, m := range row.FindAllStringSubmatch(text(t, "docs/operations.md"), -1) {
		documented[m[1]] = m[2]
	}
	if diff := cmp.Diff(documented, published); diff != "" {
		t.Errorf("docs/operations.md (-) and the Compose file (+) differ:\n%s", diff)
	}
}

func TestContainersAreGuarded(t *testing.T) {
	t.Parallel()
	// What redis needs to give up root; it has a user of its own then.
	capabilities := map[string][]string{"redis": {"CHOWN", "SETGID", "SETUID"}}
	for name, s := range compose(t).Services {
		if s.DependsOn != nil {
			t.Errorf("%s waits for %v: nothing here waits", name, s.DependsOn)
		}
		if s.Restart != "unless-stopped" || !s.ReadOnly || s.Privileged ||
			!slices.Equal(s.CapDrop, []string{"ALL"}) ||
			!slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
			t.Errorf("%s is not guarded as the others: %+v", name, s)
		}
		if !slices.Equal(s.CapAdd, capabilities[name]) {
			t.Errorf("%s has capabilities %v, want %v", name, s.CapAdd, capabilities[name])
		}
		if s.Build == nil && s.CapAdd == nil && (s.User == "" || strings.HasPrefix(s.User, "0")) {
			t.Errorf("%s runs as %q: want a user that is not root", name, s.User)
		}
		if s.Build != nil && (s.HealthCheck == nil ||
			!slices.Equal(s.HealthCheck.Test, []string{"CMD", "/" + name, "health"})) {
			t.Errorf("%s has no health check by its own program", name)
		}
		if slices.Contains(s.Networks, "shop") && slices.Contains(s.Networks, "backends") &&
			name != "collector" && name != "lab" {
			t.Errorf("%s is on both networks", name)
		}
	}
	if !strings.Contains(text(t, "deploy/Dockerfile"), "\nUSER 65532:65532\n") ||
		strings.Contains(text(t, "deploy/Dockerfile"), "# syntax=") {
		t.Error("Dockerfile: want a user that is not root, and no syntax line")
	}
}

// The Collector of the stack runs files that this very process can check.
func TestCollectorOfTheStack(t *testing.T) {
	t.Parallel()
	command, ok := compose(t).Services["collector"].Command.(string)
	if !ok {
		t.Fatal("the Collector's command is no text")
	}
	var core, full []string
	for _, m := range regexp.MustCompile(
		`(\$\{COMPOSE_PROFILES:\+)?--config=/etc/collector/([\w.]+)`).FindAllStringSubmatch(command, -1) {
		full = append(full, m[2])
		if m[1] == "" {
			core = append(core, m[2])
		}
	}
	if len(core) < 5 || len(full) < 8 {
		t.Fatalf("core %v, full %v: want all files", core, full)
	}
	for _, variant := range []string{"", "tailsampling.yaml", "persistentqueue.yaml"} {
		for _, names := range [][]string{core, full} {
			if variant != "" {
				names = append(slices.Clone(names), variant)
			}
			err := collector.Validate(t.Context(),
				storeexporter.NewFactory(tracetree.New(1), nil), names...)
			if err != nil {
				t.Errorf("%v: %v", names, err)
			}
		}
	}
}

func TestWrongSizesAreRefused(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"64", "64g", "-1m", "m"} {
		path := filepath.Join(t.TempDir(), "compose.yml")
		content := "services: {a: {mem_limit: " + size + "}}"
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := Read(path); err == nil {
			t.Errorf("%q: got %v", size, slices.Collect(maps.Values(f.Services)))
		}
	}
}
