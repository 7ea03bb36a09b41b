package shop

import "go.opentelemetry.io/otel/attribute"

// Attributes of metrics only. Each has few values.
const (
	// EntryKind is server or consumer: what kind of span took work in.
	EntryKind = attribute.Key("shop.entry.kind")
	// EntryOrigin says what an entry span goes on from: one of the Origin constants.
	EntryOrigin = attribute.Key("shop.entry.origin")
)

// Values of EntryOrigin.
const (
	OriginRemote = "remote" // the caller's span is its parent
	OriginLocal  = "local"  // a span of this process is its parent
	OriginLinked = "linked" // it is a root, with a link to what caused it
	OriginNone   = "none"   // it is a root and nothing leads away from it
)

// QuoteDuration is a histogram of the time that a quote took. It is declared as the instruments of
// semconv are: name and unit belong together. So are those below.
type QuoteDuration struct{}

// Name returns the instrument's name.
func (QuoteDuration) Name() string { return "shop.quote.duration" }

// Unit returns seconds, in UCUM.
func (QuoteDuration) Unit() string { return "s" }

// EntrySpans counts SERVER and CONSUMER spans that ended, by EntryKind and EntryOrigin. Behind the
// edge one with OriginNone is an orphan: the context was lost in front of it.
type EntrySpans struct{}

// Name returns the instrument's name.
func (EntrySpans) Name() string { return "shop.entry.spans" }

// Unit returns spans.
func (EntrySpans) Unit() string { return "{span}" }

// SpanLinks counts the links of spans that ended, by LinkType.
type SpanLinks struct{}

// Name returns the instrument's name.
func (SpanLinks) Name() string { return "shop.span.links" }

// Unit returns links.
func (SpanLinks) Unit() string { return "{link}" }

// ContinuationRejections is a counter of contexts that clients returned and that were not
// continued, by ContinuationRejected.
type ContinuationRejections struct{}

// Name returns the instrument's name.
func (ContinuationRejections) Name() string { return "shop.continuation.rejections" }

// Unit returns an annotation, in UCUM: it counts requests.
func (ContinuationRejections) Unit() string { return "{request}" }

// WorkflowTurns counts the turns of workflows at the gateway, by ContinuationStrategy.
type WorkflowTurns struct{}

// Name returns the instrument's name.
func (WorkflowTurns) Name() string { return "shop.workflow.turns" }

// Unit returns turns.
func (WorkflowTurns) Unit() string { return "{turn}" }

// StreamLag is how long the oldest message that a consumer group has yet to acknowledge has been on
// the stream; 0 if there is none.
type StreamLag struct{}

// Name returns the instrument's name.
func (StreamLag) Name() string { return "shop.stream.lag" }

// Unit returns seconds, in UCUM.
func (StreamLag) Unit() string { return "s" }

// StreamPending is the number of messages that a consumer group was given and has not acknowledged.
type StreamPending struct{}

// Name returns the instrument's name.
func (StreamPending) Name() string { return "shop.stream.pending" }

// Unit returns messages.
func (StreamPending) Unit() string { return "{message}" }

// StreamDeadLetters is the number of messages that a consumer group has given up on and nobody has
// replayed.
type StreamDeadLetters struct{}

// Name returns the instrument's name.
func (StreamDeadLetters) Name() string { return "shop.stream.dead_letters" }

// Unit returns messages.
func (StreamDeadLetters) Unit() string { return "{message}" }
