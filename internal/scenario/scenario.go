// Package scenario reads and runs scenarios: text files that send requests to a running platform
// and say which traces must come of them. This comment is the manual of their format.
//
// # A file
//
// A scenario is a txtar archive that a person reads from top to bottom. The text before the first
// section is its title, one line that states a claim, and then prose that explains it. The file's
// name without .txtar is the scenario's name.
//
//	Persisted context: two turns of one checkout are one trace.
//
//	The gateway keeps the context of the first turn in Redis and makes it the
//	remote parent of every later turn.
//
//	-- turns --
//	POST gateway /checkouts
//	{"customer": "c-{run}", "continuation": "persisted"}
//	status 201
//	let id = body.id
//
//	PUT gateway /checkouts/{id}/items
//	{"items": [{"sku": "mug", "qty": 2}]}
//	status 200
//	expect body.state = open
//
//	-- trace --
//	gateway server POST /checkouts  @start shop.workflow.id={id}
//	  gateway client POST
//	    order server POST /orders
//	      ...
//	  gateway server PUT /checkouts/{id}/items  remote link(previous_turn)=@start
//	    ...
//
//	-- logs --
//	correlated
//	gateway INFO "checkout opened"  @start
//
//	-- absent --
//	c-{run}
//
// Sections come in any order. A file needs one section turns and at least one section trace; the
// others are optional. Lines that begin with # are comments. Whatever is not described here is an
// error with file and line, and all errors of a file are reported at once.
//
// # turns
//
// A request is a line of method, target and path. Which targets there are is up to the platform
// ([Fleet.Targets]); besides, SERVICE-admin is the admin listener of a service, to start a job for
// instance: POST order-admin /jobs/expire. Admin listeners are not traced, so their answers name
// no trace. Below the request come, in this order:
//
//   - headers, Name: value, one a line; a name may come more than once and is sent so;
//   - a body: lines from one that begins with { or [ to the next blank line or directive, sent as
//     they are, right or wrong, with Content-Type application/json unless a header says otherwise
//     (an empty Content-Type header sends none);
//   - or, for a body that is not JSON: body "text in Go's string syntax", or body @repeat(TEXT,N)
//     for N times TEXT, 64 MiB at most;
//   - directives, in any order but executed as they stand.
//
// The directives:
//
//	status 201                  the answer's status; every request declares it
//	let NAME = SOURCE           keep a value of the answer in a variable
//	expect SOURCE = VALUE       VALUE is bare or in Go's string syntax
//	expect SOURCE != VALUE
//	expect SOURCE = *           present
//	expect SOURCE absent
//	repeat N                    send the request N times in all, 1000 at most
//
// A SOURCE is one of
//
//	status                      the status code
//	body                        the whole body as text
//	body.items[0].sku           a value of a JSON body: strings bare, the rest as JSON
//	header.Location             the header's values, joined by a comma and a space
//	response.trace-id           the trace that served the request, as its Server-Timing header tells
//	response.traceparent        the same as a traceparent: the span that served the request
//
// A line wait idle is a step of its own: it waits until every service has finished all work,
// messages included, that the turns so far have caused.
//
// # Variables
//
// {NAME} stands for a variable in paths, headers, bodies, expected values, trees, log lines and
// absent lines. {run} is a short id that no other run has; {trace-id} and {span-id} are random ids
// of the right form, the same throughout a run, for a client that brings a context of its own. The
// others come from let, and may be set again by a later turn; trees see the last value. A variable
// that is not defined by then is an error, except in bodies, where {NAME} stays as it is: JSON has
// braces of its own.
//
// # trace
//
// Each section is one trace of the journey, and every trace of the journey needs its section. The
// journey is every trace that served a turn, every trace linked from or to one of them at any
// distance, and every trace that shares a shop.workflow.id with one of them. A trace with a link
// of the type batch_item works for many workflows: it belongs to the journey, and the journey ends
// there. The lines are those of package tracetree, whose grammar.go lists them all.
//
// # logs, absent
//
// In logs a line service LEVEL "message" says that such a record arrived; behind it @label says
// that it carries the ids of the span so labelled in a tree, and key=value, key=* and !key speak
// of its attributes. The word correlated says that every log record of the journey carries the ids of a
// span of the journey.
//
// Each line of absent is a text that must be nowhere in the journey: in no name, attribute, event,
// link, status, tracestate or log record.
//
// # metrics
//
// Each line is a service, the name of a histogram or counter, and behind two spaces what is said of
// it: key=value, key=* and !key of its attributes, and of its exemplars, the measurements that a
// histogram keeps with the ids of the span that they were made in:
//
//	exemplar=@label             one is of the span so labelled in a tree
//	exemplar=*                  one is of a span of the journey
//	!exemplar                   none is of a span of the journey
//
// Metrics are shared by all who use the service, and of each bucket the last measurement is the
// exemplar: a scenario that names one should be alone.
//
// # ignore
//
// Each line is an attribute, key=value. Spans that have it and have no children are left out of
// the comparison with the trees, and nothing else is: db.system.name=redis keeps a tree to the
// hops that it is about.
//
// # alone
//
// The scenario asserts on work that workflows share, such as a batch or a sweep, and so must have
// the services to itself: where platforms can be started it gets one of its own, on a shared one
// it runs when no other scenario does. The section is empty, or one line that says why.
//
// # faults, mended-by
//
// Each line of faults names a fault that is switched on at every service that has it before the
// first turn, and always off again after the run. The trees then show the symptom. mended-by names
// the scenario that shows the same thing done right; the two sections come together or not at all.
package scenario

import (
	"example.com/throughline/internal/tracetree"
)

// Error is a mistake in a scenario file. Errors of parsing are joined with errors.Join.
type Error = tracetree.Error

// Journey is every span and log record of one logical process.
type Journey = tracetree.Journey

// Scenario is one file, parsed.
type Scenario struct {
	Name     string // the file's name without folders and extension
	File     string // as given to Parse, for messages
	Title    string // the claim
	Prose    string // the explanation, without surrounding blank lines
	Alone    bool   // needs services that no other scenario uses; see [Scenario.Private]
	Faults   []string
	MendedBy string // empty unless there are faults

	data    []byte
	steps   []step
	traces  *tracetree.Expectation
	logs    *tracetree.LogLines    // nil without the section
	metrics *tracetree.MetricLines // nil without the section
	absent  []absentLine
	ignore  []ignored
}

// Private says whether the scenario must not share services with others that run at the same
// time: it breaks something, or asserts on work that workflows share.
func (sc *Scenario) Private() bool { return sc.Alone || len(sc.Faults) > 0 }

type absentLine struct {
	num  int
	text string
}

// step is one request, or a wait.
type step struct {
	num    int
	wait   bool
	method string
	target string
	path   string
	header []headerLine
	body   body
	repeat int
	acts   []act
	status int // 0 until declared
}

type headerLine struct {
	num         int
	name, value string
}

// body is what a request sends: text, times over.
type body struct {
	set   bool
	json  bool
	text  string
	times int
}

// act is a directive that looks at the answer.
type act struct {
	num    int
	kind   actKind
	source source
	name   string // the variable of a let
	value  string
}

type actKind int

const (
	actStatus actKind = iota
	actLet
	actEqual
	actDiffers
	actPresent
	actAbsent
)
