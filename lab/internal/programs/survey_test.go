package programs

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/tracetree"
)

// survey looks for spans that must have existed and have not arrived.
type survey struct {
	*fleet
	t        *testing.T
	outside  map[string]bool      // spans of ours, which nobody exports
	killedAt map[string]time.Time // by service
	spans    []tracetree.Span
	known    map[string]tracetree.Span
	lost     map[string]string // span → its service
	calls    map[string]int    // that were looked at, by the service that was called
}

// take reads the store, and holds it against what the customers know and what spans tell of
// each other.
func (s *survey) take(c *crowd) {
	s.spans = s.store.All().Spans
	s.known, s.lost, s.calls = map[string]tracetree.Span{}, map[string]string{}, map[string]int{}
	servers := map[string]tracetree.Span{} // by their parent
	for _, span := range s.spans {
		s.known[span.TraceID+span.SpanID] = span
		if span.Kind == "server" {
			servers[span.TraceID+span.ParentID] = span
		}
	}
	for _, r := range c.answers(s.t) {
		if span, ok := s.known[r.span]; !ok && !s.killed[r.gateway] {
			s.t.Errorf("the SERVER span %s of an answer %d of %s has not arrived",
				r.span, r.status, r.gateway)
		} else if !ok {
			s.lost[r.span] = "gateway"
		} else if span.Service != "gateway" || span.Kind != "server" {
			s.t.Errorf("an answer names %+v, want a SERVER span of the gateway", span)
		}
	}
	for _, span := range s.spans {
		s.whole(span)
		if span.Kind == "client" {
			s.call(span, servers)
		}
	}
	s.t.Logf("%d spans have arrived; calls held against the span of who served them: %v",
		len(s.spans), s.calls)
	for _, service := range []string{"order", "pricing", "payment"} {
		if s.calls[service] == 0 {
			s.t.Errorf("no call of %s was found", service)
		}
	}
}

// whole checks that a span's parent and all that it links to are there.
func (s *survey) whole(span tracetree.Span) {
	if parent := span.TraceID + span.ParentID; span.ParentID != "" && !s.outside[parent] {
		service, _ := parentOf(span)
		if strings.HasPrefix(span.Name, "POST /rates/") {
			service = "pricing" // its own listener
		}
		s.want(parent, service, span.Start, "the parent of "+span.Service+" "+span.Name)
	}
	for _, l := range span.Links {
		if id := l.TraceID + l.SpanID; !s.outside[id] {
			s.want(id, "gateway", time.Time{}, "a link "+l.Type()+" of "+span.Name)
		}
	}
}

// call holds a call between services against the span of who served it: who got an answer was
// served, and who was served and did not give up got an answer.
func (s *survey) call(span tracetree.Span, servers map[string]tracetree.Span) {
	service := s.listening(span)
	if service == "" {
		return
	}
	s.calls[service]++
	_, status := span.Attributes["http.response.status_code"]
	answered := status || service == "payment" && span.Status != "error"
	served, ok := servers[span.TraceID+span.SpanID]
	switch {
	case answered && !ok:
		s.want("server of "+span.TraceID+span.SpanID, service, span.End, "an answer to "+span.Name)
	case !answered && ok && !s.killed[served.Instance] && service != "payment":
		if why := fmt.Sprint(span.Attributes["error.type"]); !strings.Contains(why, "timeout") {
			s.t.Errorf("%s of %s was begun and not answered: %s", served.Name, served.Instance, why)
		}
	}
}

// listening is the service that a CLIENT span calls, empty if it is none of ours.
func (s *survey) listening(span tracetree.Span) string {
	for listener, addr := range s.addrs {
		_, port, _ := net.SplitHostPort(addr)
		if fmt.Sprint(span.Attributes["server.port"]) == port {
			service, _, _ := strings.Cut(listener, "/")
			return service
		}
	}
	return ""
}

// want counts a span that has not arrived. It is an error unless its service was killed, and the
// span had begun by then.
func (s *survey) want(id, service string, at time.Time, why string) {
	if _, ok := s.known[id]; ok {
		return
	}
	if killed, ok := s.killedAt[service]; !ok || at.After(killed) {
		s.t.Errorf("span %s of %s (%s) has not arrived, and nobody killed that", id, service, why)
	}
	s.lost[id] = service
}

// has reports whether a trace has a SERVER span of a service.
func (s *survey) has(traceID, service string) bool {
	for _, span := range s.spans {
		if span.TraceID == traceID && span.Service == service && span.Kind == "server" {
			return true
		}
	}
	return false
}
