package pricing

import (
	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/b3bridge"
)

// Wire makes the parts of a pricing service, and its faults, all off.
func Wire(cfg Config, tel *telemetry.Telemetry) Deps {
	faults := &fault.Set{}
	mismatch := faults.Declare("w3c-b3-mismatch",
		"pricing writes W3C headers to the rating listener, which reads only B3.")
	b3 := b3bridge.Propagator{Write: b3bridge.B3Multi}
	return Deps{
		Telemetry:     tel,
		Redis:         redisclient.New(tel, cfg.RedisAddr),
		Inbound:       b3bridge.Propagator{},
		RatingInbound: b3bridge.Propagator{Read: b3bridge.B3, Write: b3bridge.B3Multi},
		Rating: httpclient.New(tel, httpclient.Options{
			Propagator: fault.Propagator(mismatch, b3, tel.Propagator),
		}),
		Faults: faults,
	}
}
