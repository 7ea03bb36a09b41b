package redact

import "strings"

// parameters replaces the values of query parameters that are not allowed, in any text.
func (r *Redactor) parameters(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] != '?' && s[i] != '&' {
			continue
		}
		from := i + 1
		n := strings.IndexAny(s[from:], "=&?# \t\r\n\"'<>")
		if n <= 0 || s[from+n] != '=' || r.query[s[from:from+n]] {
			continue
		}
		from += n + 1
		to := len(s)
		if n := strings.IndexAny(s[from:], "&# \t\r\n\"'<>"); n >= 0 {
			to = from + n
		}
		s = s[:from] + Redacted + s[to:]
		i = from + len(Redacted) - 1
	}
	return s
}

// Query returns a URL's query, without the question mark, in which only allowed
// parameters have their values. A parameter without "=" is all value.
func (r *Redactor) Query(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		switch name, _, ok := strings.Cut(part, "="); {
		case r.query[name] || part == "":
		case ok:
			parts[i] = name + "=" + Redacted
		default:
			parts[i] = Redacted
		}
	}
	return r.Text("?" + strings.Join(parts, "&"))[1:]
}

// Path returns a URL's path, in which segments that are not allowed are replaced.
func (r *Redactor) Path(path string) string {
	path = bounded(path)
	clean := r.Text(path)
	if r.segment == nil {
		return clean
	}
	segments := strings.Split(clean, "/")
	changed := false
	for i, segment := range segments {
		if segment == "" || !strings.Contains(path, segment) || r.segment.MatchString(segment) {
			continue // what is not in path has been redacted
		}
		segments[i], changed = Redacted, true
	}
	if !changed {
		return clean
	}
	return strings.Join(segments, "/")
}

// URL returns a URL, absolute or relative, with path and query as in [Redactor.Path]
// and [Redactor.Query], and without user, password and fragment.
func (r *Redactor) URL(s string) string {
	s, _, _ = strings.Cut(s, "#")
	before, query, ok := strings.Cut(s, "?")
	if at := strings.Index(before, "://"); at >= 0 {
		host := at + len("://")
		path := len(before)
		if n := strings.IndexByte(before[host:], '/'); n >= 0 {
			path = host + n
		}
		before = r.Text(before[:path]) + r.Path(before[path:])
	} else {
		before = r.Path(before)
	}
	if !ok {
		return before
	}
	return before + "?" + r.Query(query)
}

// UserAgent returns the products of a User-Agent header with their versions (RFC 9110,
// section 10.1.5). Its comments are free text, and so is what has no number.
func (r *Redactor) UserAgent(s string) string {
	var kept []string
	depth := 0
	for word := range strings.FieldsSeq(s) {
		if depth == 0 && product(word) {
			kept = append(kept, word)
		}
		depth = max(0, depth+strings.Count(word, "(")-strings.Count(word, ")"))
	}
	return r.Text(strings.Join(kept, " "))
}

// product reports whether a word is a name and a number, neither of them long.
func product(word string) bool {
	name, version, ok := strings.Cut(word, "/")
	if !ok || name == "" || len(name) > 32 || version == "" || len(version) > 16 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !letter(c) && !digit(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	for i := range len(version) {
		if c := version[i]; !digit(c) && c != '.' {
			return false
		}
	}
	return true
}
