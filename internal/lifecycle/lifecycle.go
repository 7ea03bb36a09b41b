// Package lifecycle runs the servers of one program and stops them in order: first what takes
// requests, then what works in the background, each given time to finish what it has begun.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Server is something that runs until it is shut down.
type Server interface {
	// Name is used in errors.
	Name() string
	// Serve runs until Shutdown, and returns nil then. An error before means that the server
	// failed; nil before means that it had nothing more to do.
	Serve() error
	// Shutdown finishes what is under way and makes Serve return. When ctx ends first it
	// abandons the rest and returns ctx.Err. It may be called before Serve.
	Shutdown(ctx context.Context) error
}

// Serve runs all servers until ctx is done or one of them fails, then shuts them down one after
// the other in the order given, drain for all together. ctx is only the signal to stop: no
// request and no worker sees it end. The error joins everything that went wrong; stopping
// because ctx is done is not an error.
func Serve(ctx context.Context, drain time.Duration, servers ...Server) error {
	failed := make(chan struct{}, len(servers))
	done := make([]chan struct{}, len(servers))
	errs := make([]error, len(servers))
	for i, s := range servers {
		done[i] = make(chan struct{})
		go func() {
			defer close(done[i])
			if err := s.Serve(); err != nil {
				errs[i] = fmt.Errorf("serve %s: %w", s.Name(), err)
				failed <- struct{}{}
			}
		}()
	}
	select {
	case <-ctx.Done():
	case <-failed:
	}

	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	var all []error
	for i, s := range servers {
		if err := s.Shutdown(stop); err != nil {
			all = append(all, fmt.Errorf("shut down %s: %w", s.Name(), err))
			continue // it may never return from Serve
		}
		select {
		case <-done[i]:
		case <-stop.Done():
			all = append(all, fmt.Errorf("shut down %s: still serving: %w", s.Name(), stop.Err()))
		}
	}
	for i := range servers {
		select {
		case <-done[i]:
			all = append(all, errs[i])
		default:
		}
	}
	return errors.Join(all...)
}
