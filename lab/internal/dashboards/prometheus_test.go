package dashboards_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/teststorage"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"example.com/throughline/deploy/prometheus"
	"example.com/throughline/lab/internal/dashboards"
)

// server is Prometheus without its sockets: configuration, OTLP receiver, storage and engine are
// its own.
type server struct {
	*teststorage.TestStorage
	config *config.Config
	engine *promql.Engine
	last   time.Time // of all samples
}

func newServer(t *testing.T) *server {
	t.Helper()
	content, err := prometheus.Files.ReadFile("prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(string(content), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("prometheus.yml: %v", err)
	}
	return &server{
		config: cfg, engine: promqltest.NewTestEngine(t, false, 5*time.Minute, 1_000_000),
		TestStorage: teststorage.New(t, func(o *tsdb.Options) {
			o.EnableExemplarStorage = true
			o.MaxExemplars = cfg.StorageConfig.ExemplarsConfig.MaxExemplars
			o.OutOfOrderTimeWindow = cfg.StorageConfig.TSDBConfig.OutOfOrderTimeWindow
		}),
	}
}

// receive takes metrics as the OTLP receiver does.
func (s *server) receive(ctx context.Context, data pmetric.Metrics) error {
	otlp := s.config.OTLPConfig
	app := forgiving{s.AppenderV2(ctx)}
	_, err := prometheusremotewrite.NewPrometheusConverter(app).FromMetrics(ctx, data,
		prometheusremotewrite.Settings{
			AddMetricSuffixes:         otlp.TranslationStrategy.ShouldAddSuffixes(),
			AllowUTF8:                 !otlp.TranslationStrategy.ShouldEscape(),
			PromoteResourceAttributes: prometheusremotewrite.NewPromoteResourceAttributes(otlp),
		})
	if err != nil {
		_ = app.Rollback()
		return err
	}
	s.last = time.Now() // the run is over: all samples are older
	return app.Commit()
}

// forgiving overlooks exemplars that are older than the last one of their series, as the receiver
// does: the sample itself was taken.
type forgiving struct{ storage.AppenderV2 }

func (f forgiving) Append(
	ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64,
	h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AOptions,
) (storage.SeriesRef, error) {
	ref, err := f.AppenderV2.Append(ref, ls, st, t, v, h, fh, opts)
	if partial := (*storage.AppendPartialError)(nil); errors.As(err, &partial) {
		err = nil
	}
	return ref, err
}

// scrape takes the recorded text of the Collector twice, the counters growing in between.
func (s *server) scrape(ctx context.Context, text string) error {
	app := s.Appender(ctx)
	for i, at := range []time.Time{s.last.Add(-15 * time.Second), s.last} {
		for line := range strings.Lines(text) {
			name, _, ok := strings.Cut(line, "} ")
			if strings.HasPrefix(line, "#") || !ok {
				continue
			}
			series, err := parser.NewParser(parser.Options{}).ParseMetric(name + "}")
			if err != nil {
				return err
			}
			if _, err := app.Append(0, series, at.UnixMilli(), float64(100*i)); err != nil {
				return err
			}
		}
	}
	return app.Commit()
}

// query returns how many series the result has.
func (s *server) query(ctx context.Context, text string) (int, error) {
	q, err := s.engine.NewInstantQuery(ctx, s, nil, text, s.last)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	vector, err := q.Exec(ctx).Vector()
	return len(vector), err
}

// checkData sends what a run has dumped to Prometheus and asks all queries of dashboards and links:
// each must have a result, or its panel would be empty.
func checkData(t *testing.T, dump string, queries []dashboards.Query) {
	t.Helper()
	s := newServer(t)
	eachLine(t, filepath.Join(dump, "metrics.jsonl"), func(line []byte) error {
		data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		if err == nil {
			err = s.receive(t.Context(), data)
		}
		return err
	})
	scraped, err := os.ReadFile(filepath.Join("testdata", "collector.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.scrape(t.Context(), string(scraped)); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("[$__rate_interval]", "[5m]", "$service", ".+",
		"$$__tags", `service_name="gateway"`)
	for _, q := range queries {
		if q.Language != dashboards.PromQL || strings.HasPrefix(q.Text, "label_values(") ||
			strings.HasPrefix(q.Where, "rules.yml") { // of an alert there should be none
			continue
		}
		n, err := s.query(t.Context(), variables.Replace(q.Text))
		if err != nil || n == 0 {
			t.Errorf("%s: %d series, %v, of %s", q.Where, n, err, q.Text)
		}
	}
	s.checkExemplars(t)
}

// checkExemplars looks for the way from a latency to its trace.
func (s *server) checkExemplars(t *testing.T) {
	t.Helper()
	exemplars, err := s.ExemplarQuerier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"http_server_request_duration_seconds_bucket", "shop_entry_spans_total",
	} {
		found, err := exemplars.Select(0, s.last.UnixMilli(), []*labels.Matcher{
			labels.MustNewMatcher(labels.MatchEqual, "__name__", name)})
		if err != nil || len(found) == 0 || len(found[0].Exemplars[0].Labels.Get("trace_id")) != 32 {
			t.Errorf("%s: exemplars %v, %v, want some with a trace_id", name, found, err)
		}
	}
}

// rules returns the expressions of all alerts, by name, as Prometheus reads the file.
func rules(t *testing.T) map[string]string {
	t.Helper()
	content, err := prometheus.Files.ReadFile("rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation,
		parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatalf("rules.yml: %v", errs)
	}
	all := map[string]string{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			all[rule.Alert] = strings.Join(strings.Fields(rule.Expr), " ")
		}
	}
	return all
}

// Each alert fires when it should, for whom it should, and not before.
func TestAlerts(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(filepath.Join("testdata", "alerts.txt"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(script)
	for name, expr := range rules(t) {
		placeholder := fmt.Sprintf("ALERT(%s)", name)
		if strings.Count(text, placeholder) < 2 {
			t.Errorf("alerts.txt has %s less than twice: firing, and not", placeholder)
		}
		text = strings.ReplaceAll(text, placeholder, "("+expr+")")
	}
	promqltest.RunTest(t, text, promqltest.NewTestEngine(t, false, 5*time.Minute, 1_000_000))
}
