package pricing

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
)

// The wire format of the rating listener. Amounts are in minor units, weights in grams.
type (
	taxRequest struct {
		Reference string `json:"reference"`
		Country   string `json:"country"`
	}
	taxResponse struct {
		BasisPoints int64 `json:"basis_points"` // 1900 is 19 %
	}
	discountRequest struct {
		Reference string `json:"reference"`
		Code      string `json:"code"`
		Net       int64  `json:"net"`
		Units     int64  `json:"units"`
	}
	shippingRequest struct {
		Reference string `json:"reference"`
		Country   string `json:"country"`
		Method    string `json:"method"`
		Weight    int64  `json:"weight"`
	}
	amountResponse struct {
		Amount int64 `json:"amount"`
	}
)

// newRating serves the rating listener: the old fleet that reads and writes only B3.
func newRating(cfg Config, deps Deps, work *inflight.Tracker) http.Handler {
	router := httpserver.New(httpserver.Options{
		Telemetry: deps.Telemetry, Propagator: deps.RatingInbound, Inflight: work,
	})
	partner := partner{redis: deps.Redis, prefix: cfg.KeyPrefix + "partner:"}
	router.Handle("POST /rates/tax", rate(func(
		_ context.Context, req taxRequest,
	) (string, any, error) {
		points, ok := taxRates()[req.Country]
		if !ok {
			return req.Reference, nil, problem.New(422, "unknown-country",
				"country %.64q: not served", req.Country)
		}
		return req.Reference, taxResponse{BasisPoints: points}, nil
	}))
	router.Handle("POST /rates/discount", rate(func(
		ctx context.Context, req discountRequest,
	) (string, any, error) {
		if err := partner.check(ctx, req.Code, req.Reference); err != nil {
			return req.Reference, nil, err
		}
		amount, err := discount(req.Code, req.Net, req.Units)
		return req.Reference, amountResponse{Amount: amount}, err
	}))
	router.Handle("POST /rates/shipping", rate(func(
		_ context.Context, req shippingRequest,
	) (string, any, error) {
		amount, err := postage(req.Country, req.Method, req.Weight)
		return req.Reference, amountResponse{Amount: amount}, err
	}))
	return router
}

// rate adapts a function of the request to a handler, and puts the business id on the span:
// the reference is all that joins a severed piece to its order.
func rate[T any](
	answer func(context.Context, T) (reference string, response any, err error),
) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var req T
		if err := httpserver.Decode(r, &req); err != nil {
			return err
		}
		reference, response, err := answer(r.Context(), req)
		if id.Valid(reference) {
			trace.SpanFromContext(r.Context()).SetAttributes(
				shop.WorkflowID.String(reference), shop.OrderID.String(reference))
		}
		if err != nil {
			return err
		}
		return httpserver.Respond(w, http.StatusOK, response)
	}
}

// taxRates are the standard rates of value added tax, in basis points, by country.
func taxRates() map[string]int64 {
	return map[string]int64{
		"AT": 2000, "BE": 2100, "CH": 810, "DE": 1900, "DK": 2500, "ES": 2100,
		"FR": 2000, "GB": 2000, "IE": 2300, "IT": 2200, "NL": 2100, "SE": 2500, "US": 0,
	}
}

// discount returns what a code takes off. No code, no discount.
func discount(code string, net, units int64) (int64, error) {
	switch code {
	case "":
		return 0, nil
	case "WELCOME10":
		return net / 10, nil
	case "BULK5":
		if units < 10 {
			return 0, problem.New(422, "discount-not-met", "BULK5: %d units, want 10 or more", units)
		}
		return net / 20, nil
	case partnerCode:
		return net * 15 / 100, nil
	default:
		return 0, problem.New(422, "unknown-discount",
			"discount_code %.64q: want WELCOME10, BULK5 or PARTNER15", code)
	}
}

// postage returns the price of a parcel by weight and zone; express costs two and a half times.
func postage(country, method string, grams int64) (int64, error) {
	if _, ok := taxRates()[country]; !ok {
		return 0, problem.New(422, "unknown-country", "country %.64q: not served", country)
	}
	if method != "standard" && method != "express" {
		return 0, problem.New(422, "invalid-method",
			"method %.64q: want standard or express", method)
	}
	bands := []struct{ upTo, price int64 }{
		{500, 390}, {2_000, 590}, {10_000, 1090}, {31_500, 1990},
	}
	i, _ := slices.BinarySearchFunc(bands, grams, func(b struct{ upTo, price int64 }, g int64) int {
		return cmp.Compare(b.upTo, g)
	})
	price := int64(4900) // freight
	if i < len(bands) {
		price = bands[i].price
	}
	if country == "US" || country == "GB" || country == "CH" {
		price *= 2
	}
	if method == "express" {
		price = price * 5 / 2
	}
	return price, nil
}

// ratingClient calls a rating listener.
type ratingClient struct {
	client *http.Client
	url    string
	fanOut FanOut
}

func (c ratingClient) tax(ctx context.Context, ref, country string) (int64, error) {
	var resp taxResponse
	err := c.post(ctx, "/rates/tax", taxRequest{Reference: ref, Country: country}, &resp)
	return resp.BasisPoints, err
}

func (c ratingClient) discount(
	ctx context.Context, ref, code string, net, units int64,
) (int64, error) {
	var resp amountResponse
	req := discountRequest{Reference: ref, Code: code, Net: net, Units: units}
	err := c.post(ctx, "/rates/discount", req, &resp)
	return resp.Amount, err
}

func (c ratingClient) shipping(
	ctx context.Context, ref, country, method string, weight int64,
) (int64, error) {
	var resp amountResponse
	req := shippingRequest{Reference: ref, Country: country, Method: method, Weight: weight}
	err := c.post(ctx, "/rates/shipping", req, &resp)
	return resp.Amount, err
}

func (c ratingClient) post(ctx context.Context, path string, req, resp any) error {
	return httpclient.JSON(ctx, c.client, http.MethodPost, c.url+path, req, resp)
}
