package redact

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
)

// What surrounds a secret does not save it, and what is clean stays as it is.
func FuzzText(f *testing.F) {
	f.Add("paid with ", " today")
	f.Add("https://u:p@h/a%20b?x=1&y#", "&z")
	f.Add("4111-1111 ", "-5500005555555559")
	f.Add("Bearer eyJ", ".a.b")
	f.Add("Cookie: \\\"", "\\u00")
	r := New(Rules{Query: []string{"x"}})
	f.Fuzz(func(t *testing.T, before, after string) {
		text := r.Text(before + " " + email + " " + after)
		if strings.Contains(text, "canary") {
			t.Errorf("e-mail left in %q", text)
		}
		if once := cards(before); cards(once) != once && !strings.Contains(before, "[card]") {
			t.Errorf("cards(%q) = %q is not clean", before, once)
		}
		_ = r.Attribute(attribute.String(before, after))
	})
}

// What is encoded does not come through, whatever is around it.
func FuzzEncoded(f *testing.F) {
	f.Add("token/", ",")
	f.Add("%", "%4")
	f.Add("AAAA", "\\u004")
	r := New(Rules{})
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, encode := range []func(string) string{
			url.PathEscape,
			func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		} {
			secret := encode(email)
			if text := r.Text(before + " " + secret + " " + after); strings.Contains(text, secret) {
				t.Errorf("%q left in %q", secret, text)
			}
		}
		_ = unescape(before)
		_ = r.runs(after)
	})
}

// Parts of URLs and headers are anything.
func FuzzURL(f *testing.F) {
	f.Add("http://h/a?b=c#d")
	f.Add("//u:p@[::1]:1/%zz?;&=")
	f.Add("curl/8 (x) y/1")
	f.Add("a=1,b=2;c,,=")
	r := New(Rules{Query: []string{"x"}})
	f.Fuzz(func(t *testing.T, s string) {
		for name, clean := range map[string]func(string) string{
			"URL": r.URL, "Query": r.Query, "Path": r.Path, "UserAgent": r.UserAgent, "Members": r.Members,
		} {
			in := s + "," + "mail=" + email
			if name == "UserAgent" {
				in = s + " " + email + "/1"
			}
			if got := clean(in); strings.Contains(got, "canary") {
				t.Errorf("%s(%q) = %q", name, in, got)
			}
		}
	})
}
