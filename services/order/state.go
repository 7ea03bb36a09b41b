package order

import (
	"slices"
	"time"

	"example.com/throughline/internal/problem"
	"example.com/throughline/patterns/spancontextpayload"
)

// State is where an order stands. Each turn of a checkout moves it one step on.
type State string

// The states, in the order of the turns that lead to them.
const (
	Created    State = "created"
	Filled     State = "filled"     // has items
	Addressed  State = "addressed"  // has a shipping address
	Quoted     State = "quoted"     // has a price
	Authorised State = "authorised" // has a good card and reserved stock
	InReview   State = "in_review"  // waits for a person
	Approved   State = "approved"   // a person agreed
	Confirmed  State = "confirmed"  // is placed; its payment follows
	Fulfilled  State = "fulfilled"  // is packed
	Rejected   State = "rejected"   // a person did not agree
	Expired    State = "expired"    // was abandoned
)

// Item is one line of an order.
type Item struct {
	SKU string `json:"sku"`
	Qty int64  `json:"qty"`
}

// Shipping is where and how an order is sent.
type Shipping struct {
	Country string `json:"country"` // ISO 3166-1 alpha-2
	Method  string `json:"method"`  // standard or express
}

// Quote is the price of an order, as pricing gives it. Amounts are in minor units.
type Quote struct {
	Currency string `json:"currency"`
	Net      int64  `json:"net"`
	Discount int64  `json:"discount"`
	Shipping int64  `json:"shipping"`
	Tax      int64  `json:"tax"`
	Total    int64  `json:"total"`
}

// Order is the document that order keeps in Redis, and what it answers.
type Order struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	State    State     `json:"state"`
	Items    []Item    `json:"items,omitempty"`
	Shipping *Shipping `json:"shipping,omitempty"`
	Quote    *Quote    `json:"quote,omitempty"`
	Payment  string    `json:"payment,omitempty"` // state of the payment, asked of payment
	Review   *Review   `json:"review,omitempty"`

	CallbackURL     string           `json:"callback_url,omitempty"` // is told what becomes of it
	Acknowledgement *Acknowledgement `json:"acknowledgement,omitempty"`

	// LastTurn and Reserved are spans that later traces link to: that of the last turn, and that
	// which reserved the stock.
	LastTurn spancontextpayload.SpanContext  `json:"last_turn,omitzero"`
	Reserved *spancontextpayload.SpanContext `json:"reserved,omitempty"`
	Created  time.Time                       `json:"created"`
}

// shown is the order without what is nobody's business but ours.
func (o Order) shown() Order {
	o.LastTurn, o.Reserved = spancontextpayload.SpanContext{}, nil
	if o.Review != nil {
		review := *o.Review
		review.Question = spancontextpayload.SpanContext{}
		o.Review = &review
	}
	return o
}

// require returns a 409 problem unless the order is in one of the states.
func (o *Order) require(turn string, states ...State) error {
	if slices.Contains(states, o.State) {
		return nil
	}
	return problem.New(409, "wrong-state",
		"%s: the order is %s, want %v", turn, o.State, states)
}

// abandonable reports whether a checkout is one that its customer may have left for good.
func (o *Order) abandonable() bool {
	return slices.Contains(append(open(), Authorised), o.State)
}

// open are the states in which a customer may still change what is ordered.
func open() []State { return []State{Created, Filled, Addressed, Quoted} }

// fill sets the items. A price that was given for others is gone.
func (o *Order) fill(items []Item) error {
	if err := o.require("items", open()...); err != nil {
		return err
	}
	o.Items, o.Quote, o.State = items, nil, Filled
	if o.Shipping != nil {
		o.State = Addressed
	}
	return nil
}

// address sets the shipping. It needs items, and a price for another address is gone.
func (o *Order) address(to Shipping) error {
	if err := o.require("shipping", open()[1:]...); err != nil {
		return err
	}
	o.Shipping, o.Quote, o.State = &to, nil, Addressed
	return nil
}

func (o *Order) price(q Quote) error {
	if err := o.require("quote", Addressed, Quoted); err != nil {
		return err
	}
	o.Quote, o.State = &q, Quoted
	return nil
}

func (o *Order) authorise(reserved spancontextpayload.SpanContext) error {
	if err := o.require("payment", Quoted); err != nil {
		return err
	}
	o.State, o.Reserved = Authorised, &reserved
	return nil
}

// await parks an order for a person's decision.
func (o *Order) await() error {
	if err := o.require("confirm", Authorised); err != nil {
		return err
	}
	o.State = InReview
	return nil
}

// decide takes a person's decision.
func (o *Order) decide(decision, reviewer string) error {
	if err := o.require("review", InReview); err != nil {
		return err
	}
	o.Review.Decision, o.Review.Reviewer = decision, reviewer
	o.State = Rejected
	if decision == "approve" {
		o.State = Approved
	}
	return nil
}

func (o *Order) confirm() error {
	if err := o.require("confirm", Authorised, Approved); err != nil {
		return err
	}
	o.State = Confirmed
	return nil
}

// fulfil may come again.
func (o *Order) fulfil() error {
	if err := o.require("fulfilment", Confirmed, Fulfilled); err != nil {
		return err
	}
	o.State = Fulfilled
	return nil
}

// unchanged returns a 409 problem when the order is no longer what a decision was based on.
func (o *Order) unchanged(since Order) error {
	same := slices.Equal(o.Items, since.Items) &&
		(o.Shipping == nil) == (since.Shipping == nil) &&
		(o.Shipping == nil || *o.Shipping == *since.Shipping) &&
		(o.Quote == nil) == (since.Quote == nil) &&
		(o.Quote == nil || *o.Quote == *since.Quote)
	if !same {
		return problem.New(409, "conflict", "order %s: changed by others meanwhile", o.ID)
	}
	return nil
}
