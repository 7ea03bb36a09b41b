// Package dashboards checks that every query of Grafana and every alert of Prometheus asks for
// something that exists: metrics, labels and attributes that a run of the lab has produced.
//
// [Read] finds the queries in dashboards, data sources and rules, wherever they are in there.
// [Names] is what a run has produced, with metrics under the names that Prometheus gives them.
// [Check] compares the two. PromQL is read with Prometheus's own parser (promql.go); of LogQL and
// TraceQL, whose parsers come with all of Loki and Tempo, only the names are read (labels.go).
package dashboards

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Language is what a query is written in: the type of Grafana's data source.
type Language string

// The languages.
const (
	PromQL  Language = "prometheus"
	LogQL   Language = "loki"
	TraceQL Language = "tempo"
)

// Query is one query.
type Query struct {
	Where    string // file and title of the panel, the rule or the link
	Language Language
	Text     string
}

// Read returns all queries of the files: *.json are dashboards, *.yaml and *.yml are data sources
// and rules. A query in a language that is not known is an error.
func Read(files fs.FS) ([]Query, error) {
	var all []Query
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		var doc any
		switch {
		case strings.HasSuffix(path, ".json"):
			err = json.Unmarshal(content, &doc)
		case strings.HasSuffix(path, ".yaml"), strings.HasSuffix(path, ".yml"):
			err = yaml.Unmarshal(content, &doc)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		found := finder{language: PromQL, where: path}
		if err := found.walk(doc); err != nil {
			return err
		}
		all = append(all, found.queries...)
		return nil
	})
	return all, err
}

// finder collects the queries below one node. Rules have no data source: they are PromQL.
type finder struct {
	language Language
	where    string
	queries  []Query
}

func (f *finder) walk(node any) error {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			if err := f.walk(child); err != nil {
				return err
			}
		}
	case map[string]any:
		return f.object(node)
	}
	return nil
}

func (f *finder) object(node map[string]any) error {
	outer := *f
	defer func() { f.language, f.where = outer.language, outer.where }()
	for _, key := range []string{"title", "alert", "name"} {
		if name, ok := node[key].(string); ok && name != "" {
			f.where = outer.where + ": " + name
			break
		}
	}
	if err := f.source(node); err != nil {
		return err
	}
	if definition, ok := node["definition"].(string); ok { // a variable: its query says the same
		return f.add(definition)
	}
	for _, key := range slices.Sorted(keys(node)) {
		child := node[key]
		text, isText := child.(string)
		var err error
		switch {
		case isText && (key == "expr" || key == "query"):
			err = f.add(text)
		case !isText:
			err = f.walk(child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// source notes what a node's queries are for. That of a dashboard has a type; a data source in a
// link is named by its uid, which is the type as well.
func (f *finder) source(node map[string]any) error {
	name, ok := node["datasourceUid"].(string)
	if source, isSource := node["datasource"].(map[string]any); isSource {
		name, ok = source["type"].(string)
	}
	if !ok {
		return nil
	}
	f.language = Language(name)
	if !slices.Contains([]Language{PromQL, LogQL, TraceQL, "jaeger"}, f.language) {
		return fmt.Errorf("%s: data source %q: want prometheus, loki, tempo or jaeger", f.where, name)
	}
	return nil
}

func (f *finder) add(text string) error {
	if text != "" { // a text box that is empty at first
		f.queries = append(f.queries, Query{f.where, f.language, text})
	}
	return nil
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}
