package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Load parses the files that match the patterns (see [fs.Glob]), sorted by name. A pattern without
// a match and two scenarios of one name are errors, reported together with those of [Parse].
func Load(fsys fs.FS, patterns ...string) ([]*Scenario, error) {
	var out []*Scenario
	var errs []error
	byName := make(map[string]string)
	for _, file := range matches(fsys, patterns, &errs) {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read scenario: %w", err))
			continue
		}
		sc, err := Parse(file, data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if other, ok := byName[sc.Name]; ok {
			errs = append(errs, fmt.Errorf("scenario %s is both %s and %s", sc.Name, other, file))
		}
		byName[sc.Name] = file
		out = append(out, sc)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortFunc(out, func(a, b *Scenario) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// matches returns the matching files, each once, and sorted for the sake of the errors' order.
func matches(fsys fs.FS, patterns []string, errs *[]error) []string {
	var files []string
	for _, pattern := range patterns {
		found, err := fs.Glob(fsys, pattern)
		if err != nil {
			*errs = append(*errs, fmt.Errorf("pattern %q: %w", pattern, err))
		} else if len(found) == 0 {
			*errs = append(*errs, fmt.Errorf("pattern %q matches no file", pattern))
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}
