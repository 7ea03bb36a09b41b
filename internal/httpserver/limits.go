package httpserver

import (
	"net/http"

	"example.com/throughline/internal/problem"
)

// What a request may bring, beside its body. The server that the router runs in has a limit of its
// own for all of the head, above these: what is larger still is answered by net/http with a 431 of
// its own, in plain text, before there is a request.
const (
	maxTarget      = 2 << 10  // of the request target, in bytes (RFC 9112, 3.2)
	maxFields      = 64       // header fields, repeated ones counted
	maxHeaderBytes = 16 << 10 // of all fields, names and values
)

// DefaultMaxRequests bounds the requests that are served at the same time.
const DefaultMaxRequests = 1024

// oversized returns what is wrong with the size of r's head, before anything is parsed, looked up or
// sent on. Nil: nothing.
func oversized(r *http.Request) error {
	if len(r.RequestURI) > maxTarget {
		return problem.New(http.StatusRequestURITooLong, "uri-too-long",
			"the request target has %d bytes: want at most %d", len(r.RequestURI), maxTarget)
	}
	fields, size := 0, 0
	for name, values := range r.Header {
		fields += len(values)
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	switch {
	case fields > maxFields:
		return problem.New(http.StatusRequestHeaderFieldsTooLarge, "too-many-header-fields",
			"the request has %d header fields: want at most %d", fields, maxFields)
	case size > maxHeaderBytes:
		return problem.New(http.StatusRequestHeaderFieldsTooLarge, "header-too-large",
			"the header fields have %d bytes: want at most %d", size, maxHeaderBytes)
	}
	return nil
}

func refuseOversized(_ http.ResponseWriter, r *http.Request) error { return oversized(r) }

// overloaded refuses at once: a queue would make everybody wait for what nobody waits for any more.
func overloaded(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Retry-After", "1")
	return problem.New(http.StatusServiceUnavailable, "overloaded",
		"too many requests at the same time: try again")
}
