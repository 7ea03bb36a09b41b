package audit

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

func wrappings() map[string]func(string) string {
	later := func(n int) func(string) string {
		return func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("~", n) + s + " and more"))
		}
	}
	each := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, c := range []byte(s) {
				fmt.Fprintf(&b, format, c)
			}
			return b.String()
		}
	}
	return map[string]func(string) string{
		"plain":           same,
		"inside":          func(s string) string { return "xx " + s + "yy" },
		"UTF-16":          each("%c\x00"),
		"percent":         url.QueryEscape,
		"percent of all":  each("%%%02x"),
		"percent twice":   func(s string) string { return url.PathEscape(url.PathEscape(s)) },
		"JSON":            each(`\u%04x`),
		"Go bytes":        each(`\x%02x`),
		"list":            func(s string) string { return fmt.Sprint([]byte(s)) },
		"quoted":          func(s string) string { q, _ := json.Marshal(s); return string(q) },
		"HTML":            func(s string) string { return html.EscapeString(strings.ReplaceAll(s, "@", "&#64;")) },
		"base64 0":        later(0),
		"base64 1":        later(1),
		"base64 2":        later(2),
		"base64 in word":  func(s string) string { return "key/" + later(0)(s) },
		"base64 of lines": func(s string) string { return later(0)(s)[:8] + "\n" + later(0)(s)[8:] },
		"base64url":       func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"hex":             func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":             func(s string) string { return "x=" + strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"base64 twice":    func(s string) string { return later(0)(later(0)(s)) },
		"percent base64":  func(s string) string { return url.QueryEscape(later(1)(s)) },
		"hex of JSON":     func(s string) string { return hex.EncodeToString([]byte(`{"a":"` + s + `"}`)) },
	}
}

func TestEveryKindIsFoundInEveryEncoding(t *testing.T) {
	t.Parallel()
	f := newFlock()
	for _, k := range append(kinds(), opaque(), token()) {
		other := f.plant(k, "elsewhere")
		c := f.plant(k, "here")
		for name, wrap := range wrappings() {
			hits := f.find(wrap(c.Value))
			if len(hits) != 1 || hits[0].canary != c {
				t.Errorf("%s, %s: %q has %v, want one hit of %q (not of %q)",
					k.name, name, wrap(c.Value), hits, c.Value, other.Value)
			}
		}
		if k.card == "" {
			if len(f.find(strings.ToUpper(c.core))) != 1 || len(f.find(c.core[:len(marker)+idLength])) != 1 {
				t.Errorf("%s: not found in capitals, or cut off", k.name)
			}
		} else if len(f.find(grouped(" - ")(c.card))) != 1 || len(f.find(grouped("")(c.card))) != 1 {
			t.Errorf("%s: not found with other separators", k.name)
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	f := newFlock()
	for _, k := range kinds() {
		f.plant(k, "here")
	}
	for _, text := range []string{"", "cnry", "cnryaaaaaaa", "4111111111111111", strings.Repeat("Ab1+", 500),
		"\\u00", "%", "%4", "&#;", "\\", "\xff\xfe", strings.Repeat("\\x41", 50)} {
		if hits := f.find(text); len(hits) > 0 {
			t.Errorf("%.40q has %v", text, hits[0].canary)
		}
	}
}

func TestCanariesDiffer(t *testing.T) {
	t.Parallel()
	f := newFlock()
	seen := map[string]bool{}
	for i := range 200 {
		for _, k := range kinds() {
			c := f.plant(k, fmt.Sprint(i))
			if seen[c.Value] || k.card != "" && !luhn(c.card) {
				t.Fatalf("%s: %q is there twice, or no card", k.name, c.Value)
			}
			seen[c.Value] = true
			if f.plant(k, fmt.Sprint(i)) != c {
				t.Fatal("the same place has two canaries")
			}
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("%41", "\\u0041")
	f.Add("&#64", "QUJD\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		flock := newFlock()
		c := flock.plant(opaque(), "here")
		if hits := flock.find(before + " " + c.Value + " " + after); len(hits) != 1 {
			t.Errorf("%d hits between %q and %q, want 1", len(hits), before, after)
		}
	})
}
