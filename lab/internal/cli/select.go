package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/scenarios"
)

// directory is where scenarios are looked for, under the working directory.
const directory = "scenarios"

// library is the set of scenarios that can be chosen by name.
type library struct {
	files  fs.FS
	prefix string // of the file names in messages
	onDisk bool
}

// openLibrary takes ./scenarios, or else the copy inside the binary.
func openLibrary() library {
	if info, err := os.Stat(directory); err == nil && info.IsDir() {
		return library{files: os.DirFS(directory), prefix: directory + "/", onDisk: true}
	}
	return library{files: scenarios.FS, prefix: "embedded:scenarios/"}
}

// choose returns the scenarios that args name: by name, by glob, or by the path
// of a file anywhere. Without args it returns all of the library. Mistakes in
// files are usage errors that give file and line.
func choose(lib library, args []string) ([]*scenario.Scenario, error) {
	known, err := lib.list()
	if err != nil {
		return nil, fmt.Errorf("lab run: scenarios: %w", err)
	}
	var wanted []source
	if len(args) == 0 {
		wanted = lib.sources(known)
	}
	var errs []error
	for _, arg := range args {
		found, err := lib.match(known, arg)
		errs = append(errs, err)
		wanted = append(wanted, found...)
	}
	var chosen []*scenario.Scenario
	seen := map[string]bool{}
	for _, s := range wanted {
		if seen[s.file] {
			continue
		}
		seen[s.file] = true
		sc, err := s.parse()
		errs = append(errs, err)
		chosen = append(chosen, sc)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return chosen, nil
}

// source is a scenario file that has not been read yet.
type source struct {
	file string // as messages name it
	read func() ([]byte, error)
}

func (s source) parse() (*scenario.Scenario, error) {
	data, err := s.read()
	if err != nil {
		return nil, fmt.Errorf("lab run: %w", err)
	}
	return scenario.Parse(s.file, data)
}

// list returns the paths of all scenarios in the library, broken ones last: the
// same on disk as in the binary.
func (l library) list() ([]string, error) {
	var paths []string
	for _, pattern := range []string{"*.txtar", "broken/*.txtar"} {
		found, err := fs.Glob(l.files, pattern)
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	return paths, nil
}

func (l library) sources(paths []string) []source {
	var found []source
	for _, p := range paths {
		found = append(found, source{file: l.prefix + p,
			read: func() ([]byte, error) { return fs.ReadFile(l.files, p) }})
	}
	return found
}

// match finds what one argument means. A file on disk is taken as such; a name
// or glob is held against the path without extension, and its last part.
func (l library) match(known []string, arg string) ([]source, error) {
	if info, err := os.Stat(arg); err == nil && !info.IsDir() {
		return []source{{file: arg, read: func() ([]byte, error) { return os.ReadFile(arg) }}}, nil
	}
	var paths []string
	for _, p := range known {
		name := strings.TrimSuffix(p, ".txtar")
		whole, err := path.Match(arg, name)
		if err != nil {
			return nil, fmt.Errorf("lab run: %.60q: %w", arg, err)
		}
		last, _ := path.Match(arg, path.Base(name))
		if whole || last {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("lab run: no scenario and no file %.60q; there are %s",
			arg, strings.Join(names(known), ", "))
	}
	return l.sources(paths), nil
}

func names(paths []string) []string {
	var names []string
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(p, ".txtar"))
	}
	return names
}

// good returns the names of all scenarios that are not broken on purpose.
func (l library) good() ([]string, error) {
	known, err := l.list()
	var names []string
	for _, file := range known {
		if !strings.HasPrefix(file, "broken/") {
			names = append(names, strings.TrimSuffix(file, ".txtar"))
		}
	}
	return names, err
}
