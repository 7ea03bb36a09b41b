package control

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

// through is where requests come in that go on to a service.
const through = "/to/"

// Through is [Handler] for services that the lab reaches and its callers do not, because they are
// on a network of their own:
//
//	GET /platform        addresses below /to/ of the host that the caller asked
//	*   /to/{name}/...   goes on to a service, by the names that turns of scenarios use
//
// A request goes on as it came, headers and all; none of it is recorded. Requests that a page of
// another origin makes a browser send are refused, for behind this are admin listeners.
func Through(fleet scenario.Fleet, store *tracetree.Store) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", Handler(fleet, store))
	mux.HandleFunc("GET /platform", func(w http.ResponseWriter, r *http.Request) {
		respond(w, below(fleet, "http://"+r.Host+through))
	})
	forward := http.NewCrossOriginProtection().Handler(forwarder{fleet, &http.Transport{
		// As little as can be between a scenario and a service, and nothing to close.
		DisableCompression: true, DisableKeepAlives: true,
	}})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not through the mux, which would answer a path like //x itself.
		if strings.HasPrefix(r.URL.Path, through) {
			forward.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// below returns a fleet with addresses below base.
func below(fleet scenario.Fleet, base string) scenario.Fleet {
	out := scenario.Fleet{Targets: map[string]string{}, Admin: map[string]string{}}
	for name := range fleet.Targets {
		out.Targets[name] = base + name
	}
	for service := range fleet.Admin {
		out.Admin[service] = base + service + "-admin"
	}
	return out
}

type forwarder struct {
	fleet     scenario.Fleet
	transport http.RoundTripper
}

func (f forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), through), "/")
	base, ok := f.fleet.Target(name)
	if !ok {
		problem.Write(w, r, problem.New(http.StatusNotFound, "unknown-service",
			"no service %.40q is known here", name))
		return
	}
	target, err := url.Parse(base + "/" + path)
	if err != nil {
		problem.Write(w, r, problem.New(http.StatusBadRequest, "bad-path", "%v", err))
		return
	}
	target.RawQuery, target.ForceQuery = r.URL.RawQuery, r.URL.ForceQuery
	proxy := httputil.ReverseProxy{
		Transport:     f.transport,
		FlushInterval: -1, // events as they happen
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL, p.Out.Host = target, target.Host
			for name, values := range p.In.Header {
				if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" {
					p.Out.Header[name] = values // the caller's own
				}
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			problem.Write(w, r, problem.New(http.StatusBadGateway, "service-unreachable", "%v", err))
		},
	}
	proxy.ServeHTTP(w, r)
}
