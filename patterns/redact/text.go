package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// emails replaces addresses: what is around an @ up to what delimits words, with a
// domain that has a point in it (RFC 5322, section 3.4.1, as people write it). The
// letters may be any alphabet's.
func emails(s string) string {
	var b strings.Builder
	done := 0
	for i := strings.IndexByte(s, '@'); i >= 0; i = next(s, '@', i) {
		from := i
		for from > done {
			c, size := utf8.DecodeLastRuneInString(s[done:from])
			if delimits(c) {
				break
			}
			from -= size
		}
		to := i + 1
		for to < len(s) {
			c, size := utf8.DecodeRuneInString(s[to:])
			if c != '.' && c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
				break
			}
			to += size
		}
		domain := strings.TrimRight(s[i+1:to], ".-")
		if from == i || strings.IndexByte(domain, '.') <= 0 {
			continue
		}
		_, _ = b.WriteString(s[done:from])
		_, _ = b.WriteString("[email]")
		done = i + 1 + len(domain)
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// next is the index of c in s behind i, or -1.
func next(s string, c byte, i int) int {
	if at := strings.IndexByte(s[i+1:], c); at >= 0 {
		return i + 1 + at
	}
	return -1
}

func delimits(c rune) bool {
	return c <= ' ' || c == utf8.RuneError || unicode.IsSpace(c) ||
		strings.ContainsRune("\"'`<>()[]{},;:=&?/\\|@%", c)
}

// userinfo replaces the user and password of a URL (RFC 3986, section 3.2.1), and of
// what looks like the rest of one: ada:secret@host.
func userinfo(s string) string {
	for i := strings.IndexByte(s, '@'); i >= 0; i = next(s, '@', i) {
		from := i
		for from > 0 && strings.IndexByte(" \t\r\n\"'<>?#/", s[from-1]) < 0 {
			from--
		}
		behind := strings.HasPrefix(s[:from], "//") || strings.HasSuffix(s[:from], "//")
		if s[from:i] == Redacted || from == i || !behind && !pair(s[from:i]) {
			continue
		}
		s = s[:from] + Redacted + s[i:]
		i = from + len(Redacted)
	}
	return s
}

// pair reports whether s is a user and a password. What has a blank or bracket in it is not.
func pair(s string) bool {
	user, password, ok := strings.Cut(s, ":")
	return ok && user != "" && password != "" && !strings.ContainsAny(s, "[]=,;&")
}

// credentials replaces what follows the name of a scheme of HTTP authentication (RFC
// 9110, section 11.1).
func credentials(s string) string {
	for _, scheme := range [...]string{"bearer", "basic"} {
		for i := 0; ; {
			at := indexFold(s[i:], scheme)
			if at < 0 {
				break
			}
			from := i + at
			i = from + len(scheme)
			value := i
			for value < len(s) && strings.IndexByte(" \t\r\n+", s[value]) >= 0 {
				value++
			}
			end := value
			for end < len(s) && (runs(s[end]) || strings.IndexByte(".~=", s[end]) >= 0) {
				end++
			}
			if value == i || end-value < 6 || from > 0 && (letter(s[from-1]) || digit(s[from-1])) {
				continue
			}
			s = s[:from] + "[token]" + s[end:]
			i = from + len("[token]")
		}
	}
	return s
}

// indexFold is strings.Index for a lower-case word in any case.
func indexFold(s, word string) int {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}
