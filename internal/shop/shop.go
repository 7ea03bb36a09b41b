// Package shop names what semantic conventions have no name for: the attributes and link types
// of the shop.* namespace.
//
// Every SERVER and CONSUMER span that knows a business id sets it. When propagation breaks,
// business correlation is what is left: the lab finds the severed pieces of a process by
// shop.workflow.id.
package shop

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/patterns/baggagepolicy"
)

// Attribute keys. Ids are strings of at most 64 bytes, a turn is an int from 1.
const (
	// WorkflowID is the stable id of one logical process: one checkout, one negotiation.
	WorkflowID = attribute.Key("shop.workflow.id")
	// WorkflowTurn is the number of this request in its process, 1 for the first. Type: int.
	WorkflowTurn = attribute.Key("shop.workflow.turn")
	// CheckoutID is the id of a checkout, as in its URL at the gateway.
	CheckoutID = attribute.Key("shop.checkout.id")
	// OrderID is the id of an order; an order keeps the id of the checkout that it began as.
	OrderID = attribute.Key("shop.order.id")
	// NegotiationID is the id of a price negotiation.
	NegotiationID = attribute.Key("shop.negotiation.id")
	// ContinuationStrategy is persisted, client or linked.
	ContinuationStrategy = attribute.Key("shop.continuation.strategy")
	// ContinuationRejected says why a client's context was not continued: forged, expired,
	// turns, replayed or malformed.
	ContinuationRejected = attribute.Key("shop.continuation.rejected")
	// LinkType says what a link means: one of the Link constants.
	LinkType = attribute.Key("shop.link.type")
	// PaymentOutcome is authorised or declined.
	PaymentOutcome = attribute.Key("shop.payment.outcome")
	// DeclineReason is the issuer's reason for a declined card.
	DeclineReason = attribute.Key("shop.payment.decline_reason")
	// OrderTotal is an amount in minor units of the order's currency. Type: int.
	OrderTotal = attribute.Key("shop.order.total")
	// ReviewDecision is what a person decided: approve or reject.
	ReviewDecision = attribute.Key("shop.review.decision")
	// ReviewWait is how long, in seconds, the order waited for the decision. Type: double.
	ReviewWait = attribute.Key("shop.review.wait")
	// Channel is where a customer shops: web, app, kiosk. It travels as baggage.
	Channel = attribute.Key("shop.channel")
	// ListPrice is the price of one unit, in minor units. Type: int.
	ListPrice = attribute.Key("shop.price.list")
	// AgreedPrice is what was agreed instead, in minor units. Type: int.
	AgreedPrice = attribute.Key("shop.price.agreed")
	// SKU is a product's key in the catalogue.
	SKU = attribute.Key("shop.sku")
	// CacheName says which cache a hit or a miss is of.
	CacheName = attribute.Key("shop.cache.name")
	// OrderState is the state of an order's state machine.
	OrderState = attribute.Key("shop.order.state")
)

// Attribute keys of log records alone.
const (
	// WireDirection is received or sent: the record tells what propagation headers a request had.
	WireDirection = attribute.Key("shop.wire.direction")
	// BaggageMembers are the names of the members of a baggage header, sorted. Their values are
	// anybody's data. Type: string[].
	BaggageMembers = attribute.Key("shop.baggage.members")
	// Discount is what was taken off a list price, in minor units. Type: int.
	Discount = attribute.Key("shop.price.discount")
	// JobName is a job that the admin listener can start.
	JobName = attribute.Key("shop.job.name")
	// DroppedSpans is how many spans a service has dropped. Type: int.
	DroppedSpans = attribute.Key("shop.telemetry.dropped_spans")
	// Signal is traces, logs or metrics.
	Signal = attribute.Key("shop.telemetry.signal")
	// The listeners of a service and where they are: URLs, and host:port for gRPC.
	ListenerHTTP    = attribute.Key("shop.listener.http")
	ListenerTrusted = attribute.Key("shop.listener.trusted")
	ListenerRating  = attribute.Key("shop.listener.rating")
	ListenerGRPC    = attribute.Key("shop.listener.grpc")
	ListenerAdmin   = attribute.Key("shop.listener.admin")
)

// Names of events.
const (
	// EventPriceOverridden: an agreed price took the place of the list price. It has SKU,
	// NegotiationID, ListPrice and AgreedPrice.
	EventPriceOverridden = "shop.price.overridden"
	// EventCacheHit and EventCacheMiss have CacheName.
	EventCacheHit  = "shop.cache.hit"
	EventCacheMiss = "shop.cache.miss"
)

// Values of LinkType.
const (
	LinkPreviousTurn    = "previous_turn"
	LinkOrigin          = "origin"
	LinkProducer        = "producer"
	LinkCaller          = "caller"
	LinkUntrustedCaller = "untrusted_caller"
	LinkQuestion        = "question"    // from a person's decision to the turn that asked
	LinkBatchItem       = "batch_item"  // from a batch or a sweep to what it touched
	LinkCompensates     = "compensates" // from what undoes to what is undone
	LinkReplayOf        = "replay_of"   // from a repeated request to the original
)

// Baggage is what baggage may do in the shop: one member becomes an attribute of every span that
// starts while it is there, and comes in from trusted callers. No other does.
func Baggage() baggagepolicy.Policy {
	return baggagepolicy.Policy{Allow: []string{string(Channel)}}
}

// Link returns a link to sc that says what it means.
func Link(sc trace.SpanContext, linkType string) trace.Link {
	return trace.Link{
		SpanContext: sc,
		Attributes:  []attribute.KeyValue{LinkType.String(linkType)},
	}
}
