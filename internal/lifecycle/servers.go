package lifecycle

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
)

// NewHTTPServer returns a server with limits for everything that a slow or hostile client could
// stretch: 5 s for the header, 10 s for the whole request, 15 s until the response is written,
// 60 s between requests, and 32 KiB of header.
func NewHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
}

// maxConns bounds the connections of one listener, idle ones among them: what they hold before the
// first byte of a request is memory that a caller pays nothing for. More wait to be accepted.
const maxConns = 4096

// HTTP returns s serving on l as a Server. Shutdown waits for requests under way; when its
// context ends first, their connections are closed.
func HTTP(name string, s *http.Server, l net.Listener) Server {
	l = netutil.LimitListener(l, maxConns)
	h := &httpServer{name: name, server: s, listener: l, fresh: make(map[net.Conn]bool)}
	next := s.ConnState
	s.ConnState = func(c net.Conn, state http.ConnState) {
		h.track(c, state)
		if next != nil {
			next(c, state)
		}
	}
	s.RegisterOnShutdown(h.closeFresh)
	return h
}

type httpServer struct {
	name     string
	server   *http.Server
	listener net.Listener

	mu       sync.Mutex
	fresh    map[net.Conn]bool // on which nothing has been sent yet
	stopping bool
}

// track keeps the connections on which a client has sent nothing yet. A client that dials for two
// requests at once may never use one of them, and http.Server.Shutdown waits 5 s for each such
// connection to make up its mind.
func (s *httpServer) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.fresh, c)
	case s.stopping:
		_ = c.Close()
	default:
		s.fresh[c] = true
	}
}

// closeFresh runs when Shutdown has closed the listener.
func (s *httpServer) closeFresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for c := range s.fresh {
		_ = c.Close() // no request is on it, so nobody loses an answer
	}
}

func (s *httpServer) Name() string { return s.name }

func (s *httpServer) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *httpServer) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.server.Close())
	}
	return err
}

// GRPC returns s serving on l as a Server. Shutdown waits for calls under way; when its context
// ends first, they are cancelled.
func GRPC(name string, s *grpc.Server, l net.Listener) Server {
	return &grpcServer{name: name, server: s, listener: netutil.LimitListener(l, maxConns)}
}

type grpcServer struct {
	name     string
	server   *grpc.Server
	listener net.Listener
}

func (s *grpcServer) Name() string { return s.name }

func (s *grpcServer) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

func (s *grpcServer) Shutdown(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.server.GracefulStop()
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		s.server.Stop()
		<-stopped
		return ctx.Err()
	}
}

// Worker returns run as a Server: Shutdown cancels the context that run gets and waits until run
// has returned. The error of a cancelled context is no error of the worker.
func Worker(name string, run func(ctx context.Context) error) Server {
	ctx, cancel := context.WithCancel(context.Background())
	return &worker{name: name, run: run, ctx: ctx, cancel: cancel, done: make(chan struct{})}
}

type worker struct {
	name   string
	run    func(context.Context) error
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

func (w *worker) Name() string { return w.name }

func (w *worker) Serve() error {
	defer close(w.done)
	defer w.cancel()
	err := w.run(w.ctx)
	if errors.Is(err, context.Canceled) && w.ctx.Err() != nil {
		return nil
	}
	return err
}

func (w *worker) Shutdown(ctx context.Context) error {
	w.cancel()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
