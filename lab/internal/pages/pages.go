// Package pages fills the parts of a Markdown page that come from scenarios, so
// that no page can say of a trace what a run does not.
//
// A part is between two comments, and names scenarios:
//
//	<!-- tree: scenarios/persisted-context.txtar -->     its trees, whole
//	<!-- /tree -->
//	<!-- turns: scenarios/a.txtar scenarios/b.txtar -->  where each turn went, side by side
//	<!-- /turns -->
//	<!-- costs: scenarios/a.txtar scenarios/b.txtar -->  what was measured, a line each
//	<!-- /costs -->
//
// A table comes from elsewhere, by its name:
//
//	<!-- table: w3c -->
//	<!-- /table -->
//
// [Scenarios] says which a page needs, [Fill] writes it anew. turns.go and
// costs.go are the parts that are not mere copies.
package pages

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"example.com/throughline/internal/scenario"
)

// Run is a scenario that has passed, and what came of it.
type Run struct {
	Scenario *scenario.Scenario
	Result   scenario.Result
}

// table is the word of a marker for what is in no scenario.
const table = "table"

var marker = regexp.MustCompile(`^<!-- (/?)([a-z]+)(?:: (.*))? -->$`)

// parts are what a page may ask for, by the word of its marker.
func parts() map[string]func([]Run) string {
	return map[string]func([]Run) string{"tree": trees, "turns": turns, "costs": costs}
}

// HasTables reports whether a page asks for a table.
func HasTables(page string) bool { return strings.Contains(page, "<!-- "+table+": ") }

// Scenarios returns the names of the scenarios that a page names, without folders and sorted.
func Scenarios(page string) []string {
	var names []string
	for line := range strings.Lines(page) {
		if m := marker.FindStringSubmatch(strings.TrimSpace(line)); m != nil && parts()[m[2]] != nil {
			for file := range strings.FieldsSeq(m[3]) {
				names = append(names, name(file))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func name(file string) string { return strings.TrimSuffix(path.Base(file), ".txtar") }

// Fill returns the page with all parts as the runs and the tables, by name, have
// it. Mistakes are errors with file:line.
func Fill(
	file, page string, runs map[string]Run, tables map[string]string,
) (string, error) {
	var b strings.Builder
	open := "" // the part that is being replaced
	num := 0
	for line := range strings.Lines(page) {
		num++
		m := marker.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case m == nil || m[2] != table && parts()[m[2]] == nil:
			if open == "" {
				b.WriteString(line)
			}
		case m[1] == "/" && m[2] == open:
			b.WriteString(line)
			open = ""
		case m[1] == "/" || open != "":
			return "", fmt.Errorf("%s:%d: %s: want <!-- /%s --> first", file, num, m[0], open)
		default:
			open = m[2]
			text, err := fill(open, m[3], runs, tables)
			if err != nil {
				return "", fmt.Errorf("%s:%d: %w", file, num, err)
			}
			b.WriteString(line + text)
		}
	}
	if open != "" {
		return "", fmt.Errorf("%s:%d: no <!-- /%s -->", file, num, open)
	}
	return b.String(), nil
}

// fill returns what stands in the part that a marker with this word asks for.
func fill(
	word, names string, runs map[string]Run, tables map[string]string,
) (string, error) {
	if word == table {
		text, ok := tables[names]
		if !ok {
			return "", fmt.Errorf("there is no table %q", names)
		}
		return "\n" + text + "\n", nil
	}
	found, err := find(strings.Fields(names), runs)
	if err != nil {
		return "", err
	}
	return parts()[word](found), nil
}

func find(files []string, runs map[string]Run) ([]Run, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("the marker names no scenario")
	}
	var found []Run
	for _, file := range files {
		r, ok := runs[name(file)]
		if !ok {
			return nil, fmt.Errorf("no scenario %q was run", name(file))
		}
		found = append(found, r)
	}
	return found, nil
}

// trees shows the trees as the scenario has them: the run has shown that they are true.
func trees(runs []Run) string {
	var b strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&b, "\n```\n%s\n```\n\n",
			strings.Join(r.Scenario.Trees(), "\n\n"))
	}
	return b.String()
}
