package programs

import (
	"maps"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/throughline/internal/telemetry"
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
		c.refused(t)
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
	lost := map[string]int{}
	for _, service := range s.lost {
		lost[service]++
	}
	t.Logf("killed: %v; spans known to be lost with them: %v; arrived: %d",
		slices.Sorted(maps.Keys(f.killed)), lost, len(s.spans))
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
