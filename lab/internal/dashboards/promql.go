package dashboards

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// metricName is the label that holds a series' name.
const metricName = "__name__"

// grafanaVariables are what Grafana puts in place before it asks. In provisioning files $$ is a
// dollar sign.
func grafanaVariables() *strings.Replacer {
	return strings.NewReplacer(
		"[$__rate_interval]", "[5m]", "$service", ".+",
		"$__tags", `service_name="x", http_route="/x"`)
}

// Check returns what queries ask for that does not exist, and those that cannot be read.
func (n *Names) Check(queries []Query) (wrong []string) {
	for _, q := range queries {
		var problems []string
		switch q.Language {
		case PromQL:
			problems = n.promQL(q.Text)
		case LogQL:
			problems = n.logQL(q.Text)
		case TraceQL:
			problems = n.traceQL(q.Text)
		default:
			problems = []string{"language " + string(q.Language) + " is not known"}
		}
		for _, p := range problems {
			wrong = append(wrong, fmt.Sprintf("%s: %s: in %s", q.Where, p, q.Text))
		}
	}
	return wrong
}

func (n *Names) promQL(text string) (wrong []string) {
	text = grafanaVariables().Replace(strings.ReplaceAll(text, "$$", "$"))
	if inner, ok := strings.CutPrefix(text, "label_values("); ok {
		// Not PromQL but Grafana's: label_values(metric, label).
		metric, label, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", ")
		text = fmt.Sprintf("count by (%s) (%s)", label, metric)
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return []string{err.Error()}
	}
	n.exists(expr, &wrong)
	return wrong
}

// exists checks the selectors of an expression and the labels that it groups by. It returns the
// labels of the result.
func (n *Names) exists(expr parser.Node, wrong *[]string) Set {
	if s, ok := expr.(*parser.VectorSelector); ok {
		return n.selector(s, wrong)
	}
	have := Set{}
	for child := range parser.ChildrenIter(expr) {
		for label := range n.exists(child, wrong) {
			have[label] = true
		}
	}
	if a, ok := expr.(*parser.AggregateExpr); ok && !a.Without {
		result := Set{}
		for _, label := range a.Grouping {
			if !have[label] {
				*wrong = append(*wrong, fmt.Sprintf("grouped by %s, which nothing below has", label))
			}
			result[label] = true
		}
		return result
	}
	return have
}

func (n *Names) selector(s *parser.VectorSelector, wrong *[]string) Set {
	have, ok := n.Series[s.Name]
	if !ok {
		*wrong = append(*wrong, fmt.Sprintf("no metric %q", s.Name))
	}
	for _, m := range s.LabelMatchers {
		if ok && m.Name != metricName && !have[m.Name] {
			*wrong = append(*wrong, fmt.Sprintf("%s has no label %s", s.Name, m.Name))
		}
	}
	return have
}
