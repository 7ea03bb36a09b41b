package pricing

import (
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/b3bridge"
	"example.com/throughline/patterns/underroot"
)

// Wire makes the parts of a pricing service, and its faults, all off. The spans of tel come under
// their control.
func Wire(cfg Config, tel *telemetry.Telemetry) Deps {
	faults := &fault.Set{}
	tel.TracerProvider = tracing(tel, faults)
	tel.MeterProvider = measuring(tel, faults)
	return Deps{
		Telemetry: tel,
		Redis:     redisclient.New(tel, cfg.RedisAddr),
		Inbound: tel.Inbound(propagation.NewCompositeTextMapPropagator(
			inbound(faults), underroot.Propagator{})),
		RatingInbound: b3bridge.Propagator{Read: b3bridge.B3, Write: b3bridge.B3Multi},
		Rating: httpclient.New(tel, httpclient.Options{
			Propagator: toRating(tel, faults),
		}),
		FanOut: fanOut(tel, faults),
		Faults: faults,
	}
}
