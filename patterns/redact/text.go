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
// what looks like the rest of one: ada:secret@host. The last @ of a word ends it, as it
// does for browsers. Each byte is read a fixed number of times, also in a text of nothing
// but @.
func userinfo(s string) string {
	var b strings.Builder
	done := 0
	for from := 0; from < len(s); {
		end := len(s)
		if i := strings.IndexAny(s[from:], " \t\r\n\"'<>?#/"); i >= 0 {
			end = from + i
		}
		word := s[from:end]
		if !strings.HasPrefix(s[:from], "//") && !strings.HasSuffix(s[:from], "//") {
			word = pair(word)
		}
		if at := strings.LastIndexByte(word, '@'); at > 0 {
			_, _ = b.WriteString(s[done:from])
			_, _ = b.WriteString(Redacted)
			done = from + at
		}
		from = end + 1
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// pair returns what word begins with, if that is a user and a password, up to the last @
// and what follows it; else nothing. What has a bracket or a separator in it is neither.
func pair(word string) string {
	if i := strings.IndexAny(word, "[]=,;&"); i >= 0 {
		word = word[:i]
	}
	colon := strings.IndexByte(word, ':')
	if colon < 1 || strings.LastIndexByte(word, '@') <= colon+1 {
		return ""
	}
	return word
}

// credentials replaces what follows the name of a scheme of HTTP authentication (RFC
// 9110, section 11.1).
func credentials(s string) string {
	for _, scheme := range [...]string{"bearer", "basic"} {
		s = tokens(s, scheme)
	}
	return s
}

func tokens(s, scheme string) string {
	var b strings.Builder
	done := 0
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
		_, _ = b.WriteString(s[done:from])
		_, _ = b.WriteString("[token]")
		done, i = end, end
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
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
