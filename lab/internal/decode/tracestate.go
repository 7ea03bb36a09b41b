package decode

import (
	"fmt"
	"strings"
)

const (
	maxMembers = 32  // of a tracestate
	maxKey     = 256 // bytes of a tracestate key, and of a value
	sureLength = 512 // what vendors should at least propagate
)

// The rules, by the names of their sections.
const (
	ruleKey   = " (Trace Context, tracestate, Key)"
	ruleValue = " (Trace Context, tracestate, Value)"
	ruleLimit = " (Trace Context, tracestate Limits)"
)

func tracestate(name, value string) []Line {
	var f findings
	if strings.Trim(value, " \t") == "" {
		return f.under(name, value, Notable, "empty: allowed, but should not be sent")
	}
	seen := map[string]bool{}
	members := 0
	for member := range strings.SplitSeq(value, ",") {
		if strings.Trim(member, " \t") == "" {
			emptyMember(&f, member)
			continue
		}
		members++
		listMember(&f, member, seen)
	}
	if members > maxMembers {
		f.add(Invalid, "list", "", "%d members, at most %d%s", members, maxMembers,
			" (Trace Context, tracestate Header Field Values)")
	}
	if len(value) > sureLength {
		f.add(Notable, "list", "", "%d characters: only %d are sure to be sent on%s",
			len(value), sureLength, ruleLimit)
	}
	if Worst(f) == Invalid {
		return f.under(name, value, Invalid,
			"one bad member spoils the list: the Go SDK drops all of it; traceparent still counts")
	}
	return f.under(name, value, Valid,
		fmt.Sprintf("%d of at most %d members, the latest writer first", members, maxMembers))
}

func emptyMember(f *findings, member string) {
	if member == "" {
		f.add(Valid, "member", "", "empty: allowed, says nothing")
		return
	}
	f.add(Notable, "member", member,
		"only white space: allowed by the specification, but the Go SDK drops the whole list")
}

func listMember(f *findings, member string, seen map[string]bool) {
	key, value, found := strings.Cut(member, "=")
	key, value = strings.TrimLeft(key, " \t"), strings.TrimRight(value, " \t")
	if !found {
		f.add(Invalid, "member", member, "no '=': a member is key=value"+
			" (Trace Context, tracestate, list)")
		return
	}
	verdict, why := stateKey(key)
	if verdict != Invalid {
		if broken := stateValue(value); broken != "" {
			verdict, why = Invalid, broken
		}
	}
	if seen[key] && verdict != Invalid {
		verdict, why = Notable, "a second member with this key: the left one is the "+
			"later and counts; the Go SDK drops the whole list "+
			"(Trace Context, tracestate, Combined Header Value)"
	}
	seen[key] = true
	f.add(verdict, shorten(key), value, why)
	if key == vendorKey && verdict != Invalid {
		*f = append(*f, signed(value)...)
	}
}

// stateKey follows the grammar of Level 2. Keys that Level 1, and with it the
// Go SDK, does not know are notable.
func stateKey(key string) (Verdict, string) {
	const chars = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@"
	switch {
	case key == "":
		return Invalid, "empty key" + ruleKey
	case len(key) > maxKey:
		return Invalid, fmt.Sprintf("key of %d bytes, at most %d%s", len(key), maxKey, ruleKey)
	case strings.Trim(key, chars) != "":
		return Invalid, "key may hold only a-z 0-9 _ - * / @" + ruleKey
	case strings.Contains("_-*/@", key[:1]):
		return Invalid, "key must begin with a-z or 0-9" + ruleKey
	}
	tenant, system, multi := strings.Cut(key, "@")
	level1 := isLower(key[0]) && !multi
	if multi {
		level1 = len(tenant) <= 241 && len(system) <= 14 && system != "" &&
			isLower(system[0]) && !strings.Contains(system, "@")
	}
	if !level1 {
		return Notable, "a key of Level 2 only: the Go SDK knows Level 1 and drops the whole list"
	}
	return Valid, "opaque to all but its vendor"
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// stateValue returns the rule that value breaks, or nothing.
func stateValue(value string) string {
	switch {
	case value == "":
		return "empty value" + ruleValue
	case len(value) > maxKey:
		return fmt.Sprintf("value of %d bytes, at most %d%s", len(value), maxKey, ruleValue)
	}
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' || c == '=' {
			return fmt.Sprintf("value holds %q: printable ASCII without ',' and '='%s",
				c, ruleValue)
		}
	}
	return ""
}
