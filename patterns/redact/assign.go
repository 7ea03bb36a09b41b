package redact

import "strings"

// canonical is a key without what differs from one spelling to the next: apiKey, api_key, API-Key.
func canonical(key string) string {
	plain := true
	for i := range len(key) {
		if c := key[i]; c == '-' || c == '_' || 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return key
	}
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

// secret reports whether a key names a secret: the whole of it, or what is behind its last point.
func (r *Redactor) secret(key string) bool {
	last := key[strings.LastIndexByte(key, '.')+1:]
	if r.keys[canonical(key)] || r.keys[canonical(last)] {
		return true
	}
	last = canonical(strings.TrimRight(last, "]"))
	for _, name := range [...]string{
		"password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey",
		"privatekey", "secretkey", "cookie", "authorization", "credential", "credentials",
		"sessionid", "signature",
	} {
		if strings.HasSuffix(last, name) {
			return true
		}
	}
	return last == "session" || last == "sid" || last == "auth" || last == "sig"
}

// assignments replaces the values of key=value and key: value, with or without quotes, where the key
// names a secret. What is a header goes to the end of its line: cookies have blanks and semicolons.
func (r *Redactor) assignments(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] != '=' && s[i] != ':' {
			continue
		}
		key := keyBefore(s[:i])
		if key == "" || !r.secret(key) {
			continue
		}
		from, to := valueAfter(s, i+1, header(key))
		if value := s[from:to]; value == "" || value[0] == '[' || value == Redacted {
			continue
		}
		s = s[:from] + Redacted + s[to:]
		i = from + len(Redacted) - 1
	}
	return s
}

// header reports whether a key is the name of a header whose value is a list.
func header(key string) bool {
	key = canonical(key)
	return strings.HasSuffix(key, "authorization") || strings.HasSuffix(key, "cookie")
}

// keyBefore is the word at the end of s, behind which blanks and a quote may be.
func keyBefore(s string) string {
	s = strings.TrimRight(s, " \t")
	s = strings.TrimRight(s, `"'\`)
	from := len(s)
	for from > 0 {
		if c := s[from-1]; !letter(c) && !digit(c) && strings.IndexByte("-_.[]", c) < 0 {
			break
		}
		from--
	}
	return s[from:]
}

// valueAfter is where the value from i on begins and ends.
func valueAfter(s string, i int, toEndOfLine bool) (from, to int) {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	ends := " \t\r\n\"'`,;&<>)}]\\"
	if toEndOfLine {
		ends = "\r\n"
	}
	from = i
	for i < len(s) && s[i] == '\\' { // a quote inside of a quoted text
		i++
	}
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		ends = s[from:i+1] + "\r\n" // with the backslashes, if there are any
		i++
	} else if toEndOfLine {
		ends += `"`
	}
	n := strings.IndexAny(s[i:], ends)
	if n < 0 {
		n = len(s) - i
	}
	return i, i + n
}
