// Package problem carries errors over HTTP as problem details (RFC 9457), with a trace_id member
// that tells the caller which trace to look at.
//
// A handler returns a [Problem] made by [New] where it knows what to tell the caller, and any
// other error where it does not; [Write] turns the latter into a plain 500 that gives nothing
// away. [Parse] reads one back from a response, so that an edge can pass it on.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

const (
	// ContentType is the media type of problem details.
	ContentType = "application/problem+json"
	// TypeBase precedes the slug in a problem's type. It is an identifier, not an address
	// (RFC 9457 section 3.1.1).
	TypeBase = "https://throughline.example/problems/"
	// maxBody bounds a problem read by Parse, in bytes.
	maxBody = 64 << 10

	statusCallerGone = 499
)

// Problem is an error that says what the caller is to be told.
type Problem struct {
	Status  int            // 400 to 599; anything else is sent as 500
	Type    string         // TypeBase + slug, or about:blank
	Title   string         // the same for every problem of a type
	Detail  string         // about this occurrence; sent to the caller
	Err     error          // the cause; never sent
	Members map[string]any // extension members; the standard ones and trace_id win over them
}

// New returns a problem whose type ends in slug, such as "unknown-sku", and whose title is the
// slug in words. An empty slug is type about:blank, whose title is that of the status (RFC 9457
// section 4.2.1). The formatted detail is sent to the caller.
func New(status int, slug, format string, args ...any) *Problem {
	p := &Problem{Status: status, Type: "about:blank", Title: http.StatusText(status),
		Detail: fmt.Sprintf(format, args...)}
	if slug != "" {
		p.Type = TypeBase + slug
		words := strings.ReplaceAll(slug, "-", " ")
		p.Title = strings.ToUpper(words[:1]) + words[1:]
	}
	return p
}

// With returns a copy of p with an extension member, a value that encoding/json can marshal.
func (p *Problem) With(key string, value any) *Problem {
	c := *p
	c.Members = maps.Clone(p.Members)
	if c.Members == nil {
		c.Members = make(map[string]any)
	}
	c.Members[key] = value
	return &c
}

// Because returns a copy of p with a cause, which is logged and not sent.
func (p *Problem) Because(err error) *Problem {
	c := *p
	c.Err = err
	return &c
}

// Map returns a copy of p with what change makes of its detail, for a detail that repeats what a
// caller has sent.
func (p *Problem) Map(change func(string) string) *Problem {
	c := *p
	c.Detail = change(p.Detail)
	return &c
}

// Error returns title, detail and cause.
func (p *Problem) Error() string {
	s := p.Title
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	if p.Err != nil {
		s += ": " + p.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Slug returns the last part of a type of ours, "" for any other.
func (p *Problem) Slug() string {
	slug, _ := strings.CutPrefix(p.Type, TypeBase)
	if slug == p.Type {
		return ""
	}
	return slug
}

// From returns what Write sends for err: the first Problem in its chain; 503 for a context that
// ended; else 500 without any detail of err.
func From(err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		if p.Status >= 400 && p.Status <= 599 {
			return p
		}
		c := *p
		c.Status = http.StatusInternalServerError
		return &c
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return New(http.StatusServiceUnavailable, "unavailable",
			"the request was not finished in time").Because(err)
	}
	return New(http.StatusInternalServerError, "internal",
		"something went wrong here; the trace tells what").Because(err)
}

// CallerGone is for the error of a request whose caller hung up: net/http cancels its context then.
// An outage (502, 503, 504) that may come of that becomes a 499; any other error, also nil, stays
// what it is. Nobody reads the answer, but its status is what spans and metrics show, and with 503 a
// caller who hangs up would count as an outage of ours. 499 has no RFC; it is what nginx logs and
// what google.rpc.Code gives for CANCELLED.
func CallerGone(err error) error {
	if err == nil {
		return nil
	}
	switch From(err).Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return New(statusCallerGone, "caller-gone", "the caller did not wait for the answer").
			Because(err)
	}
	return err
}

// Write sends err as problem details, see [From], with the trace id of the span in r's context.
// The header must not have been written yet.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	p := From(err)
	body, marshalErr := json.Marshal(p.members(trace.SpanContextFromContext(r.Context())))
	if marshalErr != nil { // a member that is not JSON is our mistake, and costs the members only
		bare := *p
		bare.Members = nil
		body, _ = json.Marshal(bare.members(trace.SpanContextFromContext(r.Context())))
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("Content-Length") // of the body that the handler meant to send
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // an error here means that nobody is listening
}

func (p *Problem) members(sc trace.SpanContext) map[string]any {
	m := maps.Clone(p.Members)
	if m == nil {
		m = make(map[string]any)
	}
	for _, name := range standard() {
		delete(m, name)
	}
	m["type"], m["title"], m["status"] = p.Type, p.Title, p.Status
	if p.Detail != "" {
		m["detail"] = p.Detail
	}
	if sc.HasTraceID() {
		m["trace_id"] = sc.TraceID().String()
	}
	return m
}

// standard are the members that are fields of a Problem or made by Write.
func standard() []string {
	return []string{"type", "title", "status", "detail", "instance", "trace_id"}
}

// Parse reads problem details of at most 64 KiB. It reports false for another content type and
// for a body that is no JSON object with a status from 400 to 599. The trace_id and instance of
// the sender are dropped: whoever passes the problem on has a trace of their own. Numbers among
// the members are json.Number.
func Parse(body io.Reader, contentType string) (*Problem, bool) {
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != ContentType {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil || len(data) > maxBody {
		return nil, false
	}
	var fields struct {
		Type, Title, Detail string
		Status              int
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var members map[string]any
	if json.Unmarshal(data, &fields) != nil || decoder.Decode(&members) != nil ||
		fields.Status < 400 || fields.Status > 599 {
		return nil, false
	}
	for _, name := range standard() {
		delete(members, name)
	}
	if len(members) == 0 {
		members = nil
	}
	if fields.Type == "" { // RFC 9457 section 3.1.1
		fields.Type = "about:blank"
	}
	return &Problem{Status: fields.Status, Type: fields.Type, Title: fields.Title,
		Detail: fields.Detail, Members: members}, true
}
