package gateway

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/b3bridge"
	"example.com/throughline/patterns/clientreturned"
)

// Wire makes the parts of a gateway, and its faults, all off.
func Wire(cfg Config, tel *telemetry.Telemetry) Deps {
	keys := cfg.SigningKeys
	if len(keys) == 0 {
		tel.Logger.Warn("GATEWAY_SIGNING_KEYS is not set: the key is generated, " +
			"so that clients' contexts hold for this replica only, and until it restarts")
		keys = [][]byte{generateKey()}
	}
	signer := &clientreturned.Signer{
		Vendor: "throughline", Keys: keys, TTL: cfg.MaxAge, MaxTurns: cfg.MaxTurns,
	}
	faults := &fault.Set{}
	forged := faults.Declare("forged-context-accepted",
		"The gateway continues any context that a client sends, without checking its signature.")
	return Deps{
		Telemetry:      tel,
		Redis:          redisclient.New(tel, cfg.RedisAddr),
		Upstream:       httpclient.New(tel, httpclient.Options{Timeout: 5 * time.Second}),
		Signer:         signer,
		Verifier:       gullible{sw: forged, good: signer},
		TrustedInbound: b3bridge.Propagator{},
		Faults:         faults,
	}
}

// gullible is a fault: while it is on, whatever parses is taken for ours.
type gullible struct {
	sw   *fault.Switch
	good Verifier
}

func (g gullible) Verify(sc trace.SpanContext, workflow string) (
	clientreturned.Claims, trace.SpanContext, error,
) {
	if g.sw.On() && sc.IsValid() {
		return clientreturned.Claims{Turn: 1}, sc.WithRemote(true), nil
	}
	return g.good.Verify(sc, workflow)
}
