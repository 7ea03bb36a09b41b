// Package score judges telemetry by the rules of the Instrumentation Score
// specification (github.com/instrumentation-score/spec, version 0.1): one number
// from 0 to 100 for each service.name, and what costs the points.
//
// Give a [Scorer] everything that arrived and ask it for the [Scorer.Services].
// The score is the weight of the rules that hold, of the weight of all rules:
//
//	sum(passed x weight) / sum(all x weight) x 100, weights 40, 30, 20, 10
//
// A rule that finds nothing to judge holds. rules.go lists the rules and says
// where the specification leaves a choice, and which one this package takes;
// resources.go, spans.go, metrics.go and logs.go collect what they judge.
package score

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Impact is the weight of a rule.
type Impact int

// The impact levels and their weights (specification, "Rules").
const (
	Low       Impact = 10
	Normal    Impact = 20
	Important Impact = 30
	Critical  Impact = 40
)

// String returns the specification's word for the level.
func (i Impact) String() string {
	switch i {
	case Low:
		return "Low"
	case Normal:
		return "Normal"
	case Important:
		return "Important"
	case Critical:
		return "Critical"
	}
	return fmt.Sprintf("Impact(%d)", int(i))
}

// Service is the score of one service.name.
type Service struct {
	Name     string    `json:"service"`
	Score    float64   `json:"score"` // 0 to 100
	Category string    `json:"category"`
	Spans    int       `json:"spans"`
	Logs     int       `json:"logs"`
	Metrics  int       `json:"metrics"` // names, not points
	Rules    []Verdict `json:"rules"`   // all of them, in the order of the specification
}

// Verdict is what one rule says of one service.
type Verdict struct {
	ID          string `json:"id"`
	Impact      string `json:"impact"`
	Description string `json:"description"`
	Pass        bool   `json:"pass"`
	// Offences is how often the rule was broken, Examples the first of them.
	Offences int      `json:"offences"`
	Examples []string `json:"examples,omitempty"`
}

// Unnamed stands for telemetry whose resource has no service.name.
const Unnamed = "(no service.name)"

// maxExamples bounds what is kept of each rule and service.
const maxExamples = 5

// Services returns the verdicts on all that has been given, by name.
func (s *Scorer) Services() []Service {
	broken := make(map[string]map[string]*offences) // by rule and service
	for _, r := range rules() {
		found := findings{}
		r.judge(s, found)
		broken[r.id] = found
	}
	all := make([]Service, 0, len(s.services))
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		all = append(all, s.service(name, broken))
	}
	return all
}

func (s *Scorer) service(name string, broken map[string]map[string]*offences) Service {
	have := s.services[name]
	out := Service{Name: cmp.Or(name, Unnamed), Spans: have.spans, Logs: have.logs,
		Metrics: len(have.metrics)}
	passed, all := 0, 0
	for _, r := range rules() {
		v := Verdict{ID: r.id, Impact: r.impact.String(), Description: r.description, Pass: true}
		if o := broken[r.id][name]; o != nil {
			v.Pass, v.Offences, v.Examples = false, o.count, o.examples
		}
		all += int(r.impact)
		if v.Pass {
			passed += int(r.impact)
		}
		out.Rules = append(out.Rules, v)
	}
	out.Score = 100 * float64(passed) / float64(all)
	out.Category = category(out.Score)
	return out
}

// category follows the specification's "Qualitative Categories". Its ranges are
// of whole numbers; a score between two of them belongs to the lower.
func category(score float64) string {
	switch {
	case score >= 90:
		return "Excellent"
	case score >= 75:
		return "Good"
	case score >= 50:
		return "Needs Improvement"
	}
	return "Poor"
}

// findings are the offences against one rule, by service.
type findings map[string]*offences

type offences struct {
	count    int
	examples []string
}

func (f findings) add(service, format string, args ...any) {
	o := f[service]
	if o == nil {
		o = &offences{}
		f[service] = o
	}
	o.count++
	if len(o.examples) < maxExamples {
		o.examples = append(o.examples, fmt.Sprintf(format, args...))
	}
}
