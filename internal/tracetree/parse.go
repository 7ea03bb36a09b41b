package tracetree

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseSection parses one trace. line is the line of the section's marker, so that the first line
// of body is line+1. All mistakes are returned, joined; each is an *[Error].
func ParseSection(file string, line int, body string) (*Section, error) {
	p := &sectionParser{s: &Section{file: file, line: line}}
	p.s.root = &node{section: p.s}
	p.stack = []*node{p.s.root}
	for i, raw := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		p.line(line+1+i, strings.TrimRight(raw, " \r"))
	}
	p.s.trail = p.lead
	p.finish()
	return p.s, errors.Join(p.errs...)
}

type sectionParser struct {
	s     *Section
	stack []*node // stack[d] is the parent of lines at depth d
	lead  []string
	errs  []error
}

func (p *sectionParser) fail(num int, format string, args ...any) {
	p.errs = append(p.errs, &Error{File: p.s.file, Line: num, Msg: fmt.Sprintf(format, args...)})
}

func (p *sectionParser) line(num int, raw string) {
	content := strings.TrimLeft(raw, " ")
	if content == "" || content[0] == '#' {
		p.lead = append(p.lead, raw)
		return
	}
	l := &line{num: num, raw: raw, lead: p.lead}
	p.lead = nil
	indent := len(raw) - len(content)
	l.depth = indent / 2
	switch {
	case strings.ContainsRune(raw, '\t'):
		p.fail(num, "tab: indent with two spaces, escape it as \\t in a quoted string")
	case indent%2 != 0:
		p.fail(num, "indented by %d spaces: a generation is two", indent)
	case l.depth >= len(p.stack):
		p.fail(num, "indented by %d spaces: the line above allows at most %d",
			indent, 2*(len(p.stack)-1))
	default:
		p.add(l, content)
	}
}

func (p *sectionParser) add(l *line, content string) {
	parent := p.stack[l.depth]
	switch {
	case content == "...":
		p.stack = p.stack[:l.depth+1]
		if parent.open {
			p.fail(l.num, "a second ... below the same parent")
		}
		parent.open, parent.openLine, parent.openAt = true, l, len(parent.children)
		return
	case content == "none" && l.depth == 0:
		p.stack = p.stack[:1]
		p.s.none = true
		p.lead = l.lead
		return
	}
	if err := l.parse(content); err != nil {
		p.fail(l.num, "%s", err)
	}
	n := &node{line: l, section: p.s}
	parent.children = append(parent.children, n)
	p.stack = append(p.stack[:l.depth+1], n)
}

// finish checks what can only be seen of the whole section.
func (p *sectionParser) finish() {
	root := p.s.root
	switch {
	case len(p.errs) > 0:
	case p.s.none && (root.open || len(root.children) > 0):
		p.fail(p.s.line, "none must be the only line of its section")
	case p.s.none:
	case root.open && len(root.children) > 0:
		p.fail(root.openLine.num,
			"... at the top of a trace: a section of its own with only ... allows other traces")
	case root.open:
		p.s.any = true
	case len(root.children) == 0:
		p.fail(p.s.line, "empty trace: want at least one span, or ..., or none")
	}
}

// parse reads a span's line without its indentation.
func (l *line) parse(content string) error {
	service, rest, err := cutWord(content)
	if err != nil {
		return err
	}
	kind, rest, _ := strings.Cut(rest, " ")
	l.service, l.kind = service, kind
	if rest == "" || rest[0] == ' ' {
		return fmt.Errorf("want \"service kind name\" with one space between them, got %s",
			shorten(content))
	}
	if !slices.Contains(kinds(), kind) {
		return fmt.Errorf("span kind %s: want %s", shorten(kind), strings.Join(kinds(), ", "))
	}
	if rest, err = l.cutName(rest); err != nil {
		return err
	}
	return l.parseAsserts(rest)
}

func kinds() []string {
	return []string{"internal", "server", "client", "producer", "consumer", "unspecified"}
}

// cutWord takes the service off the front of a line; it is quoted when it holds spaces.
func cutWord(s string) (word, rest string, err error) {
	if s[0] != '"' {
		word, rest, _ = strings.Cut(s, " ")
		return word, rest, nil
	}
	quoted, rest, err := quotedPrefix(s)
	if err != nil {
		return "", "", err
	}
	word, err = unquoteLiteral(quoted)
	return word, strings.TrimPrefix(rest, " "), err
}

// cutName takes the span's name off the front of rest.
func (l *line) cutName(rest string) (string, error) {
	if rest[0] != '"' {
		name, asserts, _ := strings.Cut(rest, "  ")
		if !plainName(name) {
			return "", fmt.Errorf("span name %s: put two spaces before assertions, "+
				"or quote the name", shorten(name))
		}
		l.name = name
		return asserts, nil
	}
	quoted, asserts, err := quotedPrefix(rest)
	if err != nil {
		return "", err
	}
	if asserts != "" && !strings.HasPrefix(asserts, "  ") {
		return "", fmt.Errorf("want two spaces after the name %s", shorten(quoted))
	}
	l.name, err = unquoteLiteral(quoted)
	return asserts, err
}

// plainName says whether a name can stand without quotes. A name with a word like an assertion
// cannot: it is almost always a line with one space too few.
func plainName(name string) bool {
	for word := range strings.SplitSeq(name, " ") {
		if !plainWord(word) || word[0] == '@' || word[0] == '#' || word == "nolink" {
			return false
		}
		key, _, found := strings.Cut(word, "=")
		if found && (isField(key) || strings.ContainsAny(key, ".(")) {
			return false
		}
		if strings.HasPrefix(word, "event(") {
			return false
		}
	}
	return true
}
