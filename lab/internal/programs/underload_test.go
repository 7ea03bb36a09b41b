package programs

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

// quick is how the services run here: what a killed one has not exported is little.
var quick = []string{"PAYMENT_RETRY_AFTER=1s", "ORDER_RETRY_AFTER=1s", "ORDER_FULFIL_EVERY=1h",
	"ORDER_EXPIRE_EVERY=1h", "OTEL_BSP_SCHEDULE_DELAY=50"}

// Under load, each service gets SIGTERM with a request in flight and is then started again: what
// it has begun it answers, it ends with code 0, and no span of it is missing.
func TestSIGTERMUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick...)
	c := f.gather(t, 4)
	s := &survey{fleet: f, t: t, outside: map[string]bool{}, killedAt: map[string]time.Time{}}
	traces := map[string]string{} // of the held requests → service
	for _, service := range []string{"payment", "pricing", "order", "gateway"} {
		h := f.hold(t, service)
		s.outside[key(h.parent)] = true
		p := f.live[service]
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		f.refuses(t, service)
		traces[h.finish(t)] = service
		f.ended(t, p)
		f.start(t, service)
		c.gateway.Store(&f.live["gateway"].instance)
		c.served(t)
	}
	c.leave()
	f.terminate(t)
	f.balanced(t, nil)
	s.take(c)
	for id, service := range traces {
		if !s.has(id, service) {
			t.Errorf("%s: the SERVER span of the request in flight has not arrived", service)
		}
	}
	if len(s.lost) > 0 {
		t.Errorf("lost: %v, want nothing", s.lost)
	}
}

// Under load, gateway and pricing are killed, as kill -9 does it, and started again: nothing hangs,
// the others serve, their books balance, and what is lost belonged to the killed.
func TestKilledUnderLoadTheOthersServe(t *testing.T) {
	t.Parallel()
	f := newFleet(t, quick...)
	c := f.gather(t, 4)
	s := &survey{fleet: f, t: t, outside: map[string]bool{}, killedAt: map[string]time.Time{}}
	for _, service := range []string{"pricing", "gateway"} {
		f.kill(t, service)
		s.killedAt[service] = time.Now()
		if service == "pricing" { // who does not need it is served
			f.unpriced(t)
		}
		f.start(t, service)
		c.gateway.Store(&f.live["gateway"].instance)
		c.served(t)
	}
	c.leave()
	f.balanced(t, f.quiesced(t))
	s.take(c)
	t.Logf("killed: %v; spans known to be lost with them: %v; arrived: %d",
		f.killed, s.lost, len(s.spans))
	f.terminate(t)
}

// refuses returns when a service takes no more connections.
func (f *fleet) refuses(t *testing.T, service string) {
	t.Helper()
	name := "http"
	if service == "payment" {
		name = "grpc"
	}
	until(t, service+" refuses connections", func() bool {
		conn, err := net.Dial("tcp", f.addrs[service+"/"+name])
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// ended waits for a process that was told to end, and checks that it ended well.
func (f *fleet) ended(t *testing.T, p *process) {
	t.Helper()
	select {
	case <-p.done:
		if p.err != nil {
			t.Errorf("%s after SIGTERM: %v, want exit code 0", p.instance, p.err)
		}
	case <-time.After(patience):
		t.Fatalf("%s does not end after SIGTERM", p.instance)
	}
}

// unpriced is what a customer can do without pricing.
func (f *fleet) unpriced(t *testing.T) {
	t.Helper()
	o := &order{url: f.at("gateway/http") + "/checkouts", client: client(t),
		confirms: map[string]bool{}, statuses: map[int]int{}}
	o.must(t, "POST", "", `{"customer":"c-1"}`)
}

// balanced checks the books of the living. Ledgers of processes that have ended are gone.
func (f *fleet) balanced(t *testing.T, ledgers []telemetry.Snapshot) {
	t.Helper()
	accounts := suite.Accounts(ledgers, control.Received(f.store))
	if err := suite.Check(accounts); err != nil {
		t.Error(err)
	}
	if len(ledgers) > 0 {
		t.Logf("the living:\n%s", suite.Table(accounts))
	}
}

// survey looks for spans that must have existed and have not arrived.
type survey struct {
	*fleet
	t        *testing.T
	outside  map[string]bool      // spans of ours, which nobody exports
	killedAt map[string]time.Time // by service
	spans    []tracetree.Span
	known    map[string]tracetree.Span
	lost     map[string]string // span → its service
}

// take reads the store, and holds it against what the customers know and what spans tell of
// each other.
func (s *survey) take(c *crowd) {
	s.spans, s.known, s.lost = s.store.All().Spans, map[string]tracetree.Span{}, map[string]string{}
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
