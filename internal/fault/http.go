package fault

import "net/http"

// Tamper returns a round tripper that lets edit change the headers of every request while the
// fault is on: what a proxy on the way does. It belongs below the CLIENT span, where the context
// is injected already.
func Tamper(sw *Switch, next http.RoundTripper, edit func(http.Header)) http.RoundTripper {
	return Transport(sw, next, RoundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		edit(r.Header)
		return next.RoundTrip(r)
	}))
}

// RoundTripper is a function as an http.RoundTripper.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Middleware returns a middleware that goes through bad while the fault is on. A nil function
// adds nothing.
func Middleware(
	sw *Switch, good, bad func(http.Handler) http.Handler,
) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		wrap := func(m func(http.Handler) http.Handler) http.Handler {
			if m == nil {
				return next
			}
			return m(next)
		}
		right, wrong := wrap(good), wrap(bad)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			Pick(sw, right, wrong).ServeHTTP(w, r)
		})
	}
}
