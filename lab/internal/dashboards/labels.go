package dashboards

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	// quoted are strings, which may look like anything.
	quoted = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	// compared is a name in front of a comparison, in a stream selector or a label filter.
	compared = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)\s*(?:=~|!~|!=|>=|<=|=|>|<)`)
	// word is an attribute or an intrinsic of TraceQL.
	word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_.:]*`)
)

// logQL checks the labels of stream selectors and label filters. It does not know parsers, formats
// and metric queries: a query that has them is refused.
func (n *Names) logQL(text string) (wrong []string) {
	text = strings.NewReplacer("$${__tags}", `service_name=""`, "$$", "$").Replace(text)
	text = quoted.ReplaceAllString(text, `""`)
	stream, filters, ok := strings.Cut(text, "}")
	if !ok || !strings.HasPrefix(stream, "{") {
		return []string{"no stream selector, want {label=...} | label=..."}
	}
	for _, filter := range strings.Split(filters, "|")[1:] {
		if !compared.MatchString(filter) {
			wrong = append(wrong, fmt.Sprintf("%q is not understood, want a label filter", filter))
		}
	}
	for _, m := range compared.FindAllStringSubmatch(text, -1) {
		if !n.Logs[m[1]] {
			wrong = append(wrong, fmt.Sprintf("log records have no %s", m[1]))
		}
	}
	return wrong
}

// intrinsics are the words of TraceQL that are no attributes of ours (Tempo 2.10).
func intrinsics() Set {
	return Set{
		"kind": true, "name": true, "status": true, "duration": true, "nestedSetParent": true,
		"server": true, "client": true, "consumer": true, "producer": true, "internal": true,
		"error": true, "ok": true, "unset": true, "nil": true, "select": true,
	}
}

// traceQL checks the attributes, each with its scope. A query that is a variable alone asks for a
// trace by its id.
func (n *Names) traceQL(text string) (wrong []string) {
	if strings.HasPrefix(text, "$") {
		return nil
	}
	for _, found := range word.FindAllString(quoted.ReplaceAllString(text, `""`), -1) {
		scope, name, scoped := strings.Cut(found, ".")
		switch {
		case !scoped && intrinsics()[found]:
		case !scoped:
			wrong = append(wrong, fmt.Sprintf("%s: not known, want an attribute with its scope", found))
		case n.Attributes[scope] == nil:
			wrong = append(wrong, fmt.Sprintf("%s: scope %s, want span, resource, link or event",
				found, scope))
		case !n.Attributes[scope][name]:
			wrong = append(wrong, fmt.Sprintf("no %s has an attribute %s", scope, name))
		}
	}
	return wrong
}
