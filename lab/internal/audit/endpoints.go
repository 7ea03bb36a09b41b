package audit

import (
	"maps"
	"slices"
	"strings"
)

// endpoint is one route on one listener, and a request that it accepts. In path and body, {id} is
// the id of a checkout in the state wanted, and other words in braces are made when it is sent.
type endpoint struct {
	at     string // listener: a target of the fleet, or "SERVICE admin"
	route  string // "POST /checkouts", as the service declares it
	state  string // of the checkout, or negotiation: what is done first
	query  string
	body   string
	name   string // what {name} of the path is: a job or a fault
	status int    // of the answer to a request that is accepted
}

func (e endpoint) String() string { return e.at + " " + e.route }

func (e endpoint) method() string { method, _, _ := strings.Cut(e.route, " "); return method }

// endpoints are those of a fleet, but for gRPC. The test of this package compares them with the
// source: a route that is not here is an error.
func endpoints(admins []string) []endpoint {
	var all []endpoint
	for _, at := range []string{"gateway", "gateway-trusted"} {
		all = append(all, on(at, gatewayRoutes())...)
	}
	all = append(all, on("order", orderRoutes())...)
	all = append(all, on("pricing", pricingRoutes())...)
	all = append(all, on("rating", ratingRoutes())...)
	all = append(all, on("jobs", []endpoint{{route: "POST /payment/settle", status: 200,
		body: `{"args":["--older-than","24h"],"env":{"TRACEPARENT":"{traceparent}","TRACESTATE":"a=1","BAGGAGE":"b=1"}}`}})...)
	all = append(all, on("payment admin", []endpoint{
		{route: "GET /dead-letters", query: "order_id=x", status: 200},
		{route: "POST /dead-letters/{id}/replay", status: 404}})...)
	for _, service := range admins {
		all = append(all, on(service+" admin", adminRoutes(service))...)
	}
	return all
}

func on(at string, list []endpoint) []endpoint {
	for i := range list {
		list[i].at = at
	}
	return list
}

const negotiation = "negotiation"

func gatewayRoutes() []endpoint {
	return []endpoint{
		{route: "GET /products", status: 200},
		{route: "POST /checkouts", status: 201,
			body: `{"customer":"{customer}","continuation":"linked","callback_url":"{hook}"}`},
		{route: "GET /checkouts/{id}", state: "created", status: 200},
		{route: "GET /checkouts/{id}/events", state: "created", query: "limit=1", status: 200},
		{route: "GET /checkouts/{id}/receipt", state: "confirmed", status: 200},
		{route: "PUT /checkouts/{id}/items", state: "created", status: 200, body: `{"items":[{"sku":"mug","qty":1}]}`},
		{route: "PUT /checkouts/{id}/shipping", state: "filled", status: 200, body: `{"country":"DE","method":"standard"}`},
		{route: "POST /checkouts/{id}/quote", state: "addressed", status: 200, body: `{"discount_code":"","negotiation_id":""}`},
		{route: "POST /checkouts/{id}/payment", state: "quoted", status: 200, body: `{"card_token":"{token}"}`},
		{route: "POST /checkouts/{id}/confirm", state: "authorised", status: 200, body: `{}`},
		{route: "POST /callbacks/{id}", state: "confirmed", status: 200, body: `{"status":"received"}`},
		{route: "POST /negotiations", status: 201, body: `{"sku":"mug","qty":1,"offer":1}`},
		{route: "GET /negotiations/{id}", state: negotiation, status: 200},
		{route: "POST /negotiations/{id}/counter", state: negotiation, status: 200, body: `{"offer":2}`},
		{route: "POST /negotiations/{id}/accept", state: negotiation, status: 200, body: `{}`},
	}
}

func orderRoutes() []endpoint {
	return []endpoint{
		{route: "POST /orders", status: 201, body: `{"id":"{new}","customer":"{customer}","callback_url":"{hook}"}`},
		{route: "POST /imports", status: 200, body: `{"orders":[{"id":"{new}","customer":"{customer}","trace":` +
			`{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":"01","trace_state":"a=1"}}]}`},
		{route: "GET /orders/{id}", state: "created", status: 200},
		{route: "GET /orders/{id}/receipt", state: "confirmed", status: 200},
		{route: "GET /orders/{id}/events", state: "created", query: "limit=1", status: 200},
		{route: "PUT /orders/{id}/items", state: "created", status: 200, body: `{"items":[{"sku":"mug","qty":1}]}`},
		{route: "PUT /orders/{id}/shipping", state: "filled", status: 200, body: `{"country":"DE","method":"standard"}`},
		{route: "POST /orders/{id}/quote", state: "addressed", status: 200, body: `{"discount_code":"","negotiation_id":""}`},
		{route: "POST /orders/{id}/payment", state: "quoted", status: 200, body: `{"card_token":"{token}"}`},
		{route: "POST /orders/{id}/confirm", state: "authorised", status: 200, body: `{}`},
		{route: "POST /orders/{id}/review", state: "in review", status: 200, body: `{"decision":"approve","reviewer":"{customer}"}`},
		{route: "PUT /orders/{id}/acknowledgement", state: "confirmed", status: 200, body: `{"status":"received"}`},
	}
}

func pricingRoutes() []endpoint {
	return []endpoint{
		{route: "GET /products", status: 200},
		{route: "POST /quotes", status: 200, body: `{"order_id":"{new}","items":[{"sku":"mug","qty":1}],` +
			`"country":"DE","method":"standard","discount_code":"","negotiation_id":""}`},
		{route: "POST /negotiations", status: 201, body: `{"id":"{new}","sku":"mug","qty":1,"offer":1}`},
		{route: "GET /negotiations/{id}", state: negotiation, status: 200},
		{route: "POST /negotiations/{id}/counter", state: negotiation, status: 200, body: `{"offer":2}`},
		{route: "POST /negotiations/{id}/accept", state: negotiation, status: 200, body: `{}`},
	}
}

func ratingRoutes() []endpoint {
	return []endpoint{
		{route: "POST /rates/tax", status: 200, body: `{"reference":"{new}","country":"DE"}`},
		{route: "POST /rates/discount", status: 200, body: `{"reference":"{new}","code":"","net":100,"units":1}`},
		{route: "POST /rates/shipping", status: 200, body: `{"reference":"{new}","country":"DE","method":"standard","weight":100}`},
	}
}

// harmless are a job and a fault that may be run and switched while nothing else happens. The
// shell that runs jobs has neither.
func harmless(service string) (job, fault string) {
	faults := map[string]string{"gateway": "stale-context", "order": "ratio-sampler-downstream",
		"pricing": "clock-skew", "payment": "polls-outside-the-trace"}
	if service == "order" {
		job = "fulfil"
	}
	return job, faults[service]
}

func adminRoutes(service string) []endpoint {
	job, fault := harmless(service)
	ok := func(name string, status int) int {
		if name == "" {
			return 404
		}
		return status
	}
	return []endpoint{
		{route: "GET /livez", status: 200},
		{route: "GET /readyz", status: 200},
		{route: "GET /ledger", status: 200},
		{route: "POST /quiesce", status: 200},
		{route: "POST /jobs/{name}", name: job, status: ok(job, 200)},
		{route: "GET /faults", status: 200},
		{route: "PUT /faults/{name}", name: fault, status: ok(fault, 204)},
		{route: "DELETE /faults/{name}", name: fault, status: ok(fault, 204)},
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
