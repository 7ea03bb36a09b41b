package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// body writes what comes before the call, and returns the options of the call.
func (s *script) body(step *step) (options string) {
	if !step.body.set {
		return ""
	}
	typed := slices.ContainsFunc(step.header, func(h headerLine) bool {
		return strings.EqualFold(h.name, "Content-Type")
	})
	switch {
	case typed:
	case step.body.json:
		options = " \\\n  -H 'Content-Type: application/json'"
	default:
		options = " \\\n  -H 'Content-Type:'"
	}
	text := step.body.text
	switch {
	case step.body.times > 1:
		// Spaces as many as wanted, and each becomes the text.
		s.printf("printf '%%%ds' '' | sed %s >\"$DIR/sent\"\n", step.body.times,
			s.word("s/ /"+sedReplacement(text)+"/g"))
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0xfffd }):
		s.printf("printf %s >\"$DIR/sent\"\n", s.octal(text))
	default:
		return options + " \\\n  --data-binary " + s.word(text)
	}
	return options + " \\\n  --data-binary \"@$DIR/sent\""
}

// octal is a word for printf, with every byte escaped.
func (s *script) octal(text string) string {
	return `"` + s.splice(text, func(literal string) string {
		var b strings.Builder
		for _, c := range []byte(literal) {
			fmt.Fprintf(&b, `\%03o`, c)
		}
		return b.String()
	}, func(shell string) string { return "${" + shell + "}" }) + `"`
}

func sedReplacement(text string) string {
	return strings.NewReplacer(`\`, `\\`, `/`, `\/`, `&`, `\&`, "\n", "\\\n").Replace(text)
}

// word is text as one word of the shell, with variables filled in.
func (s *script) word(text string) string {
	if text == "" {
		return "''"
	}
	return s.splice(text, shellQuote, func(shell string) string { return `"${` + shell + `}"` })
}

// splice writes literal text and variables each in its own way. As in a run, braces around no
// variable are literal.
func (s *script) splice(text string, literal, variable func(string) string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		end, next, shell := len(rest), len(rest), ""
		for _, at := range refPattern.FindAllStringIndex(rest, -1) {
			if shell = s.vars[rest[at[0]+1:at[1]-1]]; shell != "" {
				end, next = at[0], at[1]
				break
			}
		}
		if end > 0 {
			b.WriteString(literal(rest[:end]))
		}
		if shell != "" {
			b.WriteString(variable(shell))
		}
		rest = rest[next:]
	}
	return b.String()
}

// inQuotes is text for the inside of double quotes.
func (s *script) inQuotes(text string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace
	return s.splice(text, escape, func(shell string) string { return "${" + shell + "}" })
}

func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
