package redact

import (
	"encoding/base64"
	stdhex "encoding/hex"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape undoes one layer of percent-encoding, of escapes as JSON and Go have them, and of HTML's
// entities. What is not a valid escape stays.
func unescape(s string) string {
	if strings.IndexByte(s, '&') >= 0 && strings.IndexByte(s, ';') >= 0 {
		s = html.UnescapeString(s)
	}
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		text, width := escape(s[i:])
		_, _ = b.WriteString(text)
		i += width
	}
	return b.String()
}

// escape decodes what s begins with: an escape, or a byte.
func escape(s string) (text string, width int) {
	code := func(from, to, bits int) (uint64, bool) {
		if len(s) < to {
			return 0, false
		}
		n, err := strconv.ParseUint(s[from:to], 16, bits)
		return n, err == nil
	}
	switch {
	case s[0] == '%':
		if n, ok := code(1, 3, 8); ok {
			return string([]byte{byte(n)}), 3
		}
	case s[0] != '\\' || len(s) < 2:
	case s[1] == 'x':
		if n, ok := code(2, 4, 8); ok {
			return string([]byte{byte(n)}), 4
		}
	case s[1] == 'u':
		if n, ok := code(2, 6, 16); ok {
			return string(utf8.AppendRune(nil, rune(n))), 6
		}
	case strings.IndexByte(`"'\/`, s[1]) >= 0:
		return s[1:2], 2
	}
	return s[:1], 1
}

// runs replaces long runs of base64 and hexadecimal that hold what would be replaced if it were
// plain.
func (r *Redactor) runs(s string) string {
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && runs(s[end]) {
			end++
		}
		if end-i < minRun || !r.hides(s[i:end]) {
			i = max(end, i+1)
			continue
		}
		for end < len(s) && s[end] == '=' {
			end++
		}
		s = s[:i] + "[encoded]" + s[end:]
		i += len("[encoded]")
	}
	return s
}

// hides reports whether a run, from its first characters or from where a word before it may have
// ended, decodes to something that would be replaced.
func (r *Redactor) hides(run string) bool {
	upper := false
	for i := range len(run) {
		upper = upper || 'A' <= run[i] && run[i] <= 'Z'
	}
	if len(run) >= 2*minDigits && r.hexHides(run) {
		return true
	}
	if !upper {
		return false // as text in base64 always has; ids and words mostly have not
	}
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	for offset := range 4 {
		part := run[offset:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		if plain, err := base64.RawStdEncoding.DecodeString(part); err == nil && r.found(plain) {
			return true
		}
	}
	return false
}

// hexHides looks into the longest run of hexadecimal digits.
func (r *Redactor) hexHides(run string) bool {
	for i := 0; i < len(run); {
		end := i
		for end < len(run) && hex(run[end]) {
			end++
		}
		for offset := range 2 {
			if part := run[min(i+offset, end):end]; len(part) >= 2*minDigits {
				plain, err := stdhex.DecodeString(part[:len(part)/2*2])
				if err == nil && r.found(plain) {
					return true
				}
			}
		}
		i = end + 1
	}
	return false
}

// cutEmail reports whether s has an e-mail address in it, of which the end may have been cut off: what
// is encoded is longer than what errors repeat of it.
func cutEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	word := func(c byte) bool { return letter(c) || digit(c) }
	return at > 0 && at+1 < len(s) && word(s[at-1]) && word(s[at+1])
}

// found looks for secrets in what was decoded. If most of it is no text, it was something else.
func (r *Redactor) found(plain []byte) bool {
	text := 0
	for i, c := range plain {
		if c < ' ' || c > '~' {
			plain[i] = ' '
			continue
		}
		text++
	}
	if 2*text < len(plain) {
		return false
	}
	s := string(plain)
	if 10*text >= 9*len(plain) && cutEmail(s) {
		return true
	}
	m := r.read(s)
	m.token = m.token && strings.Contains(s, "eyJ") // one layer of base64 in another, and no more
	m.hex, m.params = false, false
	return r.flat(s, m) != s
}
