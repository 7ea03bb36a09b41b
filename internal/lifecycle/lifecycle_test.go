package lifecycle_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"example.com/throughline/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken")

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// untilCancelled is a worker that works until it is told to stop.
func untilCancelled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestOneFailureStopsAllAndIsReported(t *testing.T) {
	t.Parallel()
	l := listen(t)
	err := lifecycle.Serve(t.Context(), time.Minute,
		lifecycle.HTTP("http", lifecycle.NewHTTPServer(http.NotFoundHandler()), l),
		lifecycle.Worker("good", untilCancelled),
		lifecycle.Worker("bad", func(context.Context) error { return errBroken }))
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "serve bad") {
		t.Errorf("Serve = %v, want the error of bad", err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the listener is still open")
	}
}

func TestAWorkerThatDoesNotStopIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		err := lifecycle.Serve(ctx, 3*time.Second,
			lifecycle.Worker("deaf", func(context.Context) error {
				<-release
				return nil
			}))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "deaf") {
			t.Errorf("Serve = %v, want a deadline for deaf", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("Serve took %v, want the drain time", took)
		}
	})
}

func TestStoppingIsNoError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // before anything serves
	err := lifecycle.Serve(ctx, time.Minute,
		lifecycle.HTTP("http", lifecycle.NewHTTPServer(http.NotFoundHandler()), listen(t)),
		lifecycle.GRPC("grpc", grpc.NewServer(), listen(t)),
		lifecycle.Worker("worker", untilCancelled))
	if err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

func TestShutdownIsInOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var stopped []string
	worker := func(name string) lifecycle.Server {
		return lifecycle.Worker(name, func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			stopped = append(stopped, name)
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lifecycle.Serve(ctx, time.Minute, worker("a"), worker("b"), worker("c")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped %v, want %v", stopped, want)
	}
}

func TestTheSignalDoesNotCancelRequestsUnderWay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel() // Ctrl-C in the middle of a request
		if err := r.Context().Err(); err != nil {
			t.Errorf("the request's context ended: %v", err)
		}
		_, _ = io.WriteString(w, "whole")
	})
	l := listen(t)
	served := make(chan error, 1)
	go func() {
		served <- lifecycle.Serve(ctx, time.Minute,
			lifecycle.HTTP("http", lifecycle.NewHTTPServer(h), l))
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != "whole" {
		t.Errorf("body = %q, %v", body, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestARequestThatOutlivesTheDrainIsCut(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done() // ends when the connection is closed
	})
	ctx, cancel := context.WithCancel(t.Context())
	l := listen(t)
	served := make(chan error, 1)
	go func() {
		served <- lifecycle.Serve(ctx, time.Millisecond,
			lifecycle.HTTP("http", lifecycle.NewHTTPServer(h), l))
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		<-entered
		cancel()
	}()
	if resp, err := client.Get("http://" + l.Addr().String()); err == nil {
		_ = resp.Body.Close()
		t.Error("the request was answered")
	}
	if err := <-served; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve = %v, want a deadline", err)
	}
}
