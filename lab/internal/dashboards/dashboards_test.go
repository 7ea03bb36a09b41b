package dashboards_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.yaml.in/yaml/v3"

	"example.com/throughline/deploy/prometheus"
	"example.com/throughline/grafana"
	"example.com/throughline/lab/internal/cli"
	"example.com/throughline/lab/internal/dashboards"
)

// Every query asks for what a run of all scenarios, good and broken, has produced, and those to
// Prometheus have a result. What is not from the lab is recorded in testdata.
func TestEveryQueryAsksForWhatARunProduces(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	queries := allQueries(t)
	dump := t.TempDir()
	var stdout, stderr bytes.Buffer
	err := cli.Run(t.Context(), []string{"run", "--dump", dump}, func(string) string { return "" },
		strings.NewReader(""), &stdout, &stderr)
	if err != nil {
		// That scenarios fail is for their own tests to tell; names are there all the same.
		t.Logf("lab run: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	names := newNames(t)
	read(t, names, dump)
	if wrong := names.Check(queries); len(wrong) > 0 {
		t.Errorf("of %d queries:\n%s", len(queries), strings.Join(wrong, "\n"))
	}
	checkData(t, dump, queries)
}

func allQueries(t *testing.T) []dashboards.Query {
	t.Helper()
	var all []dashboards.Query
	for _, files := range []fs.FS{grafana.Files, prometheus.Files} {
		queries, err := dashboards.Read(files)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, queries...)
	}
	for _, language := range []dashboards.Language{
		dashboards.PromQL, dashboards.LogQL, dashboards.TraceQL,
	} {
		if !slices.ContainsFunc(all, func(q dashboards.Query) bool { return q.Language == language }) {
			t.Errorf("no query in %s among %d", language, len(all))
		}
	}
	return all
}

// newNames translates names as deploy/prometheus/prometheus.yml says.
func newNames(t *testing.T) *dashboards.Names {
	t.Helper()
	var config struct {
		OTLP struct {
			Strategy string   `yaml:"translation_strategy"`
			Promoted []string `yaml:"promote_resource_attributes"`
		} `yaml:"otlp"`
	}
	content, err := prometheus.Files.ReadFile("prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	if config.OTLP.Strategy == "" || len(config.OTLP.Promoted) == 0 {
		t.Fatalf("prometheus.yml: otlp %+v, want a strategy and attributes", config.OTLP)
	}
	return dashboards.NewNames(config.OTLP.Strategy, config.OTLP.Promoted)
}

// read adds what a run has dumped, and what was recorded of others.
func read(t *testing.T, names *dashboards.Names, dump string) {
	t.Helper()
	eachLine(t, filepath.Join(dump, "traces.jsonl"), func(line []byte) error {
		data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err == nil {
			names.Traces(data)
		}
		return err
	})
	eachLine(t, filepath.Join(dump, "logs.jsonl"), func(line []byte) error {
		data, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err == nil {
			names.LogRecords(data)
		}
		return err
	})
	eachLine(t, filepath.Join(dump, "metrics.jsonl"), func(line []byte) error {
		data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		if err == nil {
			err = names.Metrics(data)
		}
		return err
	})
	scraped, err := os.Open(filepath.Join("testdata", "collector.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = scraped.Close() }()
	if err := names.Scraped(scraped); err != nil {
		t.Fatal(err)
	}
}

func eachLine(t *testing.T, file string, do func([]byte) error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil || len(data) == 0 {
		t.Fatalf("%s: %d bytes, %v", file, len(data), err)
	}
	for line := range bytes.Lines(data) {
		if err := do(line); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}

// known are the names of one metric, one span and one log record.
func known(t *testing.T) *dashboards.Names {
	t.Helper()
	n := dashboards.NewNames("UnderscoreEscapingWithSuffixes", []string{"service.name"})
	metrics := pmetric.NewMetrics()
	scope := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	m := scope.Metrics().AppendEmpty()
	m.SetName("http.server.request.duration")
	m.SetUnit("s")
	m.SetEmptyHistogram().DataPoints().AppendEmpty().Attributes().PutStr("http.route", "/x")
	m = scope.Metrics().AppendEmpty()
	m.SetName("shop.turns")
	m.SetUnit("{turn}")
	m.SetEmptySum().SetIsMonotonic(true)
	m.Sum().DataPoints().AppendEmpty()
	if err := n.Metrics(metrics); err != nil {
		t.Fatal(err)
	}
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.Attributes().PutStr("shop.order.id", "o1")
	span.Links().AppendEmpty().Attributes().PutStr("shop.link.type", "origin")
	n.Traces(traces)
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().Resource().Attributes().PutStr("service.name", "x")
	n.LogRecords(logs)
	if err := n.Scraped(strings.NewReader("# HELP x\nqueue_size{exporter=\"x\",type=\"y\"} 1\n")); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCheckFindsWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	names := known(t)
	for _, tc := range []struct {
		language dashboards.Language
		text     string
		want     string // in the one problem; "" for none
	}{
		{"prometheus", `sum by (le, service_name, http_route) (rate(http_server_request_duration_seconds_bucket{service_name=~"$service"}[$__rate_interval]))`, ""},
		{"prometheus", `shop_turns_total / on (job) queue_size{exporter!=""}`, ""},
		{"prometheus", `rate(http_server_request_duration_bucket[5m])`, "no metric"},
		{"prometheus", `shop_turns`, `no metric "shop_turns"`},
		{"prometheus", `queue_size{reason="x"}`, "queue_size has no label reason"},
		{"prometheus", `sum by (http_route) (shop_turns_total)`, "grouped by http_route"},
		{"prometheus", `sum by (job) (sum by (service_name) (shop_turns_total))`, "grouped by job"},
		{"prometheus", `label_values(shop_turns_total, service_name)`, ""},
		{"prometheus", `label_values(shop_turns_total, route)`, "grouped by route"},
		{"prometheus", `sum(`, "parse error"},
		{"loki", `{service_name=~".+"} | trace_id="$trace_id"`, ""},
		{"loki", `{$${__tags}} | trace_id="$${__span.traceId}"`, ""},
		{"loki", `{service="x"}`, "no service"},
		{"loki", `{service_name="x"} | traceid="x"`, "no traceid"},
		{"loki", `{service_name="x"} | json`, "not understood"},
		{"loki", `rate(x)`, "no stream selector"},
		{"tempo", `{ span.shop.order.id = "duration.x" && link.shop.link.type = "a" && kind = server }`, ""},
		{"tempo", `$trace_id`, ""},
		{"tempo", `{ span.shop.order = "x" }`, "no span has an attribute shop.order"},
		{"tempo", `{ shop.order.id = "x" }`, "scope shop"},
		{"tempo", `{ knd = server }`, "knd: not known"},
		{"jaeger", `x`, "language jaeger"},
	} {
		wrong := names.Check([]dashboards.Query{{Where: "here", Language: tc.language, Text: tc.text}})
		switch {
		case tc.want == "" && len(wrong) > 0:
			t.Errorf("%s: %v, want nothing", tc.text, wrong)
		case tc.want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0], tc.want)):
			t.Errorf("%s: %v, want one with %q", tc.text, wrong, tc.want)
		}
	}
}

func TestReadFindsQueriesWhereverTheyAre(t *testing.T) {
	t.Parallel()
	got, err := dashboards.Read(fstest.MapFS{
		"d.json": {Data: []byte(`{"title":"D","templating":{"list":[{"name":"v",
			"datasource":{"type":"prometheus"},"definition":"label_values(a, b)","query":{"query":"q"}},
			{"name":"empty","query":""}]},
			"panels":[{"title":"P","datasource":{"type":"tempo"},"targets":[{"query":"{}"},
			{"expr":"{x=\"y\"}","datasource":{"type":"loki"}}],"panels":[{"title":"In","targets":[{"expr":"up"}],
			"datasource":{"type":"prometheus"}}]}]}`)},
		"r.yml": {Data: []byte("groups: [{name: g, rules: [{alert: A, expr: down}]}]")},
		"s.yaml": {Data: []byte("datasources: [{jsonData: {tracesToLogsV2: " +
			"{datasourceUid: loki, query: '{a=\"b\"}'}}}]")},
		"t.txt": {Data: []byte("expr: none")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []dashboards.Query{
		{"d.json: D: P: In", "prometheus", "up"},
		{"d.json: D: P", "tempo", "{}"},
		{"d.json: D: P", "loki", `{x="y"}`},
		{"d.json: D: v", "prometheus", "label_values(a, b)"},
		{"r.yml: g: A", "prometheus", "down"},
		{"s.yaml", "loki", `{a="b"}`},
	}
	less := func(a, b dashboards.Query) int {
		return strings.Compare(a.Where+a.Text, b.Where+b.Text)
	}
	slices.SortFunc(got, less)
	slices.SortFunc(want, less)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = dashboards.Read(fstest.MapFS{"x.json": {Data: []byte(
		`{"title":"D","datasource":{"type":"influx"}}`)}})
	if err == nil || !strings.Contains(err.Error(), `x.json: D: data source "influx"`) {
		t.Errorf("got %v, want an error about the data source", err)
	}
}
