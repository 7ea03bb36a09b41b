package tracetree

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text is a value with references to variables in it.
type text []piece

// piece is literal text, or the name of a variable.
type piece struct{ literal, ref string }

// refPattern is what may be a variable.
var refPattern = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9_-]*\}`)

// parseText splits s at its references.
func parseText(s string) text {
	var t text
	for s != "" {
		at := refPattern.FindStringIndex(s)
		if at == nil {
			return t.add(s)
		}
		t = append(t.add(s[:at[0]]), piece{ref: s[at[0]+1 : at[1]-1]})
		s = s[at[1]:]
	}
	return t
}

func (t text) add(literal string) text {
	if literal == "" {
		return t
	}
	if n := len(t); n > 0 && t[n-1].ref == "" {
		t[n-1].literal += literal
		return t
	}
	return append(t, piece{literal: literal})
}

// fill replaces references. A variable without a value stays as it was written.
func (t text) fill(vars map[string]string) string {
	var b strings.Builder
	for _, p := range t {
		if p.ref == "" {
			b.WriteString(p.literal)
		} else if v, ok := vars[p.ref]; ok {
			b.WriteString(v)
		} else {
			b.WriteString("{" + p.ref + "}")
		}
	}
	return b.String()
}

// quotedPrefix returns the quoted string that s begins with and what follows it.
func quotedPrefix(s string) (quoted, rest string, err error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i+1], s[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("string %s has no closing quote", shorten(s))
}

// unquote reads a quoted string. Escapes are literal, so \x7b is a brace that begins no reference.
func unquote(quoted string) (text, error) {
	var t text
	s := quoted[1 : len(quoted)-1]
	for s != "" {
		if at := refPattern.FindStringIndex(s); at != nil && at[0] == 0 {
			t = append(t, piece{ref: s[1 : at[1]-1]})
			s = s[at[1]:]
			continue
		}
		r, multibyte, rest, err := strconv.UnquoteChar(s, '"')
		if err != nil {
			return nil, fmt.Errorf("string %s is not in Go's syntax", shorten(quoted))
		}
		if r < utf8.RuneSelf || multibyte {
			t = t.add(string(r))
		} else {
			t = t.add(string([]byte{byte(r)}))
		}
		s = rest
	}
	return t, nil
}

// unquoteLiteral reads a quoted string in which braces mean nothing.
func unquoteLiteral(quoted string) (string, error) {
	t, err := unquote(quoted)
	if err != nil {
		return "", err
	}
	return t.fill(nil), nil
}

// quote is the inverse of unquote.
func quote(s string) string {
	return strings.ReplaceAll(strconv.Quote(s), "{", `\x7b`)
}

// quoteValue quotes s unless it reads back as itself without.
func quoteValue(s string) string {
	if s == "" || s == "*" || s == "unresolved" || s[0] == '@' || !plainWord(s) ||
		refPattern.MatchString(s) {
		return quote(s)
	}
	return s
}

// plainWord says whether s is visible text without spaces and quotes.
func plainWord(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == ' ' || r == '"' || r == '\\' || !strconv.IsPrint(r) {
			return false
		}
	}
	return s != ""
}

// shorten keeps messages readable; input may be megabytes.
func shorten(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}
