package pages

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// turns shows trees side by side, reduced to where each turn went: the roots of
// traces, the SERVER spans of the gateway, and CONSUMER spans.
func turns(runs []Run) string {
	var b strings.Builder
	b.WriteString("\n<table>\n<tr>")
	for _, r := range runs {
		fmt.Fprintf(&b, "<th>%s</th>", html.EscapeString(r.Scenario.Name))
	}
	b.WriteString("</tr>\n<tr>\n")
	for _, r := range runs {
		var outlines []string
		for _, tree := range r.Scenario.Trees() {
			outlines = append(outlines, outline(tree))
		}
		// Markdown ends a table at a blank line, unless a <pre> begins at the start of its own.
		fmt.Fprintf(&b, "<td valign=\"top\">\n\n<pre>\n%s\n</pre>\n\n</td>\n",
			html.EscapeString(resolved(strings.Join(outlines, "\n\n"))))
	}
	b.WriteString("</tr>\n</table>\n\n")
	return b.String()
}

var linkTarget = regexp.MustCompile(`=(@[^ \n]+)`)

// resolved takes targets out of links whose line has not been kept.
func resolved(text string) string {
	return linkTarget.ReplaceAllStringFunc(text, func(target string) string {
		if strings.Contains(text+"\n", " "+target[1:]+"\n") ||
			strings.Contains(text, " "+target[1:]+" ") {
			return target
		}
		return ""
	})
}

// outline keeps some lines of a tree, each below the nearest that is kept above it.
func outline(tree string) string {
	var kept []string
	var depths []int // of the kept lines that are ancestors of the next
	for line := range strings.SplitSeq(tree, "\n") {
		content := strings.TrimLeft(line, " ")
		if content == "" || content[0] == '#' {
			continue
		}
		depth := len(line) - len(content)
		for len(depths) > 0 && depths[len(depths)-1] >= depth {
			depths = depths[:len(depths)-1]
		}
		head, asserts, _ := strings.Cut(content, "  ")
		ours := strings.HasPrefix(head, "gateway server ")
		if depth > 0 && !ours && !strings.Contains(head, " consumer ") {
			continue
		}
		var text strings.Builder
		text.WriteString(strings.TrimPrefix(head, "gateway server "))
		for word := range strings.FieldsSeq(asserts) {
			if word[0] == '@' || strings.HasPrefix(word, "link(") {
				text.WriteString(" " + word)
			}
		}
		kept = append(kept, strings.Repeat("  ", len(depths))+text.String())
		depths = append(depths, depth)
	}
	return strings.Join(kept, "\n")
}
