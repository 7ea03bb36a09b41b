package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
)

// fakeBackend takes traces over OTLP/gRPC and serves them, changed, as Jaeger and as Tempo do.
type fakeBackend struct {
	otlp, url string
}

// startBackend stands in for a Jaeger or a Tempo: what arrives at a Collector is written to a file,
// and answers are made from that.
func startBackend(t *testing.T, change func(ptrace.Span)) fakeBackend {
	t.Helper()
	dir := t.TempDir()
	dump, err := storeexporter.NewDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := collector.Start(t.Context(), collector.Config{
		Exporter: storeexporter.NewFactory(tracetree.New(1), dump)})
	if err != nil {
		t.Fatal(err)
	}
	envelope := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text, err := answer(filepath.Join(dir, "traces.jsonl"), r.PathValue("id"), change)
			switch {
			case err != nil:
				http.Error(w, err.Error(), http.StatusInternalServerError)
			case text == nil:
				http.NotFound(w, r)
			default:
				fmt.Fprintf(w, `{%q:%s}`, name, text)
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/traces/{id}", envelope("result"))
	mux.HandleFunc("GET /api/v2/traces/{id}", envelope("trace"))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), closeTimeout)
		defer cancel()
		if err := receiver.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := dump.Close(); err != nil {
			t.Error(err)
		}
	})
	return fakeBackend{otlp: receiver.GRPC(), url: server.URL}
}

// answer returns the spans of one trace as OTLP in JSON, nil when there are none. The last line of
// the file may still be being written.
func answer(file, id string, change func(ptrace.Span)) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := ptrace.NewTraces()
	for line := range bytes.Lines(data) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			continue
		}
		traces.ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
	}
	for _, r := range all.ResourceSpans().All() {
		for _, s := range r.ScopeSpans().All() {
			s.Spans().RemoveIf(func(s ptrace.Span) bool { return s.TraceID().String() != id })
			for _, span := range s.Spans().All() {
				change(span)
			}
		}
	}
	if all.SpanCount() == 0 {
		return nil, nil
	}
	return (&ptrace.JSONMarshaler{}).MarshalTraces(all)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	whole := startBackend(t, func(ptrace.Span) {})
	cut := startBackend(t, func(s ptrace.Span) { s.SetFlags(0) }) // as Tempo does
	r := invoke(t.Context(), "", "run", "--json", "--verify", "store,jaeger,tempo",
		"--jaeger", whole.url, "--jaeger-otlp", whole.otlp,
		"--tempo", cut.url, "--tempo-otlp", cut.otlp, "linked-turns", "stream-message")
	if r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	type held struct {
		Pass         bool
		Spans, Equal int
		Changed      map[string]int
	}
	for line := range strings.Lines(r.out) {
		var res struct {
			Scenario string
			Spans    int
			Backends map[string]held
		}
		if err := json.Unmarshal([]byte(line), &res); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"store", "jaeger", "tempo"} {
			b, equal := res.Backends[name], res.Spans
			if name == "tempo" {
				equal = 0
			}
			if !b.Pass || b.Spans != res.Spans || b.Equal != equal ||
				b.Changed["flags"] != res.Spans-equal {
				t.Errorf("%s: %s: %+v of %d spans, want %d equal", res.Scenario, name, b, res.Spans, equal)
			}
		}
	}
	if !strings.Contains(r.err, "tempo: flags of ") {
		t.Errorf("no word of what Tempo loses:\n%s", r.err)
	}
}

func TestVerifyFailsOnALostLink(t *testing.T) {
	t.Parallel()
	lossy := startBackend(t, func(s ptrace.Span) {
		s.Links().RemoveIf(func(ptrace.SpanLink) bool { return true })
	})
	r := invoke(t.Context(), "", "run", "--verify", "jaeger", "--jaeger", lossy.url,
		"--jaeger-otlp", lossy.otlp, "linked-turns")
	if r.code != 1 || !strings.Contains(r.out, "FAIL  linked-turns") ||
		!strings.Contains(r.out, `jaeger: - link attribute 0 shop.link.type = "previous_turn"`) {
		t.Errorf("exit %d, want 1 and the link\n%s%s", r.code, r.out, r.err)
	}
}

func TestVerifyUsage(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	for _, tc := range []struct {
		args string
		code int
		err  string
	}{
		{"--verify zipkin", 2, `--verify: "zipkin" is no backend: want some of store,jaeger,tempo`},
		{"--verify jaeger", 2, "give it --jaeger-otlp HOST:PORT or JAEGER_OTLP_ENDPOINT"},
		{"--verify store --tempo http://127.0.0.1:1", 2, "--tempo is of no use without --verify tempo"},
		{"--verify tempo --tempo tcp://x --tempo-otlp x:1", 2, `--tempo: "tcp://x": want a URL`},
		{"--verify jaeger --against 127.0.0.1:1 --jaeger-otlp x:1", 2, "that of the lab sends traces"},
		{"--verify jaeger --jaeger-otlp x:1 --jaeger " + nobody.URL, 1,
			"no jaeger at " + nobody.URL + ":"},
	} {
		r := invoke(t.Context(), "", append([]string{"run"}, strings.Fields(tc.args)...)...)
		if r.code != tc.code || !strings.Contains(r.err, tc.err) || r.out != "" {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", tc.args, r.code, tc.code, tc.err, r.out, r.err)
		}
	}
}
