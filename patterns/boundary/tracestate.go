package boundary

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// The limits of the standard: members in a list, characters in a key or a value.
const (
	maxMembers = 32
	maxLength  = 256
)

// member is one of a tracestate: key and value as level 2 allows them.
type member struct{ key, value string }

// parse returns the members of a tracestate, none if one is not valid. Empty ones
// are.
func parse(header string) []member {
	var members []member
	for part := range strings.SplitSeq(header, ",") {
		part = strings.Trim(part, " \t")
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		if !validKey(key) || !validValue(value) {
			return nil
		}
		if slices.ContainsFunc(members, func(m member) bool { return m.key == key }) {
			continue
		}
		if len(members) == maxMembers {
			return nil
		}
		members = append(members, member{key, value})
	}
	return members
}

// split returns the members that a span context can hold, and whether there are
// others.
func split(members []member) (state trace.TraceState, foreign bool) {
	for _, m := range slices.Backward(members) {
		next, err := state.Insert(m.key, m.value)
		if err != nil {
			foreign = true
			continue
		}
		state = next
	}
	return state, foreign
}

// merge returns the list to send: what is new or changed in state, then what
// arrived, without the members that were deleted from state since.
func merge(state trace.TraceState, arrived []member) []member {
	out := make([]member, 0, state.Len()+len(arrived))
	state.Walk(func(key, value string) bool {
		if m := (member{key, value}); !slices.Contains(arrived, m) {
			out = append(out, m)
		}
		return true
	})
	for _, m := range arrived {
		_, err := trace.TraceState{}.Insert(m.key, m.value)
		if err != nil || state.Get(m.key) == m.value {
			out = append(out, m)
		}
	}
	return out[:min(len(out), maxMembers)]
}

func format(members []member) string {
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		_, _ = b.WriteString(m.key)
		_ = b.WriteByte('=')
		_, _ = b.WriteString(m.value)
	}
	return b.String()
}

// validKey: key = ( lcalpha / DIGIT ) 0*255 ( keychar ).
func validKey(key string) bool {
	if key == "" || len(key) > maxLength || !alphanumeric(key[0]) {
		return false
	}
	for i := range len(key) {
		if !alphanumeric(key[i]) && !strings.Contains("_-*/@", key[i:i+1]) {
			return false
		}
	}
	return true
}

// validValue: value = 0*255(chr) nblk-chr; the trailing blanks are gone already.
func validValue(value string) bool {
	if value == "" || len(value) > maxLength {
		return false
	}
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c > 0x7e || c == ',' || c == '=' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}
