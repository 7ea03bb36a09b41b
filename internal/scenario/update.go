package scenario

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/tools/txtar"
)

// Update returns the scenario's file with its trace sections as they must read for the journey to
// match. Lines that are true keep their wording, comments and dots stay; a section whose trace did
// not come is taken out, and a trace without a section gets one behind the last. vars are the
// values of the run's variables, so that an id is written {id}.
//
// What arrived is not what is right: read the result before it becomes the claim. An empty journey
// is an error unless the scenario expects none, for it mostly means that nothing ran.
func Update(sc *Scenario, j Journey, vars map[string]string) ([]byte, error) {
	j = sc.compared(j)
	if len(j.Spans) == 0 && !sc.traces.Match(j, vars).OK {
		return nil, errors.New("update " + sc.Name + ": the journey has no spans")
	}
	texts := sc.traces.Rewrite(j, vars)
	old := txtar.Parse(sc.data)
	updated := &txtar.Archive{Comment: old.Comment}
	last, next := 0, 0
	for _, f := range old.Files {
		if f.Name != "trace" {
			updated.Files = append(updated.Files, f)
			continue
		}
		if body := texts[next].Body; body != "" {
			updated.Files = append(updated.Files, txtar.File{Name: f.Name, Data: []byte(body)})
		}
		last, next = len(updated.Files), next+1
	}
	var added []txtar.File
	for _, t := range texts[next:] {
		added = append(added, txtar.File{Name: "trace", Data: []byte(t.Body)})
	}
	tail := append(added, updated.Files[last:]...)
	updated.Files = append(updated.Files[:last:last], tail...)
	return txtar.Format(spaced(updated)), nil
}

// Trees returns the bodies of the file's trace sections, without blank lines around them.
func (sc *Scenario) Trees() []string {
	var out []string
	for _, f := range txtar.Parse(sc.data).Files {
		if f.Name == "trace" {
			out = append(out, strings.Trim(string(f.Data), "\n"))
		}
	}
	return out
}

// spaced puts a blank line in front of every marker.
func spaced(a *txtar.Archive) *txtar.Archive {
	for i := range a.Files {
		data := bytes.TrimRight(a.Files[i].Data, "\n")
		data = append(bytes.Clone(data), '\n')
		if i < len(a.Files)-1 {
			data = append(data, '\n')
		}
		a.Files[i].Data = data
	}
	return a
}
