package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"example.com/throughline/lab/internal/dashboards"
)

// stack are the base URLs of programs that run, from the environment, and ids of one trace in them.
type stack struct {
	prometheus, loki, tempo, jaeger string
	traceID, workflowID             string
}

// TestStackAnswersEveryQuery asks a stack that is up, minutes after `make verify`, every query of
// every dashboard, link and rule, with Grafana's variables in place as Grafana puts them:
//
//	PROMETHEUS_URL=http://127.0.0.1:9090 TEMPO_URL=http://127.0.0.1:3200 \
//	JAEGER_URL=http://127.0.0.1:16686 LOKI_URL=http://ADDRESS:3100 \
//	go test ./lab/internal/dashboards -run Stack -v
func TestStackAnswersEveryQuery(t *testing.T) {
	s := &stack{prometheus: os.Getenv("PROMETHEUS_URL"), loki: os.Getenv("LOKI_URL"),
		tempo: os.Getenv("TEMPO_URL"), jaeger: os.Getenv("JAEGER_URL")}
	if s.prometheus == "" || s.loki == "" || s.tempo == "" || s.jaeger == "" {
		t.Skip("asks a stack that is up: set PROMETHEUS_URL, LOKI_URL, TEMPO_URL and JAEGER_URL")
	}
	if err := s.findTrace(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, q := range allQueries(t) {
		n, err := s.ask(t.Context(), q)
		if err != nil || n == 0 {
			t.Errorf("%s: %d results, %v, of %s", q.Where, n, err, s.interpolate(q))
		} else {
			t.Logf("%4d %s: %s", n, q.Where, s.interpolate(q))
		}
	}
	s.checkRules(t)
	s.checkLinks(t)
}

// findTrace chooses the latest trace of a workflow that a search finds: Jaeger may have forgotten
// older ones.
func (s *stack) findTrace(ctx context.Context) error {
	var found struct {
		Traces []struct {
			TraceID           string
			StartTimeUnixNano string
			SpanSets          []struct {
				Spans []struct {
					Attributes []struct {
						Key   string
						Value struct{ StringValue string }
					}
				}
			}
		}
	}
	query := `{ span.shop.workflow.id != nil && resource.service.name = "order" && kind = server }` +
		" | select(span.shop.workflow.id)"
	between := last(5 * time.Minute)
	between.Set("q", query)
	if err := get(ctx, &found, s.tempo+"/api/search", between); err != nil {
		return err
	}
	latest := ""
	for _, trace := range found.Traces {
		if trace.StartTimeUnixNano <= latest { // of as many digits
			continue
		}
		for _, a := range trace.SpanSets[0].Spans[0].Attributes {
			if a.Key == "shop.workflow.id" {
				// A search drops leading zeros.
				s.traceID = strings.Repeat("0", 32-len(trace.TraceID)) + trace.TraceID
				s.workflowID = a.Value.StringValue
				latest = trace.StartTimeUnixNano
			}
		}
	}
	if latest == "" {
		return errors.New("Tempo has no trace of a workflow: run `make verify` first")
	}
	return nil
}

// interpolate does what Grafana does before it asks. Of a source that is scraped each 15 s,
// $__rate_interval is at least four times as long; __tags are those of a span, as the data source
// maps them to labels.
func (s *stack) interpolate(q dashboards.Query) string {
	text := q.Text
	if strings.Contains(q.Where, ".yaml") { // a provisioning file
		text = strings.ReplaceAll(text, "$$", "$")
	}
	tags := `service_name="gateway"`
	if q.Language == dashboards.PromQL {
		tags += `, http_route="/checkouts"`
	}
	return strings.NewReplacer("$__rate_interval", "1m0s", "$service", ".+",
		"${__tags}", tags, "$__tags", tags, "${__span.traceId}", s.traceID,
		"$trace_id", s.traceID, "$workflow_id", s.workflowID).Replace(text)
}

// last is the time until now, as all APIs write it.
func last(long time.Duration) url.Values {
	now := time.Now()
	return url.Values{"start": {fmt.Sprint(now.Add(-long).Unix())}, "end": {fmt.Sprint(now.Unix())}}
}

// ask returns how much a query finds in the half hour that dashboards show.
func (s *stack) ask(ctx context.Context, q dashboards.Query) (int, error) {
	text := s.interpolate(q)
	between := last(30 * time.Minute)
	between.Set("query", text)
	between.Set("step", "15")
	switch {
	case q.Language == dashboards.LogQL:
		return series(ctx, s.loki+"/loki/api/v1/query_range", between)
	case q.Language == dashboards.TraceQL && text == s.traceID:
		var answer struct{ Trace struct{ ResourceSpans []any } }
		err := get(ctx, &answer, s.tempo+"/api/v2/traces/"+text, nil)
		return len(answer.Trace.ResourceSpans), err
	case q.Language == dashboards.TraceQL:
		var answer struct{ Traces []any }
		between.Set("q", text)
		err := get(ctx, &answer, s.tempo+"/api/search", between)
		return len(answer.Traces), err
	case strings.HasPrefix(text, "label_values("):
		metric, label, _ := strings.Cut(strings.TrimSuffix(text[len("label_values("):], ")"), ", ")
		var answer struct{ Data []string }
		err := get(ctx, &answer, s.prometheus+"/api/v1/label/"+label+"/values",
			url.Values{"match[]": {metric}})
		return len(answer.Data), err
	case strings.HasPrefix(q.Where, "rules.yml"):
		return s.selectors(ctx, text)
	}
	return series(ctx, s.prometheus+"/api/v1/query_range", between)
}

var collectorLoss = regexp.MustCompile(`^otelcol_exporter_(send|enqueue)_failed_`)

// selectors counts the series that an alert looks at, for the selector that has the fewest, because
// the alert itself has none while all is well. What the Collector could not pass on it counts only
// once there is some.
func (s *stack) selectors(ctx context.Context, text string) (int, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return 0, err
	}
	least := -1
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok && err == nil {
			var n int
			n, err = series(ctx, s.prometheus+"/api/v1/query", url.Values{"query": {selector.String()}})
			if n == 0 && collectorLoss.MatchString(selector.Name) {
				n = 1
			}
			if least < 0 || n < least {
				least = n
			}
		}
		return nil
	})
	return least, err
}

// series counts the series or streams of a result that have at least one value that is a number,
// or a line.
func series(ctx context.Context, address string, query url.Values) (int, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value  []any
				Values [][]any
			}
		}
	}
	err := get(ctx, &answer, address, query)
	n := 0
	for _, one := range answer.Data.Result {
		for _, value := range append(one.Values, one.Value) {
			if len(value) > 1 && value[1] != "NaN" {
				n++
				break
			}
		}
	}
	return n, err
}

// checkRules asks Prometheus what came of its rules.
func (s *stack) checkRules(t *testing.T) {
	t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := get(t.Context(), &answer, s.prometheus+"/api/v1/rules", nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			n++
			if rule.Health != "ok" {
				t.Errorf("rule %s is %s: %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	if want := len(rules(t)); n != want {
		t.Errorf("Prometheus has %d rules, want %d", n, want)
	}
}

// get decodes an answer in JSON.
func get(ctx context.Context, into any, address string, query url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	// As Grafana asks Loki: what is no label of the stream is told apart from what is.
	request.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %.300s", address, response.Status, body)
	}
	return json.Unmarshal(body, into)
}
