package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// let parses NAME = SOURCE.
func (p *parser) let(s *step, num int, rest string) error {
	name, from, ok := strings.Cut(rest, " = ")
	if !ok {
		return errors.New("want let NAME = SOURCE")
	}
	if !namePattern.MatchString(name) {
		return fmt.Errorf("variable %q: want a lower-case letter, then letters, digits, - or _",
			shorten(name))
	}
	if _, ok := builtins()[name]; ok {
		return fmt.Errorf("variable %q is built in", name)
	}
	// Known even when its source is wrong: one mistake is one error.
	p.known[name] = true
	src, err := parseSource(from)
	if err != nil {
		return err
	}
	s.acts = append(s.acts, act{num: num, kind: actLet, source: src, name: name})
	return nil
}

// expect parses what stands behind the word expect.
func (p *parser) expect(s *step, num int, rest string) error {
	a := act{num: num}
	from, value, ok := "", "", false
	if from, ok = strings.CutSuffix(rest, " absent"); ok && !strings.ContainsAny(from, " =") {
		a.kind = actAbsent
	} else if from, value, ok = cutOperator(rest, " != "); ok {
		a.kind = actDiffers
	} else if from, value, ok = cutOperator(rest, " = "); ok {
		a.kind = actEqual
	} else {
		return errors.New("want expect SOURCE = VALUE, != VALUE, = * or absent")
	}
	if value == "" && a.kind != actAbsent {
		return errors.New(`no value: write "" for an empty one`)
	}
	var err error
	if a.source, err = parseSource(from); err != nil {
		return err
	}
	if value == "*" && a.kind == actEqual {
		a.kind = actPresent
	}
	if a.value, err = parseValue(value); err != nil {
		return err
	}
	p.check(num, a.value)
	s.acts = append(s.acts, a)
	return nil
}

// cutOperator cuts at the first operator; sources hold no spaces, values may.
func cutOperator(s, operator string) (before, after string, ok bool) {
	before, after, ok = strings.Cut(s+" ", operator)
	return before, strings.TrimSpace(after), ok && !strings.Contains(before, " ")
}

func parseValue(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		return s, nil
	}
	v, err := strconv.Unquote(s)
	if err != nil {
		return "", fmt.Errorf("value %s is not in Go's string syntax", shorten(s))
	}
	return v, nil
}

// source is where a value of an answer is found.
type source struct {
	text   string
	kind   sourceKind
	header string
	path   []any // string for a member, int for an element
}

type sourceKind int

const (
	fromStatus sourceKind = iota
	fromBody
	fromPath
	fromHeader
	fromTraceID
	fromTraceparent
)

func parseSource(s string) (source, error) {
	src := source{text: s}
	switch {
	case s == "status":
		src.kind = fromStatus
	case s == "body":
		src.kind = fromBody
	case s == "response.trace-id":
		src.kind = fromTraceID
	case s == "response.traceparent":
		src.kind = fromTraceparent
	case strings.HasPrefix(s, "header."):
		src.kind, src.header = fromHeader, s[len("header."):]
		if !headerPattern.MatchString(src.header + ":") {
			return src, fmt.Errorf("source %q: want header.Name", shorten(s))
		}
	case strings.HasPrefix(s, "body.") || strings.HasPrefix(s, "body["):
		var err error
		src.kind = fromPath
		src.path, err = parsePath(s[len("body"):])
		return src, err
	default:
		return src, fmt.Errorf("source %q: want status, body, body.path, header.Name, "+
			"response.trace-id or response.traceparent", shorten(s))
	}
	return src, nil
}

// parsePath parses .name and [index], any number of them.
func parsePath(s string) ([]any, error) {
	var path []any
	for rest := s; rest != ""; {
		if index, ok := strings.CutPrefix(rest, "["); ok {
			digits, after, ok := strings.Cut(index, "]")
			n, err := strconv.Atoi(digits)
			if !ok || err != nil || n < 0 {
				return nil, fmt.Errorf("source %q: want [number]", shorten("body"+s))
			}
			path, rest = append(path, n), after
			continue
		}
		name, ok := strings.CutPrefix(rest, ".")
		end := strings.IndexAny(name, ".[")
		if end < 0 {
			end = len(name)
		}
		if !ok || end == 0 || strings.ContainsAny(name[:end], " ]") {
			return nil, fmt.Errorf("source %q: want .name or [number]", shorten("body"+s))
		}
		path, rest = append(path, name[:end]), name[end:]
	}
	return path, nil
}
