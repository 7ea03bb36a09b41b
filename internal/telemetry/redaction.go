package telemetry

import (
	"log/slog"

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
		Keys:  []string{"card_token", "card_number", "cvc"},
	})
}

// redacted puts r in front of both exporters.
func (o outputs) redacted(r *redact.Redactor) outputs {
	if r != nil {
		o.spans, o.logs = r.Spans(o.spans), r.Logs(o.logs)
	}
	return o
}

// quiet puts r in front of a logger. What goes to OTLP is redacted at the exporter once more, as
// records of other loggers are; stdout has no exporter.
func quiet(r *redact.Redactor, logger *slog.Logger) *slog.Logger {
	if r == nil {
		return logger
	}
	return slog.New(r.Handler(logger.Handler()))
}
