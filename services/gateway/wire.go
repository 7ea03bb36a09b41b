package gateway

import (
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/b3bridge"
	"example.com/throughline/patterns/boundary"
	"example.com/throughline/patterns/clientreturned"
	"example.com/throughline/patterns/manualhttp"
	"example.com/throughline/patterns/persistedcontext"
	"example.com/throughline/patterns/underroot"
)

// Wire makes the parts of a gateway, and its faults, all off. The spans of tel come under their
// control.
func Wire(cfg Config, tel *telemetry.Telemetry) Deps {
	keys := cfg.SigningKeys
	if len(keys) == 0 {
		tel.Logger.Warn("GATEWAY_SIGNING_KEYS is not set: the key is generated, " +
			"so that clients' contexts hold for this replica only, and until it restarts")
		keys = [][]byte{generateKey()}
	}
	faults := &fault.Set{}
	tel.TracerProvider = tracing(tel, faults)
	client := redisclient.New(tel, cfg.RedisAddr)
	signer := &clientreturned.Signer{
		Vendor: "throughline", Keys: keys, MaxAge: cfg.MaxAge, MaxTurns: cfg.MaxTurns,
		Used: used{redis: client, prefix: cfg.KeyPrefix + "used:"}.before,
	}
	forged := faults.Declare("forged-context-accepted",
		"The gateway continues any context that a client sends, without checking its signature.")
	overPublic, overTrusted := over(faults)
	way := network(faults)
	return Deps{
		Telemetry: tel,
		Redis:     client,
		Upstream: httpclient.New(tel, httpclient.Options{
			Timeout: 5 * time.Second, Base: way,
			Propagator: propagation.NewCompositeTextMapPropagator(
				tel.Propagator, underroot.Propagator{}),
		}),
		Shelf: httpclient.New(tel, httpclient.Options{
			Base: way,
			Instrument: func(next http.RoundTripper) http.RoundTripper {
				return manualhttp.Transport{
					Tracer:     tel.TracerProvider.Tracer(scope),
					Propagator: tel.Propagator, Base: next,
				}
			},
		}),
		Contexts: contexts(cfg, client, faults),
		Signer:   signer,
		Verifier: gullible{sw: forged, good: signer},
		Boundary: headers(faults), PublicOver: overPublic, TrustedOver: overTrusted,
		TrustedInbound: tel.Inbound(b3bridge.Propagator{TraceContext: boundary.Propagator{}}),
		Faults:         faults,
	}
}

// contexts keeps the context of a checkout for as long as the order itself; a trace has its own
// lifetime within that.
func contexts(cfg Config, client *redis.Client, faults *fault.Set) ContextStore {
	stale := faults.Declare("stale-context",
		"A persisted context is never rotated: the trace lives for as long as the checkout.")
	rotating := persistedcontext.Store{
		Client: client, Prefix: cfg.KeyPrefix + "trace:", TTL: ttl,
		MaxTurns: cfg.MaxTurns, MaxAge: cfg.MaxAge,
	}
	endless := rotating
	endless.MaxTurns, endless.MaxAge = 0, 0
	return hoarder{sw: stale, good: &rotating, bad: &endless}
}
