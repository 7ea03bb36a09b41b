package order

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/spancontextpayload"
)

// imported is one order of another shop, which has no headers to carry a context in: each line of
// its file says which span it came from.
type imported struct {
	ID       string                         `json:"id"`
	Customer string                         `json:"customer"`
	Trace    spancontextpayload.SpanContext `json:"trace"`
}

// outcome is what became of one imported order.
type outcome struct {
	ID    string `json:"id"`
	Error string `json:"error,omitempty"`
}

// imports opens many orders at once. Each continues the trace that its line names, whoever sends
// the file: the request is a link. A line that fails does not stop the others.
func (t *turns) imports(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Orders []imported `json:"orders"`
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if len(req.Orders) == 0 || len(req.Orders) > 50 {
		return problem.New(422, "invalid-import", "orders: got %d, want 1 to 50", len(req.Orders))
	}
	outcomes := make([]outcome, len(req.Orders))
	for i, line := range req.Orders {
		outcomes[i].ID = t.secrets.Redact(line.ID)
		if err := t.importOne(r.Context(), line); err != nil {
			outcomes[i].Error = t.secrets.Redact(problem.From(err).Detail)
		}
	}
	return httpserver.Respond(w, http.StatusOK, map[string]any{"orders": outcomes})
}

// importOne opens one order. A context that cannot be read costs the trace and not the order: it
// is logged, and the order gets a trace of its own.
func (t *turns) importOne(request context.Context, line imported) error {
	line.Trace.TraceState = t.secrets.RedactMembers(line.Trace.TraceState)
	ctx, malformed := spancontextpayload.Context(request, line.Trace)
	ctx, span := t.tracer.Start(ctx, "import order", trace.WithLinks(
		shop.Link(trace.SpanContextFromContext(request), shop.LinkCaller)))
	defer span.End()
	if malformed != nil {
		t.logger.WarnContext(ctx, "context of an imported order not continued", "error", malformed)
	}
	err := t.open(ctx, &Order{ID: line.ID, Customer: line.Customer})
	failed(span, err)
	return err
}
