package audit

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// decoder undoes one encoding. It returns what a text may have been before, for each way that it
// can be read.
type decoder struct {
	name   string
	decode func(string) []string
}

func decoders() []decoder {
	hexRun := regexp.MustCompile(`[0-9A-Fa-f]{2}(?:[: ]?[0-9A-Fa-f]){20,}`)
	list := regexp.MustCompile(`\d{1,3}(?:[, ]+\d{1,3}){10,}`)
	return []decoder{
		{"percent", percent}, {"escapes", escapes}, {"HTML", entities}, {"base64", base64s},
		{"UTF-16", utf16s},
		{"hexadecimal", func(s string) []string { return hexes(hexRun.FindAllString(s, -1)) }},
		{"list of bytes", func(s string) []string { return bytesIn(list.FindAllString(s, -1)) }},
	}
}

// percent decodes %XX where it can, and + as a blank.
func percent(s string) []string {
	if !strings.Contains(s, "%") {
		return nil
	}
	return []string{replaceEscapes(s, "%")}
}

// escapes decodes \uXXXX, \xXX and what else JSON, JavaScript and Go write.
func escapes(s string) []string {
	if !strings.Contains(s, `\`) {
		return nil
	}
	return []string{replaceEscapes(s, `\`)}
}

func replaceEscapes(s, sign string) string {
	var b strings.Builder
	for len(s) > 0 {
		if !strings.HasPrefix(s, sign) {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		rest, digits := s[1:], 2
		switch {
		case sign == "%":
		case strings.HasPrefix(rest, "u"):
			rest, digits = rest[1:], 4
		case strings.HasPrefix(rest, "x"):
			rest = rest[1:]
		default: // a quote, a stroke
			s = rest
			continue
		}
		if len(rest) < digits {
			b.WriteString(s)
			break
		}
		n, err := strconv.ParseUint(rest[:digits], 16, 16)
		switch {
		case err != nil:
			b.WriteByte(s[0])
			s = s[1:]
			continue
		case digits == 2:
			b.WriteByte(byte(n))
		default:
			b.WriteRune(rune(n))
		}
		s = rest[digits:]
	}
	return b.String()
}

// utf16s leaves out the zeros that stand between ASCII letters in UTF-16, of either order.
func utf16s(s string) []string {
	if !strings.Contains(s, "\x00") {
		return nil
	}
	return []string{strings.ReplaceAll(s, "\x00", "")}
}

func entities(s string) []string {
	if !strings.Contains(s, "&") {
		return nil
	}
	return []string{html.UnescapeString(s)}
}

// base64s decodes every long run of base64 or base64url, from its first four characters on: a run
// may begin with something else, and all three alignments are among them.
func base64s(s string) []string {
	var out []string
	s = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "", "=", " ").Replace(s)
	for _, run := range strings.FieldsFunc(s, func(c rune) bool { return !in64(c) }) {
		if len(run) < 12 {
			continue
		}
		for offset := range 4 {
			part := run[offset:]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			if plain, err := base64.RawStdEncoding.DecodeString(part); err == nil && textual(plain) {
				out = append(out, string(plain))
			}
		}
	}
	return out
}

func in64(c rune) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// textual reports whether enough of what was decoded is text to have a canary in it.
func textual(plain []byte) bool {
	run, longest := 0, 0
	for _, c := range plain {
		if c < ' ' || c > '~' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest >= len(marker)+idLength
}

// hexes decodes runs of hexadecimal digits, colons and blanks between pairs left out.
func hexes(runs []string) []string {
	var out []string
	for _, run := range runs {
		run = strings.NewReplacer(":", "", " ", "").Replace(run)
		for offset := range 2 {
			part := run[offset:]
			if plain, err := hex.DecodeString(part[:len(part)/2*2]); err == nil && textual(plain) {
				out = append(out, string(plain))
			}
		}
	}
	return out
}

// bytesIn decodes [99 110 114], which is how Go prints bytes, and [99,110,114].
func bytesIn(lists []string) []string {
	var out []string
	for _, list := range lists {
		var plain []byte
		for _, number := range strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' }) {
			n, err := strconv.ParseUint(number, 10, 8)
			if err != nil {
				break
			}
			plain = append(plain, byte(n))
		}
		if textual(plain) {
			out = append(out, string(plain))
		}
	}
	return out
}
