package gateway

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
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
	believed := faults.Declare("sampled-out-by-caller",
		"The public edge extracts the context of strangers, and with it their sampling decision.")
	return Deps{
		Telemetry: tel,
		Redis:     redisclient.New(tel, cfg.RedisAddr),
		Upstream: httpclient.New(tel, httpclient.Options{
			Timeout: 5 * time.Second, Base: network(faults),
		}),
		Signer:   signer,
		Verifier: gullible{sw: forged, good: signer},
		PublicInbound: fault.Propagator(believed,
			propagation.NewCompositeTextMapPropagator(), propagation.TraceContext{}),
		TrustedInbound: b3bridge.Propagator{},
		Faults:         faults,
	}
}

// network is the way to order and pricing, and what a proxy there may do to the headers.
func network(faults *fault.Set) http.RoundTripper {
	stripped := faults.Declare("header-stripped",
		"A proxy behind the gateway passes on only the headers that it knows: no traceparent.")
	rewritten := faults.Declare("header-rewritten",
		"A proxy behind the gateway makes itself the parent, and reports no span of its own.")
	way := httpclient.NewTransport()
	way = fault.Tamper(stripped, way, func(h http.Header) {
		h.Del("traceparent")
		h.Del("tracestate")
	})
	return fault.Tamper(rewritten, way, func(h http.Header) {
		// version "-" trace-id "-" parent-id "-" trace-flags (W3C Trace Context, 3.2.2)
		if fields := strings.Split(h.Get("traceparent"), "-"); len(fields) == 4 {
			fields[2] = fmt.Sprintf("%016x", rand.Uint64()|1)
			h.Set("traceparent", strings.Join(fields, "-"))
		}
	})
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
