package tracetree

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// isField says whether an unquoted key means a field of the span rather than an attribute.
func isField(key string) bool {
	switch key {
	case "status", "message", "flags", "trace", "parent", "tracestate", "scope":
		return true
	}
	return false
}

// optional says which fields a span may lack. Every span has a status and a trace.
func optional(field string) bool { return field == "tracestate" || field == "message" }

// bracesAreLiteral lists the attributes whose values are templates with braces of their own.
func bracesAreLiteral(key string) bool { return key == "http.route" || key == "url.template" }

var (
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	flagsPattern = regexp.MustCompile(`^[0-9a-f]{2}$`)
)

func (l *line) parseAsserts(s string) error {
	for {
		s = strings.TrimLeft(s, " ")
		if s == "" {
			return l.checkAsserts()
		}
		if s[0] == '#' {
			l.comment = s
			return l.checkAsserts()
		}
		word, rest, err := cutAssertion(s)
		if err != nil {
			return err
		}
		a, err := parseAssertion(word)
		if err != nil {
			return err
		}
		a.src = word
		l.asserts = append(l.asserts, a)
		s = rest
	}
}

// cutAssertion takes one word off s; a quoted part of it may hold spaces.
func cutAssertion(s string) (word, rest string, err error) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			return s[:i], s[i:], nil
		case '"':
			quoted, _, err := quotedPrefix(s[i:])
			if err != nil {
				return "", "", err
			}
			i += len(quoted) - 1
		}
	}
	return s, "", nil
}

func parseAssertion(word string) (assertion, error) {
	switch word {
	case "nolink":
		return assertion{op: opNoLink}, nil
	case "root":
		return assertion{op: opRoot}, nil
	case "remote":
		return assertion{op: opRemote}, nil
	case "local":
		return assertion{op: opLocal}, nil
	case "orphan":
		return assertion{op: opOrphan}, nil
	case "within":
		return assertion{op: opWithin}, nil
	case "after":
		return assertion{op: opAfter}, nil
	case "early":
		return assertion{op: opEarly}, nil
	}
	switch {
	case word[0] == '@':
		label, err := parseLabel(word)
		return assertion{op: opLabel, key: label}, err
	case word[0] == '!':
		return parseAbsent(word)
	case strings.HasPrefix(word, "event("):
		return parseEvent(word)
	case strings.HasPrefix(word, "link("):
		return parseLink(word)
	case strings.HasPrefix(word, "trace!="):
		t, err := parseTarget(word[len("trace!="):])
		if err == nil && t.label == "" {
			err = fmt.Errorf("%s: want trace!=@label", shorten(word))
		}
		return assertion{op: opOther, target: t}, err
	}
	return parseAttribute(word)
}

func parseLabel(word string) (string, error) {
	if label := word[1:]; labelPattern.MatchString(label) {
		return label, nil
	}
	return "", fmt.Errorf("label %s: want @ and letters, digits, - or _", shorten(word))
}

func parseAbsent(word string) (assertion, error) {
	key, field, rest, err := cutKey(word[1:])
	if err == nil && (rest != "" || word == "!" || field && !optional(key)) {
		err = fmt.Errorf("assertion %s: want !key of an attribute, !tracestate or !message",
			shorten(word))
	}
	return assertion{op: opAbsent, key: key, field: field}, err
}

// cutKey takes an attribute's key off the front of s, up to "=".
func cutKey(s string) (key string, field bool, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		quoted, rest, err := quotedPrefix(s)
		if err != nil {
			return "", false, "", err
		}
		key, err = unquoteLiteral(quoted)
		return key, false, rest, err
	}
	i := strings.IndexByte(s, '=')
	if i < 0 {
		i = len(s)
	}
	if strings.ContainsAny(s[:i], `"()`) {
		return "", false, "", fmt.Errorf("unknown assertion %s", shorten(s))
	}
	return s[:i], isField(s[:i]), s[i:], nil
}

func parseAttribute(word string) (assertion, error) {
	key, field, rest, err := cutKey(word)
	if err != nil {
		return assertion{}, err
	}
	value, found := strings.CutPrefix(rest, "=")
	if !found || (key == "" && word[0] != '"') {
		return assertion{}, fmt.Errorf("unknown assertion %s", shorten(word))
	}
	a := assertion{op: opEqual, key: key, field: field}
	switch {
	case value == "*":
		a.op = opPresent
		return a, nil
	case key == "trace" && field && strings.HasPrefix(value, "@"):
		a.op = opSame
		a.target, err = parseTarget(value)
		return a, err
	}
	if a.value, err = parseValue(value); err != nil {
		return a, err
	}
	if bracesAreLiteral(key) {
		a.value = text{}.add(a.value.fill(nil))
	}
	if key == "flags" && field && !flagsPattern.MatchString(value) {
		return a, fmt.Errorf("flags %s: want two lower-case hex digits", shorten(value))
	}
	if key == "status" && field && !slices.Contains([]string{"error", "ok", "unset"}, value) {
		return a, fmt.Errorf("status %s: want error, ok or unset", shorten(value))
	}
	return a, nil
}

func parseValue(s string) (text, error) {
	switch {
	case s == "":
		return nil, fmt.Errorf(`empty value: write ""`)
	case s[0] == '@':
		return nil, fmt.Errorf("value %s: only link and trace take a label, quote it otherwise",
			shorten(s))
	case s[0] != '"' && !strings.Contains(s, `"`):
		return parseText(s), nil
	case s[0] != '"':
		return nil, fmt.Errorf("value %s: quote all of it or nothing", shorten(s))
	}
	quoted, rest, err := quotedPrefix(s)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("value %s: text after the closing quote", shorten(s))
	}
	return unquote(quoted)
}

func parseEvent(word string) (assertion, error) {
	name, rest, err := cutParens(word[len("event("):])
	if err == nil && rest != "" {
		err = fmt.Errorf("assertion %s: text after the parenthesis", shorten(word))
	}
	return assertion{op: opEvent, key: name}, err
}

// cutParens reads a name, quoted or not, up to its closing parenthesis.
func cutParens(s string) (name, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		quoted, rest, err := quotedPrefix(s)
		if err != nil {
			return "", "", err
		}
		if name, err = unquoteLiteral(quoted); err != nil {
			return "", "", err
		}
		after, ok := strings.CutPrefix(rest, ")")
		if !ok {
			return "", "", fmt.Errorf("want ) after %s", shorten(quoted))
		}
		return name, after, nil
	}
	name, rest, ok := strings.Cut(s, ")")
	if !ok || name == "" || strings.Contains(name, `"`) {
		return "", "", fmt.Errorf("want a name and ), got %s", shorten(s))
	}
	return name, rest, nil
}

func parseLink(word string) (assertion, error) {
	typ, rest, err := cutParens(word[len("link("):])
	if err != nil {
		return assertion{}, err
	}
	value, ok := strings.CutPrefix(rest, "=")
	if !ok {
		return assertion{}, fmt.Errorf("assertion %s: want link(TYPE)=@label, ={var}, "+
			"=unresolved or =*", shorten(word))
	}
	t, err := parseTarget(value)
	return assertion{op: opLink, key: typ, target: t}, err
}

func parseTarget(s string) (target, error) {
	switch {
	case s == "*":
		return target{any: true}, nil
	case s == "unresolved":
		return target{unresolved: true}, nil
	case strings.HasPrefix(s, "@"):
		label, err := parseLabel(s)
		return target{label: label}, err
	}
	v, err := parseValue(s)
	return target{id: v}, err
}
