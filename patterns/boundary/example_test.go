package boundary

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/propagation"
)

// A stranger sends its tracestate in three fields, one member of it in the
// grammar of level 2, and baggage that nobody asked for.
func Example() {
	prop := propagation.NewCompositeTextMapPropagator(Propagator{}, propagation.Baggage{})
	edge := Edge{}
	server := edge.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := prop.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		fmt.Println("new root with a link:", edge.Public(r.WithContext(ctx)))

		out := propagation.MapCarrier{}
		prop.Inject(ctx, out)
		for _, name := range []string{"traceparent", "tracestate", "baggage"} {
			fmt.Printf("%s: %q\n", name, out[name])
		}
	}))

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	r.Header.Add("tracestate", "congo=t61rcWkgMzE")
	r.Header.Add("tracestate", "")
	r.Header.Add("tracestate", "shop@@eu=7, rojo=1")
	r.Header.Set("baggage", "admin=true")
	server.ServeHTTP(httptest.NewRecorder(), r)

	// Output:
	// new root with a link: true
	// traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	// tracestate: "congo=t61rcWkgMzE,shop@@eu=7,rojo=1"
	// baggage: ""
}
