package programs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
)

const (
	shellTrace  = "0af7651916cd43dd8448eb211c80319c"
	shellSpan   = "b7ad6b7169203331"
	orderTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	captureSpan = "00f067aa0ba902b7"
)

// job is the program "payment settle" with all it needs: a Redis that holds payments which are
// captured and not settled, and the real Collector.
type job struct {
	redis     *miniredis.Miniredis
	store     *tracetree.Store
	collector *collector.Collector
	cmd       *exec.Cmd
	stdout    bytes.Buffer
	stderr    bytes.Buffer
}

func newJob(t *testing.T, payments int, args []string, environ ...string) *job {
	t.Helper()
	j := &job{redis: miniredis.RunT(t), store: tracetree.New(20_000)}
	for i := range payments {
		id := fmt.Sprintf("order%d", i)
		account := `{"order_id":"` + id + `","amount":100,"currency":"EUR","state":"captured",` +
			`"card_token":"tok_mastercard","captured":{"trace_id":"` + orderTrace + `",` +
			`"span_id":"` + captureSpan + `","trace_flags":"01"}}`
		if err := j.redis.Set("shop:payment:"+id, account); err != nil {
			t.Fatal(err)
		}
		if _, err := j.redis.ZAdd("shop:payments.captured", float64(i), id); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	j.collector, err = collector.Start(t.Context(), collector.Config{
		Exporter: storeexporter.NewFactory(j.store, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	j.cmd = exec.CommandContext(t.Context(), build(t, "payment"), append([]string{"settle"}, args...)...)
	j.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "REDIS_ADDR=" + j.redis.Addr(),
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + j.collector.GRPC(),
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		"OTEL_BSP_SCHEDULE_DELAY=3600000",
	}, environ...)
	j.cmd.Stdout, j.cmd.Stderr = &j.stdout, &j.stderr
	return j
}

// wait returns the job's exit code and its reports, when all that it exported is in the store.
func (j *job) wait(t *testing.T) (code int, reports []report) {
	t.Helper()
	err := j.cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := j.collector.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(j.stdout.String()) {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("stdout line %q: %v", line, err)
		}
		reports = append(reports, r)
	}
	return code, reports
}

func (j *job) run(t *testing.T) (code int, reports []report) {
	t.Helper()
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return j.wait(t)
}

// report is a line that the job prints, as scripts read it.
type report struct {
	TraceID string `json:"trace_id"`
	Found   int    `json:"found"`
	Settled int    `json:"settled"`
	Failed  int    `json:"failed"`
}

// root returns the root of the job in the trace: its only span without a parent in that trace.
// Everything else hangs together below it.
func (j *job) root(t *testing.T, traceID string) tracetree.Span {
	t.Helper()
	spans := j.store.Trace(traceID)
	known := make(map[string]bool)
	for _, s := range spans {
		known[s.SpanID] = true
	}
	var tops []tracetree.Span
	for _, s := range spans {
		if !known[s.ParentID] {
			tops = append(tops, s)
		}
	}
	if len(tops) != 1 || tops[0].Name != "settle payments" || tops[0].Kind != "internal" {
		t.Fatalf("trace %s: got %d spans, of which without a parent there %+v; "+
			"want settle payments alone\n%s", traceID, len(spans), tops, j.stderr.String())
	}
	return tops[0]
}

func (j *job) count(traceID, name string) (n int) {
	for _, s := range j.store.Trace(traceID) {
		if s.Name == name {
			n++
		}
	}
	return n
}

func TestJobWithoutAnEnvironmentIsARoot(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string][]string{
		"none": nil, "malformed": {"TRACEPARENT=00-" + shellTrace + "-xyz-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, 3, nil, environ...)
			code, reports := j.run(t)
			if code != 0 || len(reports) != 1 || reports[0].Settled != 3 {
				t.Fatalf("exit code %d, reports %+v; want 0 and 3 settled\n%s",
					code, reports, j.stderr.String())
			}
			root := j.root(t, reports[0].TraceID)
			if root.ParentID != "" || len(root.Links) != 0 || root.TraceID == shellTrace {
				t.Errorf("got %+v, want a root without a parent and links", root)
			}
			for _, s := range j.store.Trace(root.TraceID) {
				if s.Name == "settle payment" && (s.ParentID != root.SpanID ||
					len(s.Links) != 1 || s.Links[0].TraceID != orderTrace ||
					s.Links[0].SpanID != captureSpan) {
					t.Errorf("got %+v, want a child of the root with a link to the capture", s)
				}
			}
			if left, _ := j.redis.ZMembers("shop:payments.captured"); len(left) != 0 {
				t.Errorf("still to be settled: %v", left)
			}
		})
	}
}

func TestJobContinuesTheTraceOfItsEnvironment(t *testing.T) {
	t.Parallel()
	j := newJob(t, 2, nil, "TRACEPARENT=00-"+shellTrace+"-"+shellSpan+"-01", "TRACESTATE=ci=7")
	code, reports := j.run(t)
	if code != 0 || len(reports) != 1 || reports[0].TraceID != shellTrace {
		t.Fatalf("exit code %d, reports %+v; want 0 and the shell's trace", code, reports)
	}
	if root := j.root(t, shellTrace); root.ParentID != shellSpan || root.TraceState != "ci=7" {
		t.Errorf("got %+v, want a child of the shell's span", root)
	}
	for _, name := range []string{"settle payment", "notify card network"} {
		if n := j.count(shellTrace, name); n != 2 {
			t.Errorf("got %d spans %s in the trace, want 2", n, name)
		}
	}
}

// SIGTERM comes while the second of many payments is in hand: that one is finished, no other is
// begun, and the root arrives, after its children and without an orphan.
func TestJobThatIsTerminatedLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	const payments = 300
	j := newJob(t, payments, nil)
	reached := j.holdAt(3) // a payment changes twice: the attempt, and that it is settled
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	release := <-reached
	if err := j.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	close(release)
	code, reports := j.wait(t)
	if code != 1 || len(reports) != 1 {
		t.Fatalf("exit code %d, reports %+v; want 1 and one\n%s", code, reports, j.stderr.String())
	}
	got := reports[0]
	if got.Found != payments || got.Settled < 2 || got.Settled == payments || got.Failed != 0 {
		t.Errorf("got %+v, want two payments or a few more settled and none failed", got)
	}
	root := j.root(t, got.TraceID)
	if root.Status != "error" || root.Attributes["error.type"] != "canceled" {
		t.Errorf("got %+v, want status error and error.type canceled", root)
	}
	// What the settlements left to other goroutines is waited for as well.
	for _, name := range []string{"settle payment", "notify card network"} {
		if n := j.count(got.TraceID, name); n != got.Settled {
			t.Errorf("%d spans %s in the trace, %d settled in the report", n, name, got.Settled)
		}
	}
	for _, s := range j.store.Trace(got.TraceID) {
		if s.End.After(root.End) {
			t.Errorf("%s ended after the root", s.Name)
		}
	}
}

// A loop makes a trace per run, linked to the shell's, and ends well when it is told to.
func TestJobInALoop(t *testing.T) {
	t.Parallel()
	j := newJob(t, 2, []string{"--every", "1ms"}, "TRACEPARENT=00-"+shellTrace+"-"+shellSpan+"-01")
	third := make(chan struct{})
	var once sync.Once
	runs := 0
	j.redis.Server().SetPreHook(func(_ *server.Peer, cmd string, _ ...string) bool {
		if cmd == "ZRANGE" {
			if runs++; runs == 3 {
				once.Do(func() { close(third) })
			}
		}
		return false
	})
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-third
	if err := j.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code, reports := j.wait(t)
	if code != 0 || len(reports) < 3 || reports[0].Settled != 2 {
		t.Fatalf("exit code %d, reports %+v; want 0, three runs or more", code, reports)
	}
	if spans := j.store.Trace(shellTrace); len(spans) != 0 {
		t.Errorf("%d spans in the shell's trace, want none", len(spans))
	}
	for _, r := range reports {
		root := j.root(t, r.TraceID)
		if root.ParentID != "" || len(root.Links) != 1 || root.Links[0].TraceID != shellTrace ||
			root.Links[0].Attributes["shop.link.type"] != "caller" {
			t.Errorf("got %+v, want a root with a link to the shell", root)
		}
	}
}

func TestJobThatCannotReachRedisFails(t *testing.T) {
	t.Parallel()
	j := newJob(t, 0, nil)
	j.redis.Close()
	code, reports := j.run(t)
	if code != 1 || len(reports) != 1 {
		t.Fatalf("exit code %d, reports %+v; want 1 and one", code, reports)
	}
	if root := j.root(t, reports[0].TraceID); root.Status != "error" {
		t.Errorf("got %+v, want status error", root)
	}
}

func TestJobThatIsCalledWronglySaysHow(t *testing.T) {
	t.Parallel()
	bin := build(t, "payment")
	for _, args := range []string{
		"setle", "settle x", "settle --every soon", "settle --older-than -1s", "settle --times 2",
	} {
		cmd := exec.CommandContext(t.Context(), bin, strings.Fields(args)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "OTEL_TRACES_EXPORTER=none",
			"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none"}
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 ||
			!bytes.Contains(out, []byte("Usage:")) {
			t.Errorf("payment %s: %v, %q; want exit code 2 and the usage", args, err, out)
		}
	}
}

// holdAt makes Redis wait before it answers the nth change of a payment, until what it sends on
// the channel is closed.
func (j *job) holdAt(n int) <-chan chan struct{} {
	reached := make(chan chan struct{}, 1)
	changes := 0
	j.redis.Server().SetPreHook(func(_ *server.Peer, cmd string, _ ...string) bool {
		if cmd == "WATCH" {
			if changes++; changes == n {
				release := make(chan struct{})
				reached <- release
				<-release
			}
		}
		return false
	})
	return reached
}
