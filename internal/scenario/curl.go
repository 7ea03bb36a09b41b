package scenario

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Curl returns the scenario's turns as a POSIX shell script: the requests, and what is expected of
// their answers. Besides the shell it takes curl, sed, grep, od and mktemp. Base URLs are variables
// of the script; those that its caller does not set it asks of the lab at labURL.
//
// The script checks answers only. A value deep in a JSON body may be out of sed's reach: what an
// expect says of one becomes a comment, while a let of one is an error, for later turns need it.
func (sc *Scenario) Curl(labURL string) (string, error) {
	s := &script{sc: sc, vars: make(map[string]string)}
	for name := range builtins() {
		s.define(name)
	}
	turns := s.turns()
	if len(s.errs) > 0 {
		return "", errors.Join(s.errs...)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "#!/bin/sh\n# %s\n# The turns of scenario %s. It checks the answers; "+
		"`lab run %s` checks the traces.\n", sc.Title, sc.Name, sc.Name)
	if sc.Alone {
		head.WriteString("# Nobody else may use the lab meanwhile.\n")
	}
	fmt.Fprintf(&head, "set -eu\n\nLAB=${LAB:-%s}\n%s", labURL, curlLibrary)
	for _, target := range s.targets() {
		fmt.Fprintf(&head, "%s=${%[1]s:-$(base %s)}\n", envName(target), discovery(target))
	}
	head.WriteString(s.builtins(turns))
	return head.String() + "\n" + turns, nil
}

// script is a shell script in the making.
type script struct {
	sc   *Scenario
	vars map[string]string // variable of the scenario → of the shell
	b    strings.Builder
	errs []error
}

func (s *script) printf(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

// define finds a shell variable for one of the scenario, which may have hyphens.
func (s *script) define(name string) {
	if s.vars[name] != "" {
		return
	}
	shell := strings.ReplaceAll(name, "-", "_")
	for slices.Contains(slices.Collect(maps.Values(s.vars)), shell) {
		shell += "_"
	}
	s.vars[name] = shell
}

// targets are those that turns use and all admin listeners, for every script waits in the end.
func (s *script) targets() []string {
	var out []string
	for _, step := range s.sc.steps {
		if !step.wait && !slices.Contains(out, step.target) {
			out = append(out, step.target)
		}
	}
	for _, service := range services() {
		if !slices.Contains(out, service+adminSuffix) {
			out = append(out, service+adminSuffix)
		}
	}
	return out
}

func envName(target string) string {
	return strings.ToUpper(strings.ReplaceAll(target, "-", "_"))
}

// discovery is where the lab's answer tells of a target.
func discovery(target string) string {
	service, ok := strings.CutSuffix(target, adminSuffix)
	if ok && slices.Contains(services(), service) {
		return "admin " + service
	}
	return "targets " + target
}

func (s *script) builtins(turns string) string {
	var b strings.Builder
	for _, v := range []struct {
		name  string
		bytes int
	}{{"run", 5}, {"trace-id", 16}, {"span-id", 8}} {
		if shell := s.vars[v.name]; strings.Contains(turns, "${"+shell+"}") {
			fmt.Fprintf(&b, "%s=$(od -An -tx1 -N%d /dev/urandom | sed 's/ //g')\n", shell, v.bytes)
		}
	}
	return b.String()
}

func (s *script) turns() string {
	s.printf("ADMINS=\"")
	for i, service := range services() {
		if i > 0 {
			s.printf(" ")
		}
		s.printf("$%s", envName(service+adminSuffix))
	}
	s.printf("\"\n")
	if s.sc.Alone {
		s.printf("quiesce\n")
	}
	for _, name := range s.sc.Faults {
		s.printf("fault PUT %s\n", name)
	}
	for i := range s.sc.steps {
		s.step(&s.sc.steps[i])
	}
	// Spans that are still on their way belong to the trees; faults end with the script.
	s.printf("\nquiesce\necho %s\n", shellQuote("ok "+s.sc.Name))
	if shell := s.vars["id"]; shell != "" {
		s.printf("echo \"lab tree --lab $LAB ${%s}\"\n", shell)
	}
	return s.b.String()
}

func (s *script) step(step *step) {
	if step.wait {
		s.printf("\nquiesce\n")
		return
	}
	s.printf("\n")
	if step.repeat > 1 {
		s.printf("N=0\nwhile [ $N -lt %d ]; do\nN=$((N + 1))\n", step.repeat)
	}
	options := s.body(step)
	s.printf("call %s \"$%s%s\"", step.method, envName(step.target), s.inQuotes(step.path))
	for _, h := range step.header {
		s.printf(" \\\n  -H %s", s.word(headerArgument(h)))
	}
	s.printf("%s\n", options)
	for _, a := range step.acts {
		s.act(a)
	}
	if step.repeat > 1 {
		s.printf("done\n")
	}
}

// headerArgument is curl's notation, in which a name without value is taken out, and one that
// is to be sent empty ends with a semicolon.
func headerArgument(h headerLine) string {
	switch {
	case h.value != "":
		return h.name + ": " + h.value
	case strings.EqualFold(h.name, "Content-Type"):
		return h.name + ":"
	}
	return h.name + ";"
}

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

// act writes what looks at the answer.
func (s *script) act(a act) {
	if a.kind == actStatus {
		s.printf("want status \"$STATUS\" %s\n", a.value)
		return
	}
	get, ok := a.source.shell()
	switch {
	case a.kind == actLet && !ok:
		s.errs = append(s.errs, &Error{File: s.sc.File, Line: a.num,
			Msg: fmt.Sprintf("let %s = %s: sed cannot get at it", a.name, a.source.text)})
	case a.kind == actLet:
		s.define(a.name)
		s.printf("%s=$(%s)\nwanted %s \"${%[1]s}\"\n", s.vars[a.name], get, shellQuote(a.source.text))
	case !ok || strings.HasPrefix(a.value, "{") && !refPattern.MatchString(a.value) ||
		strings.HasPrefix(a.value, "["):
		s.printf("# not checked here: line %d, %s\n", a.num, a.source.text)
	case a.kind == actPresent:
		s.printf("wanted %s \"$(%s)\"\n", shellQuote(a.source.text), get)
	case a.kind == actAbsent:
		s.printf("want %s \"$(%s)\" ''\n", shellQuote(a.source.text), get)
	case a.kind == actDiffers:
		s.printf("differ %s \"$(%s)\" %s\n", shellQuote(a.source.text), get, s.word(a.value))
	default:
		s.printf("want %s \"$(%s)\" %s\n", shellQuote(a.source.text), get, s.word(a.value))
	}
}

// shell returns a command that prints the source; ok is false when sed cannot find it.
func (s source) shell() (command string, ok bool) {
	switch s.kind {
	case fromStatus:
		return `echo "$STATUS"`, true
	case fromBody:
		return `cat "$DIR/body"`, true
	case fromHeader:
		return "header " + s.header, true
	case fromTraceparent:
		return "served", true
	case fromTraceID:
		return `served | sed 's/^00-\([0-9a-f]*\)-.*/\1/'`, true
	}
	command = "json"
	for i, p := range s.path {
		name, isName := p.(string)
		switch last := i == len(s.path)-1; {
		case !isName && p != 0, !isName && (i == 0 || last), isName && !plainName.MatchString(name):
			return "", false
		case !isName:
			command += " | first"
		case last:
			command += " | member " + name
		default:
			command += " | inside " + name
		}
	}
	return command, true
}

// plainName is a member's name that means nothing to sed or the shell.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// curlLibrary is what all scripts have in common.
const curlLibrary = `
# base KIND NAME asks the lab where something listens.
base() {
  URL=$(curl -q -sS --noproxy '*' "$LAB/platform" |
    sed -n 's/.*"'"$1"'":{[^}]*"'"$2"'":"\([^"]*\)".*/\1/p')
  [ -n "$URL" ] || { echo "$LAB does not know $2" >&2; exit 1; }
  echo "$URL"
}

DIR=$(mktemp -d)
FAULTS=
end() {
  CODE=$?
  for FAULT in $FAULTS; do (fault DELETE "$FAULT") || CODE=1; done
  rm -rf "$DIR"
  exit "$CODE"
}
trap end EXIT
trap 'exit 130' INT TERM

# call METHOD URL [OPTION ...] sends a request. Its answer: $STATUS, $DIR/headers, $DIR/body.
call() {
  METHOD=$1 URL=$2
  shift 2
  : >"$DIR/body"
  if [ "$METHOD" = HEAD ]; then set -- --head "$@"; else set -- -X "$METHOD" "$@"; fi
  STATUS=$(curl -q -sS -g --path-as-is --noproxy '*' --max-time 15 \
    -D "$DIR/headers" -o "$DIR/body" -w '%{http_code}' "$@" "$URL")
}

fail() {
  echo "FAIL $METHOD $URL: $*" >&2
  sed 's/^/  /' "$DIR/body" >&2
  exit 1
}
want() { [ "$2" = "$3" ] || fail "$1: got $2, want $3"; }
differ() { [ "$2" != "$3" ] || fail "$1: got $2, want another value"; }
wanted() { [ -n "$2" ] || fail "$1: got nothing"; }

CR=$(printf '\r')
# header NAME prints the values of a header.
header() {
  grep -i "^$1:" "$DIR/headers" | sed -e "s/^[^:]*: *//" -e "s/$CR\$//" |
    sed -e ':a' -e '$!N' -e 's/\n/, /' -e 'ta'
}
# served prints the traceparent of the span that served the request.
served() { header Server-Timing | sed -n 's/.*traceparent;desc="\([^"]*\)".*/\1/p'; }

# json prints the body on one line; inside NAME goes into an object or list, first into the first
# element of a list, member NAME prints a value. They get at what the answers of this shop hold.
json() { sed -e ':a' -e '$!N' -e 's/\n/ /' -e 'ta' "$DIR/body"; }
inside() {
  sed -n -e 's/"'"$1"'": *\([[{]\)/\
\1/' -e 's/^.*\n//p'
}
first() { sed -n 's/^\[ *\({.*\)/\1/p'; }
member() {
  sed -e ':a' -e 's/\(.\){[^{}]*}/\1null/' -e 's/\[[^][{}]*\]/null/' -e 'ta' -e 's/}.*/}/' |
    sed -n -e 's/.*[{,] *"'"$1"'": *"\([^"]*\)".*/\1/p' -e t \
      -e 's/.*[{,] *"'"$1"'": *\([^,}" ]*\).*/\1/p'
}

# quiesce waits until all services are idle, twice, for one may make work for another.
quiesce() {
  for ADMIN in $ADMINS $ADMINS; do
    call POST "$ADMIN/quiesce"
    want status "$STATUS" 200
  done
}
# fault PUT|DELETE NAME switches a fault at every service that has it.
fault() {
  HAVE=
  if [ "$1" = PUT ]; then FAULTS="$FAULTS $2"; fi
  for ADMIN in $ADMINS; do
    call "$1" "$ADMIN/faults/$2"
    case $STATUS in
    204) HAVE=1 ;;
    404) ;;
    *) fail "status $STATUS" ;;
    esac
  done
  [ -n "$HAVE" ] || fail "no service has the fault $2"
}

`
