package scenario

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"example.com/throughline/internal/tracetree"
)

// Parse parses one file. It returns every mistake at once, joined; each is an *[Error].
func Parse(file string, data []byte) (*Scenario, error) {
	p := &parser{
		sc: &Scenario{
			Name: strings.TrimSuffix(path.Base(file), ".txtar"),
			File: file,
			data: data,
		},
		known: make(map[string]bool),
		seen:  make(map[string]int),
	}
	for name := range builtins() {
		p.known[name] = true
	}
	archive := txtar.Parse(data)
	p.comment(string(archive.Comment))
	line := 1 + strings.Count(string(archive.Comment), "\n")
	for _, f := range archive.Files {
		p.section(f.Name, line, string(f.Data))
		line += 1 + strings.Count(string(f.Data), "\n")
	}
	p.finish()
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return p.sc, nil
}

type parser struct {
	sc     *Scenario
	known  map[string]bool // variables so far
	seen   map[string]int  // section → line of its marker
	traces []*tracetree.Section
	errs   []error
}

func (p *parser) fail(line int, format string, args ...any) {
	p.errs = append(p.errs, &Error{File: p.sc.File, Line: line, Msg: fmt.Sprintf(format, args...)})
}

func (p *parser) comment(text string) {
	title, prose, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	p.sc.Title, p.sc.Prose = strings.TrimSpace(title), strings.TrimSpace(prose)
	if p.sc.Title == "" {
		p.fail(1, "no title: want a line that states the claim before the first section")
	}
}

func (p *parser) section(name string, line int, data string) {
	if first, ok := p.seen[name]; ok && name != "trace" {
		p.fail(line, "a second section %q: the first is on line %d", name, first)
		return
	}
	p.seen[name] = line
	switch name {
	case "turns":
		p.turns(line, data)
	case "trace":
		s, err := tracetree.ParseSection(p.sc.File, line, data)
		p.join(err)
		p.traces = append(p.traces, s)
	case "logs":
		logs, err := tracetree.ParseLogs(p.sc.File, line, data)
		p.join(err)
		p.sc.logs = logs
	case "metrics":
		metrics, err := tracetree.ParseMetrics(p.sc.File, line, data)
		p.join(err)
		p.sc.metrics = metrics
	case "absent":
		for _, l := range p.words(line, data) {
			p.sc.absent = append(p.sc.absent, absentLine(l))
		}
	case "faults":
		p.faults(line, data)
	case "mended-by":
		p.mendedBy(line, data)
	case "ignore":
		p.ignore(line, data)
	case "alone":
		p.alone(line, data)
	default:
		p.fail(line, "unknown section %q: want turns, trace, logs, metrics, absent, ignore, "+
			"alone, faults or mended-by", shorten(name))
	}
}

func (p *parser) join(err error) {
	if err != nil {
		p.errs = append(p.errs, err)
	}
}

type textLine struct {
	num  int
	text string
}

// split returns a section's lines with their numbers, without trailing space.
func split(marker int, data string) []textLine {
	var out []textLine
	for i, text := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		out = append(out, textLine{marker + 1 + i, strings.TrimRight(text, " \t\r")})
	}
	return out
}

// words returns the lines of a section that is a list, of which there must be one at least.
func (p *parser) words(marker int, data string) []textLine {
	var out []textLine
	for _, l := range split(marker, data) {
		if l.text != "" && l.text[0] != '#' {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		p.fail(marker, "empty section")
	}
	return out
}

// idPattern is the spelling of scenarios and faults.
var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (p *parser) faults(marker int, data string) {
	for _, l := range p.words(marker, data) {
		switch {
		case !idPattern.MatchString(l.text):
			p.fail(l.num, "fault %q: want words of a-z and 0-9 joined by hyphens", shorten(l.text))
		case slices.Contains(p.sc.Faults, l.text):
			p.fail(l.num, "fault %q is named twice", l.text)
		}
		p.sc.Faults = append(p.sc.Faults, l.text)
	}
}

func (p *parser) mendedBy(marker int, data string) {
	for i, l := range p.words(marker, data) {
		switch {
		case i > 0:
			p.fail(l.num, "a second name in mended-by: want one scenario")
		case !idPattern.MatchString(l.text):
			p.fail(l.num, "scenario %q: want words of a-z and 0-9 joined by hyphens",
				shorten(l.text))
		}
		p.sc.MendedBy = l.text
	}
}

// alone takes an empty section, or one line that says why.
func (p *parser) alone(marker int, data string) {
	p.sc.Alone = true
	lines := 0
	for _, l := range split(marker, data) {
		if l.text == "" || l.text[0] == '#' {
			continue
		}
		if lines++; lines > 1 {
			p.fail(l.num, "a second line in alone: want nothing, or one line that says why")
			return
		}
	}
}

// finish checks what concerns more than one section.
func (p *parser) finish() {
	if p.seen["turns"] == 0 {
		p.fail(1, "no section turns")
	}
	if p.seen["trace"] == 0 {
		p.fail(1, "no section trace: a scenario says what arrives")
	}
	if faults, mended := p.seen["faults"], p.seen["mended-by"]; (faults == 0) != (mended == 0) {
		p.fail(max(faults, mended), "faults and mended-by come together")
	}
	if len(p.errs) > 0 {
		return
	}
	traces, err := tracetree.NewExpectation(p.traces...)
	p.join(err)
	p.sc.traces = traces
	p.defined(traces.Refs())
	if p.sc.logs != nil {
		p.join(p.sc.logs.Check(traces))
		p.defined(p.sc.logs.Refs())
	}
	if p.sc.metrics != nil {
		p.join(p.sc.metrics.Check(traces))
		p.defined(p.sc.metrics.Refs())
	}
	for _, a := range p.sc.absent {
		p.check(a.num, a.text)
	}
}

func (p *parser) defined(used []tracetree.Ref) {
	for _, r := range used {
		if !p.known[r.Name] {
			p.fail(r.Line, "variable {%s} is not defined", shorten(r.Name))
		}
	}
}

// check reports variables in s that have no value by now.
func (p *parser) check(line int, s string) {
	for _, name := range refs(s) {
		if !p.known[name] {
			p.fail(line, "variable {%s} is not defined here", shorten(name))
		}
	}
}

// shorten keeps messages readable; input may be megabytes.
func shorten(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
