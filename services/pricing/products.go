package pricing

import (
	"net/http"

	"example.com/throughline/internal/catalogue"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/patterns/manualhttp"
)

// products serves the list of what is sold. It is the one route whose SERVER span is started by
// hand; the gateway's call to it is the one whose CLIENT span is.
func products(r *httpserver.Router, deps Deps) {
	byHand := func(next http.Handler) http.Handler {
		return manualhttp.Handler{
			Tracer:     deps.Telemetry.TracerProvider.Tracer(scope),
			Propagator: deps.Inbound, Route: "/products", Next: next,
		}
	}
	r.HandleWith(byHand, "GET /products", func(w http.ResponseWriter, _ *http.Request) error {
		return httpserver.Respond(w, http.StatusOK, map[string]any{
			"currency": catalogue.Currency, "products": catalogue.Products(),
		})
	})
}
