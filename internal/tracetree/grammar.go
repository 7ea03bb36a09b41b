package tracetree

import (
	"fmt"
	"slices"
)

// The text form of a trace. Each line is one span, two spaces of indentation are one generation:
//
//	gateway server POST /checkouts  @start
//	  gateway client POST
//	    order server POST /orders  shop.workflow.turn=1
//	      ...
//
// A line is the service, the kind, the span's name, then two or more spaces and any number of
// assertions with spaces between them:
//
//	@label                  names the span for links, trace= and log lines
//	key=value               the attribute's printed form, see [ValueText]
//	key="two words"         in Go's string syntax
//	key={var}               variables are filled in, alone or inside of other text
//	key=*                   present, whatever its value
//	!key                    absent; also !tracestate, !message
//	status=error            error, ok or unset
//	message="card declined" the status's message (OTLP: status.message, the API: description)
//	flags=03                the W3C trace flags, as a traceparent ends: 01 sampled, 02 random
//	event(NAME)             has an event of this name
//	link(TYPE)=@label       has a link with shop.link.type TYPE to that span
//	link(TYPE)={var}        ... to a span given as a traceparent, or to a trace by its id
//	link(TYPE)=unresolved   ... to a span that is not in the journey
//	link(TYPE)=*            ... to any span
//	nolink                  has no link at all
//	root                    has no parent
//	remote, local           its parent came from a carrier; came from its own process
//	orphan                  has a parent that is not in the journey
//	within                  begins and ends while its parent lasts
//	after                   begins after its parent has begun
//	early                   begins before its parent: somebody's clock is wrong
//	trace=@label            in the same trace as that span; trace!=@label in another
//	trace={var}             in the trace of this id or traceparent
//	parent={var}            child of the span of this id or traceparent
//	tracestate=, scope=     the span's tracestate, its instrumentation scope
//	# ...                   a comment to the end of the line
//
// Attributes are a subset: what a line does not mention is not looked at. Links are not: a line
// that names one names them all. An attribute whose key is one of the words above is reached by
// quoting it: "status"=open. In http.route and url.template braces are literal, as they are in
// names.
//
// A line of three dots stands for any number of other children of its parent. Without it the
// children are exactly those listed. Their order says nothing, but identical siblings are taken in
// the order of their start.
//
// Every section is one trace. Its unindented lines are roots, unless they say orphan, remote or
// local: then the span's parent is missing from the journey. A section of nothing but three dots
// allows any other traces, a section of nothing but the word none allows no trace at all.

// Error is a mistake in a file, at a line counted from 1.
type Error struct {
	File string
	Line int
	Msg  string
}

// Error returns file:line: message.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// Section is the expected form of one trace, as parsed.
type Section struct {
	file  string
	line  int // of the section's marker
	root  *node
	any   bool // nothing but "..."
	none  bool // nothing but "none"
	trail []string
}

// node is one expected span; a section, and the list of all sections, are nodes without a line.
type node struct {
	line     *line
	section  *Section
	children []*node
	open     bool // has "..." among its children
	openLine *line
	openAt   int // before which child the dots stood
	id       int // index in Expectation.nodes
}

// line is one line of text.
type line struct {
	num     int
	depth   int
	raw     string   // without trailing space
	lead    []string // comments and blank lines above it
	service string
	kind    string
	name    string
	asserts []assertion
	comment string // from # on
}

func (l *line) label() string {
	for _, a := range l.asserts {
		if a.op == opLabel {
			return a.key
		}
	}
	return ""
}

func (l *line) has(ops ...op) bool {
	for _, a := range l.asserts {
		if slices.Contains(ops, a.op) {
			return true
		}
	}
	return false
}

type op int

const (
	opLabel op = iota
	opEqual
	opPresent
	opAbsent
	opEvent
	opLink
	opNoLink
	opSame  // trace=@label
	opOther // trace!=@label
	opRoot
	opRemote
	opLocal
	opOrphan
	opWithin
	opAfter
	opEarly
)

// assertion is one word of a line.
type assertion struct {
	op     op
	src    string // as written
	key    string // label, attribute key, event name or link type
	field  bool   // key is a field of the span rather than an attribute
	value  text
	target target
}

// target is the far end of a link, or the span that trace= compares with.
type target struct {
	label      string
	id         text // trace id or traceparent
	unresolved bool
	any        bool
}
