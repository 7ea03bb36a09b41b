package httpclient

import (
	"net/http"
	"time"

	"example.com/throughline/internal/id"
	"example.com/throughline/patterns/retry"
)

// repeating sends a request that failed again: above the CLIENT span, so that each attempt has
// one of its own.
func repeating(instrumented http.RoundTripper) http.RoundTripper {
	return keyed{retry.Transport{Base: instrumented, MinDelay: 50 * time.Millisecond}}
}

// keyed says of every request that it may be repeated, whatever its method. All attempts at one
// request have the same key.
type keyed struct{ next http.RoundTripper }

func (t keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Idempotency-Key") == "" {
		r = r.Clone(r.Context()) // a RoundTripper may not change the request it was given
		r.Header.Set("Idempotency-Key", id.New())
	}
	return t.next.RoundTrip(r)
}
