package load_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/lab/internal/load"
)

// A Collector takes every span, and answers when a service has a full queue of others waiting:
// longer than it takes to fill a batch, not as long as an export may take. Nobody waits for it but
// the exporters. What found no room is dropped and counted, and nothing else is.
func TestASlowCollectorAnswersInTime(t *testing.T) {
	t.Parallel()
	slow, target := startSlow(t, embedded.Config{ExportTimeout: 2 * patience})
	result := underLoad(t, target)
	answer := make(chan struct{})
	slow.from(func(context.Context) error { <-answer; return nil })
	before := ledgerOf(t, target, "order")
	until(t, "a full queue", func() bool {
		return ledgerOf(t, target, "order").Dropped[telemetry.DroppedQueueFull] >
			before.Dropped[telemetry.DroppedQueueFull]
	})
	slow.from(nil)
	close(answer)
	until(t, "spans that are exported again", func() bool {
		return ledgerOf(t, target, "order").Exported > before.Exported
	})
	r := result()
	check(t, r)
	if dropped := r.Dropped(); dropped[telemetry.DroppedQueueFull] != r.Lost() {
		t.Errorf("dropped %v, want all of it for a full queue", dropped)
	}
}

// A Collector takes every span, and answers when the service has given up. The service has dropped
// them by its books, and they have arrived all the same: as many more as were answered too late.
func TestASlowCollectorAnswersTooLate(t *testing.T) {
	t.Parallel()
	slow, target := startSlow(t, embedded.Config{})
	await := target.Await
	target.Await = func(ctx context.Context, ledgers []telemetry.Snapshot) error {
		return await(ctx, slow.expected(ledgers))
	}
	result := underLoad(t, target)
	slow.from(func(ctx context.Context) error {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	})
	before := ledgerOf(t, target, "order")
	for range 2 {
		failed := ledgerOf(t, target, "order").Dropped[telemetry.DroppedExportFailed]
		until(t, "an export that fails", func() bool {
			return ledgerOf(t, target, "order").Dropped[telemetry.DroppedExportFailed] > failed
		})
	}
	if after := ledgerOf(t, target, "order"); after.Exported != before.Exported {
		t.Errorf("%d spans exported, and no export was answered", after.Exported-before.Exported)
	}
	slow.from(nil)
	until(t, "spans that are exported again", func() bool {
		return ledgerOf(t, target, "order").Exported > before.Exported
	})
	r := result()
	check(t, r)
	for _, a := range r.Accounts {
		if late := slow.tooLate()[a.Instance]; a.Arrived != a.Exported+late {
			t.Errorf("%s: %d arrived, want %d exported and %d that were answered too late",
				a.Service, a.Arrived, a.Exported, late)
		}
	}
}

// slow stands in front of a Collector. It passes everything on at once, and takes its time to
// answer when spans come.
type slow struct {
	collector *grpc.ClientConn

	mu   sync.Mutex
	wait func(context.Context) error // between what was passed on and its answer
	late map[string]int64            // spans passed on and not answered in time, by instance
}

// startSlow starts a lab, moves its Collector elsewhere, and puts a slow one in its place.
func startSlow(t *testing.T, cfg embedded.Config) (*slow, load.Target) {
	t.Helper()
	s := &slow{late: map[string]int64{}}
	server := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.UnknownServiceHandler(s.pass))
	var serving sync.WaitGroup
	// Before the lab's own: it is there until the services have said their last.
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
		if s.collector != nil {
			_ = s.collector.Close()
		}
	})
	lab, target := start(t, cfg)
	addr := lab.Collector.GRPC()
	stop(t, lab)
	again(t, lab, "127.0.0.1:0", nil)
	var err error
	if s.collector, err = grpc.NewClient(lab.Collector.GRPC(),
		grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	serving.Go(func() { _ = server.Serve(listener) })
	return s, target
}

// pass handles any method.
func (s *slow) pass(_ any, stream grpc.ServerStream) error {
	s.mu.Lock()
	wait := s.wait
	s.mu.Unlock()
	ctx := stream.Context()
	method, _ := grpc.MethodFromServerStream(stream)
	var request, answer []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	// To the end, whether or not somebody still waits for the answer.
	err := s.collector.Invoke(context.WithoutCancel(ctx), method, &request, &answer,
		grpc.ForceCodecV2(raw{}))
	if err != nil {
		return err
	}
	if wait != nil && method == "/opentelemetry.proto.collector.trace.v1.TraceService/Export" {
		if err := wait(ctx); err != nil {
			return errors.Join(err, s.tookLate(request))
		}
	}
	return stream.SendMsg(&answer)
}

func (s *slow) tookLate(request []byte) error {
	req := ptraceotlp.NewExportRequest()
	if err := req.UnmarshalProto(request); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range req.Traces().ResourceSpans().All() {
		instance, _ := resource.Resource().Attributes().Get("service.instance.id")
		for _, scope := range resource.ScopeSpans().All() {
			s.late[instance.Str()] += int64(scope.Spans().Len())
		}
	}
	return nil
}

// from now on, what comes is answered when wait returns; nil: at once.
func (s *slow) from(wait func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait = wait
}

func (s *slow) tooLate() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.late)
}

// expected adds to the ledgers what will arrive beside what they call exported.
func (s *slow) expected(ledgers []telemetry.Snapshot) []telemetry.Snapshot {
	more := make([]telemetry.Snapshot, len(ledgers))
	for i, ledger := range ledgers {
		ledger.Exported += s.tooLate()[ledger.Instance]
		more[i] = ledger
	}
	return more
}

// raw leaves messages as they are on the wire.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
