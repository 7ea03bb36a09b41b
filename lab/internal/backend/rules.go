package backend

import "example.com/throughline/internal/tracetree"

// Rule declares one change that a backend is known to make to what it is sent. Whatever no rule
// allows is a failure.
type Rule struct {
	Backend, Field string
	// Becomes is the only text that the backend may hold instead; empty: nothing at all.
	Becomes string
	// Reason says why, for the table and for docs/backends.md.
	Reason string

	// restore puts what was sent in the place of what is held, for the trees to be compared.
	restore func(held, sent *tracetree.Span)
}

// Rules lists all declared changes. Each is proved by an answer of the real program in testdata.
func Rules() []Rule {
	return []Rule{{
		Backend: TempoName, Field: "flags", Becomes: "00",
		Reason: "its blocks have no column for a span's flags: they are there while the trace " +
			"is in memory, and gone once it is written",
		restore: func(held, sent *tracetree.Span) {
			held.Flags, held.ParentRemote = sent.Flags, sent.ParentRemote
		},
	}}
}

// allows says whether a rule declares that a backend holds a field as this text.
func allows(backend, name, holds string) (Rule, bool) {
	for _, r := range Rules() {
		if r.Backend == backend && r.Field == name && r.Becomes == holds {
			return r, true
		}
	}
	return Rule{}, false
}
