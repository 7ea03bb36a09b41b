package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxRepeat = 1000
	maxBody   = 64 << 20
)

var (
	requestPattern = regexp.MustCompile(`^([A-Z]+) ([^\s/]\S*) (/.*)$`)
	headerPattern  = regexp.MustCompile("^([!#$%&'*+\\-.^_`|~0-9A-Za-z]+):(.*)$")
	repeatPattern  = regexp.MustCompile(`^@repeat\((.+),([0-9]+)\)$`)
)

// turns parses the steps. It keeps going after a mistake, so that all are reported.
func (p *parser) turns(marker int, data string) {
	lines := split(marker, data)
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		switch {
		case l.text == "" || l.text[0] == '#':
		case l.text[0] == '{' || l.text[0] == '[':
			i = p.jsonBody(lines, i)
		default:
			p.turnLine(l)
		}
	}
	if !slices.ContainsFunc(p.sc.steps, func(s step) bool { return !s.wait }) {
		p.fail(marker, "no turns: want METHOD target /path")
	}
	p.endStep()
}

func (p *parser) turnLine(l textLine) {
	word, rest, _ := strings.Cut(l.text, " ")
	switch {
	case isDirective(l.text):
		p.directive(l, word, strings.TrimSpace(rest))
	case headerPattern.MatchString(l.text):
		p.header(l)
	case requestPattern.MatchString(l.text):
		p.endStep()
		m := requestPattern.FindStringSubmatch(l.text)
		s := step{num: l.num, method: m[1], target: m[2], path: m[3], repeat: 1}
		if strings.ContainsAny(s.path, " \t") {
			p.fail(l.num, "path %q: a space must be written %%20", shorten(s.path))
		}
		p.check(l.num, s.path)
		p.sc.steps = append(p.sc.steps, s)
	case l.text == "wait idle":
		p.endStep()
		p.sc.steps = append(p.sc.steps, step{num: l.num, wait: true})
	default:
		p.fail(l.num, "%q is not a request, header, body or directive", shorten(l.text))
	}
}

// isDirective says whether a line ends a body and looks at the answer, or sets how to send.
func isDirective(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return slices.Contains([]string{"status", "let", "expect", "repeat", "body"}, word)
}

// current returns the request that a line belongs to.
func (p *parser) current(l textLine) (*step, bool) {
	if n := len(p.sc.steps); n > 0 && !p.sc.steps[n-1].wait {
		return &p.sc.steps[n-1], true
	}
	p.fail(l.num, "%q belongs to no request", shorten(l.text))
	return nil, false
}

// endStep checks the request that is complete now.
func (p *parser) endStep() {
	n := len(p.sc.steps)
	if n == 0 || p.sc.steps[n-1].wait {
		return
	}
	if s := p.sc.steps[n-1]; s.status == 0 {
		p.fail(s.num, "%s %s has no status: every request declares the one it wants",
			s.method, shorten(s.path))
	}
}

func (p *parser) header(l textLine) {
	s, ok := p.current(l)
	if !ok {
		return
	}
	if s.body.set || len(s.acts) > 0 {
		p.fail(l.num, "header %q: headers come right below the request", shorten(l.text))
		return
	}
	m := headerPattern.FindStringSubmatch(l.text)
	p.check(l.num, m[2])
	s.header = append(s.header, headerLine{l.num, m[1], strings.TrimSpace(m[2])})
}

// jsonBody takes the lines from i on up to a blank line, a directive or the next request, and
// returns the index of the last of them.
func (p *parser) jsonBody(lines []textLine, i int) int {
	var text []string
	first := lines[i]
	for ; i < len(lines); i++ {
		t := lines[i].text
		if t == "" || isDirective(t) || requestPattern.MatchString(t) {
			break
		}
		text = append(text, t)
	}
	p.setBody(first, body{json: true, text: strings.Join(text, "\n"), times: 1})
	return i - 1
}

func (p *parser) setBody(l textLine, b body) {
	s, ok := p.current(l)
	switch {
	case !ok:
	case s.body.set:
		p.fail(l.num, "a second body for one request")
	case len(s.acts) > 0:
		p.fail(l.num, "the body comes before the directives")
	default:
		b.set = true
		s.body = b
	}
}

func (p *parser) directive(l textLine, word, rest string) {
	if word == "body" {
		p.rawBody(l, rest)
		return
	}
	s, ok := p.current(l)
	if !ok {
		return
	}
	var err error
	switch word {
	case "status":
		err = s.setStatus(l.num, rest)
	case "repeat":
		err = s.setRepeat(rest)
	case "let":
		err = p.let(s, l.num, rest)
	case "expect":
		err = p.expect(s, l.num, rest)
	}
	if err != nil {
		p.fail(l.num, "%s", err)
	}
}

func (s *step) setStatus(num int, rest string) error {
	if s.status != 0 {
		return fmt.Errorf("a second status for one request")
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n < 100 || n > 599 {
		s.status = -1
		return fmt.Errorf("status %q: want a number from 100 to 599", shorten(rest))
	}
	s.status = n
	s.acts = append(s.acts, act{num: num, kind: actStatus, value: rest})
	return nil
}

func (s *step) setRepeat(rest string) error {
	n, err := strconv.Atoi(rest)
	if err != nil || n < 1 || n > maxRepeat {
		return fmt.Errorf("repeat %q: want a number from 1 to %d", shorten(rest), maxRepeat)
	}
	s.repeat = n
	return nil
}

func (p *parser) rawBody(l textLine, rest string) {
	if m := repeatPattern.FindStringSubmatch(rest); m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil || n > maxBody/len(m[1]) {
			p.fail(l.num, "body of %s times %q: want at most 64 MiB", shorten(m[2]), shorten(m[1]))
			return
		}
		p.setBody(l, body{text: m[1], times: n})
		return
	}
	text, err := strconv.Unquote(rest)
	if err != nil {
		p.fail(l.num, "body %s: want a quoted string or @repeat(TEXT,N)", shorten(rest))
		return
	}
	p.setBody(l, body{text: text, times: 1})
}
