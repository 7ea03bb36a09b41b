package backend

import (
	"maps"
	"time"

	"example.com/throughline/internal/tracetree"
)

// Rule declares one change that a backend is known to make to what it is sent. Whatever no rule
// undoes is a failure.
type Rule struct {
	Backend, Field string
	// Becomes and Reason are for people: the summary of a run, and docs/backends.md.
	Becomes, Reason string

	// undo puts what was sent in the place of what is held, if it was changed exactly as the rule
	// says, and tells whether it was.
	undo func(held *tracetree.Span, sent tracetree.Span) bool
}

// Rules lists all declared changes. Each is proved by an answer of the real program in testdata.
func Rules() []Rule {
	return []Rule{
		{
			Backend: JaegerName, Field: "end",
			Becomes: "a nanosecond after the start, with a warning in @jaeger@warnings",
			Reason:  "it takes no span that ends when it starts, or before",
			undo:    undoLasting,
		},
		{
			Backend: JaegerName, Field: "service", Becomes: missingService,
			Reason: "it takes no span without a service.name",
			undo:   undoMissingService,
		},
		{
			Backend: TempoName, Field: "flags", Becomes: "nothing: not sampled, parent not remote",
			Reason: "its blocks have no column for a span's flags; they are there as long as the " +
				"trace is in memory",
			undo: undoNoFlags,
		},
	}
}

const (
	warningsKey    = "@jaeger@warnings"
	missingService = "missing-service-name"
)

// undoLasting takes the warning away only where it is the only one.
func undoLasting(held *tracetree.Span, sent tracetree.Span) bool {
	if sent.End.After(sent.Start) || !held.End.Equal(sent.Start.Add(time.Nanosecond)) {
		return false
	}
	held.End = sent.End
	if warnings, ok := held.Attributes[warningsKey].([]any); ok && len(warnings) == 1 {
		held.Attributes = maps.Clone(held.Attributes)
		delete(held.Attributes, warningsKey)
	}
	return true
}

func undoMissingService(held *tracetree.Span, sent tracetree.Span) bool {
	if sent.Service != "" || held.Service != missingService {
		return false
	}
	held.Service = ""
	return true
}

func undoNoFlags(held *tracetree.Span, sent tracetree.Span) bool {
	if held.Flags != 0 || held.ParentRemote || sent.Flags == 0 && !sent.ParentRemote {
		return false
	}
	held.Flags, held.ParentRemote = sent.Flags, sent.ParentRemote
	return true
}
