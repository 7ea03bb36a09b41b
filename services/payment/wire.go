package payment

import (
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry"
)

// Wire makes the parts of a payment service, and its faults, all off.
func Wire(cfg Config, tel *telemetry.Telemetry) Deps {
	faults := &fault.Set{}
	noExtract := faults.Declare("consumer-without-extract",
		"The settlement consumer does not read the context that the message carries.")
	client := redisclient.New(tel, cfg.RedisAddr)
	client.AddHook(polls(tel, faults))
	return Deps{
		Telemetry: tel,
		Redis:     client,
		MessagePropagator: fault.Propagator(noExtract,
			tel.Propagator, propagation.NewCompositeTextMapPropagator()),
		Handoff: handoff(faults),
		Faults:  faults,
	}
}
