package gateway

import (
	"encoding/json"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/httpserver"
)

// listProducts is a read that belongs to no process. The call to pricing is the one that is
// instrumented by hand on both sides; pricing's is in its products.go.
func (a *api) listProducts(w http.ResponseWriter, r *http.Request) error {
	turnOf(r.Context()).addLinks(trace.SpanFromContext(r.Context()))
	var answer json.RawMessage
	err := httpclient.JSON(r.Context(), a.shelf, http.MethodGet, a.products, nil, &answer)
	if err != nil {
		return err
	}
	return httpserver.Respond(w, http.StatusOK, answer)
}
