package dashboards_test

import (
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/throughline/grafana"
)

// recordLoki has TestStackAnswersEveryQuery keep what Loki answers.
var recordLoki = flag.Bool("record", false, "write testdata/loki.json anew, from the stack")

// lokiAnswer is what the real Loki answers to the query of a link, asked as Grafana asks it.
type lokiAnswer struct {
	Data struct {
		Result []struct {
			Stream map[string]string
			Values []lokiLine
		}
	}
}

// lokiLine is one record: its time, its text and its labels by kind.
type lokiLine struct {
	at, text string
	labels   struct{ StructuredMetadata map[string]string }
}

func (l *lokiLine) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&l.at, &l.text, &l.labels})
}

// sources are the links of the provisioned data sources, with Grafana's $$ made one.
type sources struct {
	Datasources []struct {
		UID      string `yaml:"uid"`
		JSONData struct {
			TracesToLogs struct {
				Query string `yaml:"query"`
				Tags  []struct {
					Key   string `yaml:"key"`
					Value string `yaml:"value"`
				} `yaml:"tags"`
			} `yaml:"tracesToLogsV2"`
			DerivedFields []struct {
				Type   string `yaml:"matcherType"`
				Regex  string `yaml:"matcherRegex"`
				URL    string `yaml:"url"`
				Source string `yaml:"datasourceUid"`
			} `yaml:"derivedFields"`
		} `yaml:"jsonData"`
	} `yaml:"datasources"`
}

func readSources(t *testing.T) sources {
	t.Helper()
	text, err := grafana.Files.ReadFile("provisioning/datasources/throughline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s sources
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(string(text), "$$", "$")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// follow returns, by data source, the traces that the links below a line lead to. A derived field
// takes its value from the first label whose name is, or matches, the expression.
func (s sources) follow(t *testing.T, line lokiLine) map[string]string {
	t.Helper()
	to := map[string]string{}
	for _, source := range s.Datasources {
		for _, field := range source.JSONData.DerivedFields {
			if field.Type != "label" {
				t.Fatalf("derived field by %q, want by label", field.Type)
			}
			var found []string
			for name, value := range line.labels.StructuredMetadata {
				if regexp.MustCompile(field.Regex).MatchString(name) {
					found = append(found, value)
				}
			}
			if len(found) != 1 {
				t.Fatalf("%s matches %d labels of a line, want one: %v", field.Regex, len(found),
					line.labels.StructuredMetadata)
			}
			to[field.Source] = strings.ReplaceAll(field.URL, "${__value.raw}", found[0])
		}
	}
	return to
}

var traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// checkAnswer holds an answer of Loki against the links that lead to it and from it. All its lines
// are of one trace, which it returns.
func checkAnswer(t *testing.T, answer lokiAnswer) (trace string) {
	t.Helper()
	s := readSources(t)
	lines := 0
	for _, stream := range answer.Data.Result {
		for _, source := range s.Datasources {
			for _, tag := range source.JSONData.TracesToLogs.Tags {
				if stream.Stream[tag.Value] == "" {
					t.Errorf("link from %s: %s is mapped to %s, which is no label of %v",
						source.UID, tag.Key, tag.Value, stream.Stream)
				}
			}
		}
		for _, line := range stream.Values {
			lines++
			to := s.follow(t, line)
			for _, source := range []string{"tempo", "jaeger"} {
				if !traceID.MatchString(to[source]) || trace != "" && to[source] != trace {
					t.Errorf("link to %s: %q, want the trace of all lines: %s", source, to[source], trace)
				}
				trace = to[source]
			}
		}
	}
	if lines == 0 {
		t.Error("no lines")
	}
	return trace
}

// A recorded answer of the real Loki has what the links between logs and traces need.
func TestLogsAndTracesLeadToEachOther(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "loki.json"))
	if err != nil {
		t.Fatal(err)
	}
	var answer lokiAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	checkAnswer(t, answer)
}

// checkLinks goes from a trace to its lines, and from them back to the trace in both backends.
func (s *stack) checkLinks(t *testing.T) {
	t.Helper()
	var raw json.RawMessage
	err := get(t.Context(), &raw, s.loki+"/loki/api/v1/query_range", url.Values{"limit": {"5"},
		"query": {`{service_name="gateway"} | trace_id="` + s.traceID + `"`}})
	if err != nil {
		t.Fatal(err)
	}
	var answer lokiAnswer
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	if trace := checkAnswer(t, answer); trace != s.traceID {
		t.Errorf("lines of trace %s lead to %s", s.traceID, trace)
	}
	for _, address := range []string{
		s.tempo + "/api/v2/traces/" + s.traceID, s.jaeger + "/api/traces/" + s.traceID,
	} {
		var trace map[string]any
		if err := get(t.Context(), &trace, address, nil); err != nil {
			t.Error(err)
		}
	}
	if *recordLoki {
		if err := os.WriteFile(filepath.Join("testdata", "loki.json"), append(raw, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
