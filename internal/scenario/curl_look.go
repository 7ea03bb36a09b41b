package scenario

import (
	"fmt"
	"regexp"
	"strings"
)

// act writes what looks at the answer.
func (s *script) act(a act) {
	if a.kind == actStatus {
		s.printf("want status \"$STATUS\" %s\n", a.value)
		return
	}
	get, ok := a.source.shell()
	switch {
	case a.kind == actLet && !ok:
		s.errs = append(s.errs, &Error{File: s.sc.File, Line: a.num,
			Msg: fmt.Sprintf("let %s = %s: sed cannot get at it", a.name, a.source.text)})
	case a.kind == actLet:
		s.define(a.name)
		s.printf("%s=$(%s)\nwanted %s \"${%[1]s}\"\n", s.vars[a.name], get, shellQuote(a.source.text))
	case !ok || strings.HasPrefix(a.value, "{") && !refPattern.MatchString(a.value) ||
		strings.HasPrefix(a.value, "["):
		s.printf("# not checked here: line %d, %s\n", a.num, a.source.text)
	case a.kind == actPresent:
		s.printf("wanted %s \"$(%s)\"\n", shellQuote(a.source.text), get)
	case a.kind == actAbsent:
		s.printf("want %s \"$(%s)\" ''\n", shellQuote(a.source.text), get)
	case a.kind == actDiffers:
		s.printf("differ %s \"$(%s)\" %s\n", shellQuote(a.source.text), get, s.word(a.value))
	default:
		s.printf("want %s \"$(%s)\" %s\n", shellQuote(a.source.text), get, s.word(a.value))
	}
}

// shell returns a command that prints the source; ok is false when sed cannot find it.
func (s source) shell() (command string, ok bool) {
	switch s.kind {
	case fromStatus:
		return `echo "$STATUS"`, true
	case fromBody:
		return `cat "$DIR/body"`, true
	case fromHeader:
		return "header " + s.header, true
	case fromTraceparent:
		return "served", true
	case fromTraceID:
		return `served | sed 's/^00-\([0-9a-f]*\)-.*/\1/'`, true
	}
	command = "json"
	for i, p := range s.path {
		name, isName := p.(string)
		switch last := i == len(s.path)-1; {
		case !isName && p != 0, !isName && (i == 0 || last), isName && !plainName.MatchString(name):
			return "", false
		case !isName:
			command += " | first"
		case last:
			command += " | member " + name
		default:
			command += " | inside " + name
		}
	}
	return command, true
}

// plainName is a member's name that means nothing to sed or the shell.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
