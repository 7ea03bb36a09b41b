package telemetry

import (
	"log/slog"
	"regexp"

	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"example.com/throughline/patterns/redact"
)

// newRedactor returns what stands between the SDK and every output of a service, nil when cfg
// says so. A nil redactor changes nothing.
func newRedactor(cfg Config) *redact.Redactor {
	if cfg.Unredacted {
		return nil
	}
	query := cfg.Query
	if query == nil {
		query = []string{"page", "limit"}
	}
	return redact.New(redact.Rules{
		Query: query,
		// The words of our routes, and our ids. A token in a path mostly has more than that.
		Segment: regexp.MustCompile(`^[a-z0-9]{0,64}$`),
		Keys:    []string{"card_token", "card_number", "cvc"},
	})
}

// redacted puts r in front of both exporters.
func (o outputs) redacted(r *redact.Redactor) outputs {
	if r != nil {
		o.spans, o.logs = r.Spans(o.spans), r.Logs(o.logs)
	}
	return o
}

// redactedResource is the resource of all three signals.
func redactedResource(r *redact.Redactor, res *resource.Resource) *resource.Resource {
	if r == nil {
		return res
	}
	return r.Resource(res)
}

// labels are the views of a meter provider.
func labels(r *redact.Redactor) []sdkmetric.Option {
	if r == nil {
		return nil
	}
	return []sdkmetric.Option{sdkmetric.WithView(r.View)}
}

// quiet puts r in front of a logger. What goes to OTLP is redacted at the exporter once more, as
// records of other loggers are; stdout has no exporter.
func quiet(r *redact.Redactor, logger *slog.Logger) *slog.Logger {
	if r == nil {
		return logger
	}
	return slog.New(r.Handler(logger.Handler()))
}

// Inbound returns a propagator that extracts what p does, without the members of tracestate and
// baggage that hold a secret: what is let in goes into spans, messages and Redis. Telemetry's own
// Propagator is one. A nil Telemetry changes nothing, here and below.
func (t *Telemetry) Inbound(p propagation.TextMapPropagator) propagation.TextMapPropagator {
	if t == nil || t.redactor == nil {
		return p
	}
	return t.redactor.Propagator(p)
}

// Redact returns text for people, such as what an answer says of a request, without secrets.
func (t *Telemetry) Redact(text string) string {
	if t == nil || t.redactor == nil {
		return text
	}
	return t.redactor.Text(text)
}

// RedactMembers returns a tracestate that came by another way than headers, without the members
// that hold a secret.
func (t *Telemetry) RedactMembers(tracestate string) string {
	if t == nil || t.redactor == nil {
		return tracestate
	}
	return t.redactor.Members(tracestate)
}
