package backend

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/tracetree"
)

// cases are the folders of testdata: what was sent, and what real backends answered.
func cases(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*/sent.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for i := range files {
		files[i] = filepath.Dir(files[i])
	}
	return files
}

func sent(t *testing.T, dir string) []tracetree.Span {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "sent.json"))
	if err != nil {
		t.Fatal(err)
	}
	spans, err := decodeOTLP(text)
	if err != nil {
		t.Fatal(err)
	}
	return spans
}

// replay serves the recordings of one case, changed by change, at the paths of both APIs.
func replay(t *testing.T, dir, recording string, change func(string) string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api := "/api/v3/traces/"
		if strings.HasPrefix(recording, TempoName) {
			api = "/api/v2/traces/"
		}
		id, ok := strings.CutPrefix(r.URL.Path, api)
		text, err := os.ReadFile(filepath.Join(dir, recording+"-"+id+".json"))
		if !ok || err != nil {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, change(string(text)))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func asItIs(s string) string { return s }

// read asks a replayed backend for all traces of a case.
func read(t *testing.T, dir, recording string, change func(string) string) []tracetree.Span {
	t.Helper()
	client := NewClient()
	t.Cleanup(client.Close)
	base := replay(t, dir, recording, change)
	from := Jaeger(client, base)
	if backendOf(recording) == TempoName {
		from = Tempo(client, base)
	}
	var held []tracetree.Span
	for _, id := range byTrace(sent(t, dir)).ids() {
		spans, err := from(t.Context(), id)
		if err != nil {
			t.Fatalf("%s: %s: %v", dir, recording, err)
		}
		held = append(held, spans...)
	}
	return held
}

// backendOf returns the backend of a recording: tempo of tempo-live.
func backendOf(recording string) string {
	name, _, _ := strings.Cut(recording, "-")
	return name
}

// recordings are the states of the real backends that were recorded, and the fields that the rules
// must account for: of how many spans, in the case every-field.
func recordings() map[string]map[string]int {
	return map[string]map[string]int{
		"jaeger":      {"end": 1, "service": 1},
		"tempo-live":  {},
		"tempo-block": {"flags": 8}, // the ninth has none
	}
}

// What the real backends hold differs from what was sent in nothing that is not declared.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, dir := range cases(t) {
		for recording, changed := range recordings() {
			all := sent(t, dir)
			c := compare(backendOf(recording), all, read(t, dir, recording, asItIs))
			if diff := c.diff(); diff != "" {
				t.Errorf("%s: %s:\n%s", dir, recording, diff)
			}
			if filepath.Base(dir) != "every-field" {
				continue
			}
			if diff := cmp.Diff(changed, c.changed); diff != "" {
				t.Errorf("%s: %s: spans changed as declared, by field (-want +got):\n%s",
					dir, recording, diff)
			}
		}
	}
}

// A rule that no recording needs allows what no backend does.
func TestEveryRuleIsProved(t *testing.T) {
	t.Parallel()
	needed := make(map[[2]string]bool)
	for recording, changed := range recordings() {
		for field := range maps.Keys(changed) {
			needed[[2]string{backendOf(recording), field}] = true
		}
	}
	for _, r := range Rules() {
		if !needed[[2]string{r.Backend, r.Field}] {
			t.Errorf("the rule for %s of %s: no recording needs it", r.Field, r.Backend)
		}
		if r.Becomes == "" || r.Reason == "" || r.undo == nil {
			t.Errorf("the rule for %s of %s: want what it becomes, why, and a way to undo it",
				r.Field, r.Backend)
		}
	}
}

// What Jaeger's own page shows, and what it keeps in other storage than memory, is known and not
// allowed: it is pinned here line by line, and told in docs/backends.md.
func TestOtherViewsOfJaeger(t *testing.T) {
	t.Parallel()
	const dir = "testdata/every-field"
	for _, recording := range []string{"jaeger-page", "jaeger-badger"} {
		c := compare(JaegerName, sent(t, dir), read(t, dir, recording, asItIs))
		file, got := filepath.Join(dir, recording+".diff"), strings.Join(c.lines, "\n")+"\n"
		if *recordAs == "diff" {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s; -as diff rewrites it (-want +got):\n%s", file, diff)
		}
	}
}

// One word of a real answer is another one, and the comparison tells which.
func TestOneChangedWordIsTold(t *testing.T) {
	t.Parallel()
	const dir = "testdata/every-field"
	for _, tc := range []struct{ recording, from, to, want string }{
		{"jaeger", `{"stringValue":"producer"}`, `{"stringValue":"origin"}`,
			`+ link attribute 0 shop.link.type = "origin"`},
		{"jaeger", `"traceState":"throughline=v1.abc"`, `"traceState":"throughline=v1.abd"`,
			`- link tracestate 0 = "throughline=v1.abc"`},
		{"jaeger", `"key":"shop.region"`, `"key":"shop.area"`,
			`- resource attribute shop.region = ["here","there"]`},
		{"jaeger", `"version":"v1.2.3"`, `"version":"v1.2.4"`, `+ scope version = "v1.2.4"`},
		{"tempo-block", `"key":"scope.attribute"`, `"key":"scope.attr"`,
			`- scope attribute scope.attribute = "x"`},
		{"jaeger", `"code":2`, `"code":0`, "- status = error"},
		{"jaeger", `"flags":769`, `"flags":257`, "- flags = 01 remote parent"},
		{"jaeger", `"attempt"`, `"attempts"`, "- event attribute 0 attempt = 2"},
		{"jaeger", `{"intValue":"-7"}`, `{"stringValue":"-7"}`, `+ attribute int.negative = "-7"`},
		{"jaeger", `"0000000000000008"`, `"0000000000000007"`, `- span everything server "an orphan"`},
		{"tempo-live", `"it broke: \"so\""`, `""`, `- status message = "it broke: \"so\""`},
		{"tempo-block", `"SPAN_KIND_CONSUMER"`, `"SPAN_KIND_SERVER"`, "- kind = consumer"},
	} {
		changed := false
		held := read(t, dir, tc.recording, func(body string) string {
			changed = changed || strings.Contains(body, tc.from)
			return strings.Replace(body, tc.from, tc.to, 1)
		})
		c := compare(backendOf(tc.recording), sent(t, dir), held)
		if diff := c.diff(); !changed || !strings.Contains(diff, tc.want) {
			t.Errorf("%s: %s: changed %v, want %q in\n%s", tc.recording, tc.from, changed, tc.want, diff)
		}
	}
}
