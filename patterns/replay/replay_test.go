package replay

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	key   = "c-42:key-1"
	asked = "fingerprint"
)

func TestAnotherRequestWithTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	claim := begin(t, store, key)
	refused := func(when string) {
		claim, original, err := store.Begin(t.Context(), key, "another")
		if !errors.Is(err, ErrMismatch) || claim != nil || original != nil {
			t.Errorf("%s: Begin = %v, %v, %v, want %v", when, claim, original, err, ErrMismatch)
		}
	}
	refused("in progress")
	if err := store.Finish(t.Context(), claim, spanContext(), nil); err != nil {
		t.Fatal(err)
	}
	refused("done")
}

func TestASecondRequestInProgressIsRefused(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	begin(t, store, key)
	claim, original, err := store.Begin(t.Context(), key, asked)
	if !errors.Is(err, ErrInProgress) || claim != nil || original != nil {
		t.Errorf("Begin = %v, %v, %v, want %v", claim, original, err, ErrInProgress)
	}
}

func TestAClaimWhoseTimeIsOverChangesNothing(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	slow := begin(t, store, key)
	server.FastForward(store.InProgress)
	if err := store.Finish(t.Context(), slow, spanContext(), nil); !errors.Is(err, ErrLost) {
		t.Errorf("Finish of an expired claim = %v, want %v", err, ErrLost)
	}
	second := begin(t, store, key)
	if err := store.Finish(t.Context(), slow, spanContext(), nil); !errors.Is(err, ErrLost) {
		t.Errorf("Finish of another's claim = %v, want %v", err, ErrLost)
	}
	if err := store.Abandon(t.Context(), slow); !errors.Is(err, ErrLost) {
		t.Errorf("Abandon of another's claim = %v, want %v", err, ErrLost)
	}
	if err := store.Finish(t.Context(), second, spanContext(), []byte("201")); err != nil {
		t.Errorf("Finish = %v", err)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	if err := server.Set(store.Prefix+key, "{"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Begin(t.Context(), key, asked); !errors.Is(err, ErrMalformed) {
		t.Errorf("error = %v, want %v", err, ErrMalformed)
	}
	// Only the context: the answer counts.
	err := server.Set(store.Prefix+key,
		`{"fingerprint":"fingerprint","response":"MjAx","traceparent":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	_, original, err := store.Begin(t.Context(), key, asked)
	if err != nil || string(original.Response) != "201" || original.Context.IsValid() {
		t.Fatalf("Begin = %+v, %v, want the answer without a context", original, err)
	}
	tracer, spans := exampleTracer()
	_, span := tracer.Start(t.Context(), "server")
	original.AddLink(span)
	span.End()
	if got := spans.Ended()[0].Links(); len(got) != 0 {
		t.Errorf("links = %v, want none", got)
	}
}

func TestStoreDownIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	claim := begin(t, store, key)
	server.Close()
	_, _, beginErr := store.Begin(t.Context(), key, asked)
	for name, err := range map[string]error{
		"Begin": beginErr, "Finish": store.Finish(t.Context(), claim, spanContext(), nil),
		"Abandon": store.Abandon(t.Context(), claim),
	} {
		if err == nil || errors.Is(err, ErrLost) || errors.Is(err, ErrInProgress) {
			t.Errorf("%s: error = %v, want the client's", name, err)
		}
	}
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	noTTL, noTime := *store, *store
	noTTL.TTL, noTime.InProgress = 0, 0
	for name, begin := range map[string]func() (*Claim, *Original, error){
		"no key":  func() (*Claim, *Original, error) { return store.Begin(t.Context(), "", asked) },
		"no TTL":  func() (*Claim, *Original, error) { return noTTL.Begin(t.Context(), key, asked) },
		"no time": func() (*Claim, *Original, error) { return noTime.Begin(t.Context(), key, asked) },
	} {
		if _, _, err := begin(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// With REDIS_ADDR this runs against a real server too.
func TestAReplayAnswersAndLinks(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		client := exampleClient(addr)
		store.Client = client
		store.Prefix += strconv.FormatInt(time.Now().UnixNano(), 36) + ":"
		t.Cleanup(func() {
			client.Del(context.Background(), store.Prefix+key)
			_ = client.Close()
		})
	}
	abandoned := begin(t, store, key)
	if err := store.Abandon(t.Context(), abandoned); err != nil {
		t.Fatal(err)
	}
	state, err := trace.ParseTraceState("congo=1")
	if err != nil {
		t.Fatal(err)
	}
	sc := spanContext().WithTraceState(state)
	if err := store.Finish(t.Context(), begin(t, store, key), sc, []byte("201")); err != nil {
		t.Fatal(err)
	}
	tracer, spans := exampleTracer()
	ctx, span := tracer.Start(t.Context(), "server")
	claim, original, err := store.Begin(ctx, key, asked)
	if err != nil || claim != nil || string(original.Response) != "201" {
		t.Fatalf("Begin = %v, %+v, %v, want the original", claim, original, err)
	}
	original.AddLink(span)
	span.End()
	checkLink(t, spans.Ended()[0], sc.WithRemote(true), "replay_of")
}

func TestAnAnswerIsKeptForTTL(t *testing.T) {
	t.Parallel()
	store, server := newStore(t)
	if err := store.Finish(t.Context(), begin(t, store, key), spanContext(), nil); err != nil {
		t.Fatal(err)
	}
	server.FastForward(store.TTL - time.Millisecond)
	if _, original, err := store.Begin(t.Context(), key, asked); err != nil || original == nil {
		t.Errorf("just before: Begin = %v, %v, want the original", original, err)
	}
	server.FastForward(time.Millisecond)
	begin(t, store, key)
}

func TestOfManyOneDoesTheWork(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	var claims, refused atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			claim, _, err := store.Begin(t.Context(), key, asked)
			if claim != nil {
				claims.Add(1)
			}
			if errors.Is(err, ErrInProgress) {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if claims.Load() != 1 || refused.Load() != 19 {
		t.Errorf("%d claims, %d refused, want 1 and 19", claims.Load(), refused.Load())
	}
}

func TestCompensate(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	ctx, request := tracer.Start(t.Context(), "request")
	_, with := Compensate(ctx, tracer, "release stock", spanContext())
	with.End()
	_, without := Compensate(ctx, tracer, "release stock", trace.SpanContext{})
	without.End()
	for _, span := range spans.Ended() {
		if !span.Parent().Equal(request.SpanContext()) || span.SpanKind() != trace.SpanKindInternal {
			t.Errorf("%s span with parent %v, want INTERNAL under the request",
				span.SpanKind(), span.Parent())
		}
	}
	checkLink(t, spans.Ended()[0], spanContext(), "compensates")
	if got := spans.Ended()[1].Links(); len(got) != 0 {
		t.Errorf("links = %v, want none to an invalid original", got)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for name, parts := range map[string][][]byte{
		"none": nil, "empty": {{}}, "ab": {[]byte("ab")}, "a,b": {[]byte("a"), []byte("b")},
		"ab,empty": {[]byte("ab"), nil},
	} {
		got := Fingerprint(parts...)
		if other, ok := seen[got]; ok || got != Fingerprint(parts...) {
			t.Errorf("%s has the fingerprint of %q", name, other)
		}
		seen[got] = name
	}
}

func newStore(t testing.TB) (*Store, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	client := exampleClient(server.Addr())
	t.Cleanup(func() { _ = client.Close() })
	return &Store{Client: client, Prefix: "idempotency:", TTL: time.Hour, InProgress: time.Minute}, server
}

func begin(t testing.TB, store *Store, key string) *Claim {
	t.Helper()
	claim, original, err := store.Begin(t.Context(), key, asked)
	if err != nil || claim == nil || original != nil {
		t.Fatalf("Begin = %v, %v, %v, want a claim", claim, original, err)
	}
	return claim
}

func spanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	})
}

func checkLink(t *testing.T, span sdktrace.ReadOnlySpan, sc trace.SpanContext, kind string) {
	t.Helper()
	want := []sdktrace.Link{{
		SpanContext: sc, Attributes: []attribute.KeyValue{attribute.String("shop.link.type", kind)},
	}}
	if diff := cmp.Diff(want, span.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}
