// Package baggagepolicy decides which baggage becomes an attribute, which leaves
// the house, and which comes in.
//
// # Problem
//
// Baggage goes wherever the trace goes: to every service, and with any client
// that injects, to the payment provider and the customer's webhook as well.
// Whoever calls can put in what it likes, and a processor that copies baggage to
// attributes then writes it on every span.
//
// # Use
//
// One [Policy] for a service, in three places:
//
//	p := baggagepolicy.Policy{Allow: []string{"tenant"}, Internal: []string{".svc.local"}}
//	sdktrace.WithSpanProcessor(p.Processor())        // tenant becomes an attribute
//	otelhttp.NewTransport(p.Transport(http.DefaultTransport)) // none for strangers
//	h = otelhttp.NewHandler(p.Inbound(h), "")        // at the public edge: none at all
//
// Transport is inside otelhttp's, which injects before it hands the request on,
// so it sees the header that would leave. Inbound sits behind whatever extracts.
// Between services, [Policy.Filter] cuts baggage down to what is allowed.
//
// # Don't use
//
// For secrets, and for what must be true: baggage is neither hidden nor signed.
// With a host list that is longer than your own domains: who is on it can read
// what you carry. Members of many values (user ids) make good attributes and bad
// metric labels.
//
// # Spec
//
// W3C Baggage: 3.3.2 "Limits" (64 members, 8192 bytes), "Privacy" and "Security
// Considerations" (trust boundaries). OpenTelemetry Baggage API.
package baggagepolicy

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The limits of W3C Baggage: below them every implementation must carry baggage.
const (
	MaxMembers = 64
	MaxBytes   = 8192
)

// Policy says what baggage may do. The zero value allows nothing.
type Policy struct {
	// Allow holds the keys that may be attributes, and pass Filter.
	Allow []string
	// Internal holds the hosts that may be sent baggage, without port: a name or
	// address, or with a dot in front a domain and all below it.
	Internal []string
}

// Processor copies allowed members to attributes of the same key on every span
// that starts with them in its context.
func (p Policy) Processor() sdktrace.SpanProcessor {
	return baggagecopy.NewSpanProcessor(p.allowed)
}

// Transport removes the baggage header from requests to hosts that are not
// internal. A redirect is a request too. The request it is given stays as it is.
func (p Policy) Transport(next http.RoundTripper) http.RoundTripper {
	return transport{next: next, policy: p}
}

type transport struct {
	next   http.RoundTripper
	policy Policy
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header["Baggage"] == nil || t.policy.internal(r.URL.Hostname()) {
		return t.next.RoundTrip(r)
	}
	// A copy as shallow as can be: a RoundTripper may not change its request.
	out := *r
	out.Header = r.Header.Clone()
	out.Header.Del("Baggage")
	return t.next.RoundTrip(&out)
}

// Inbound removes the baggage that strangers sent: the header, and the members
// that were extracted already. It belongs at the public edge and behind whatever
// extracts. A span that has been started by then has seen them; in front of it,
// put Inbound there as well.
func (p Policy) Inbound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Baggage"] != nil || baggage.FromContext(r.Context()).Len() > 0 {
			r = r.WithContext(baggage.ContextWithoutBaggage(r.Context()))
			r.Header = r.Header.Clone()
			r.Header.Del("Baggage")
		}
		next.ServeHTTP(w, r)
	})
}

// Filter returns ctx with the baggage that is allowed and within the limits: in
// the order of their keys, members are kept until one does not fit.
func (p Policy) Filter(ctx context.Context) context.Context {
	members := baggage.FromContext(ctx).Members()
	slices.SortFunc(members, func(a, b baggage.Member) int {
		return strings.Compare(a.Key(), b.Key())
	})
	bag, size := baggage.Baggage{}, -1
	for _, m := range members {
		if !p.allowed(m) {
			continue
		}
		size += 1 + len(m.String()) // a comma in front of all but the first
		if size > MaxBytes || bag.Len() == MaxMembers {
			break
		}
		next, err := bag.SetMember(m)
		if err != nil {
			continue // of a member that is not valid nothing is kept
		}
		bag = next
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

func (p Policy) allowed(m baggage.Member) bool { return slices.Contains(p.Allow, m.Key()) }

func (p Policy) internal(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host != "" && slices.ContainsFunc(p.Internal, func(known string) bool {
		known = strings.ToLower(known)
		return host == known ||
			strings.HasPrefix(known, ".") && (strings.HasSuffix(host, known) || host == known[1:])
	})
}
