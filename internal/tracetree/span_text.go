package tracetree

import (
	"slices"
	"strings"
)

// canonical writes a span for which there is no line: what it cannot do without, and whatever is
// worth telling about it.
func (r *renderer) canonical(a *actual, depth int) string {
	var words []string
	if label := r.labels[a]; label != "" {
		words = append(words, "@"+label)
	}
	words = append(words, r.topWords(a)...)
	words = append(words, r.statusWords(a)...)
	words = append(words, r.attributeWords(a)...)
	words = append(words, r.linkWords(a)...)
	return head(a, depth) + r.tail(a, words, "")
}

// head is everything before the assertions.
func head(a *actual, depth int) string {
	service, name := a.span.Service, a.span.Name
	if !plainWord(service) || service[0] == '#' || strings.HasPrefix(service, "--") {
		service = quote(service)
	}
	if !plainName(name) {
		name = quote(name)
	}
	return strings.Repeat("  ", depth) + service + " " + a.kind() + " " + name
}

func (r *renderer) tail(a *actual, words []string, comment string) string {
	if r.note != nil {
		comment = r.note(a)
	}
	s := strings.Join(words, " ")
	if s != "" {
		s = "  " + s
	}
	if comment != "" {
		s += "  " + comment
	}
	return s
}

// topWords tells apart what stands at the top of a trace.
func (r *renderer) topWords(a *actual) []string {
	switch {
	case !a.orphan:
		return nil
	case a.span.ParentRemote:
		return []string{"orphan", "remote"}
	}
	return []string{"orphan"}
}

// statusWords leave the message out of files: it may hold what differs from run to run. The flags
// are told when there is more to them than the sampling, without which there is no span.
func (r *renderer) statusWords(a *actual) []string {
	var out []string
	if a.span.Status == "error" {
		out = append(out, "status=error")
	}
	if message := a.span.StatusMessage; message != "" && r.ids {
		out = append(out, "message="+quoteValue(message))
	}
	if flags, _ := a.field("flags"); a.span.Flags > 1 {
		out = append(out, "flags="+flags)
	}
	return out
}

func (r *renderer) attributeWords(a *actual) []string {
	var keys []string
	for key := range a.span.Attributes {
		if key == "error.type" || strings.HasPrefix(key, "shop.") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var out []string
	for _, key := range keys {
		value := ValueText(a.span.Attributes[key])
		if told, ok := r.common[key]; ok && told == value {
			continue
		}
		if !r.ids && strings.HasSuffix(key, ".id") && r.names[value] == "" {
			continue
		}
		out = append(out, keyText(key)+"="+r.valueText(key, value))
	}
	return out
}

// valueText prefers the variable that holds the value: an id differs from run to run.
func (r *renderer) valueText(key, value string) string {
	if name := r.names[value]; name != "" && !bracesAreLiteral(key) {
		return "{" + name + "}"
	}
	if bracesAreLiteral(key) && plainWord(value) && value[0] != '@' && value != "*" {
		return value
	}
	return quoteValue(value)
}

// keyText quotes a key that would read as something else.
func keyText(key string) string {
	if !plainWord(key) || isField(key) || key[0] == '@' || key[0] == '!' || key[0] == '#' ||
		strings.ContainsAny(key, "=()") {
		return quote(key)
	}
	return key
}

func (r *renderer) linkWords(a *actual) []string {
	var out []string
	for _, l := range a.span.Links {
		typ := l.Type()
		if !plainWord(typ) || strings.Contains(typ, ")") {
			typ = quote(typ)
		}
		out = append(out, "link("+typ+")="+r.linkTarget(l))
	}
	return out
}

func (r *renderer) linkTarget(l Link) string {
	to := r.m.forest.target(l)
	if to == nil {
		return "unresolved"
	}
	if n := r.lineOf(to); n != nil && n.line.label() != "" {
		return "@" + n.line.label()
	}
	if label := r.labels[to]; label != "" {
		return "@" + label
	}
	return "*" // covered by dots: there is no line that could carry a label
}
