package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// server is a Redis: somebody's, or one inside this process.
type server struct {
	addr string
	mini *miniredis.Miniredis
	stop chan struct{}
	done sync.WaitGroup
}

// startRedis returns the Redis at addr, or an embedded one when addr is empty.
// It does not connect: services start without Redis, and say so.
func startRedis(addr string) (*server, error) {
	if addr != "" {
		return &server{addr: addr}, nil
	}
	s := &server{mini: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	if err := s.mini.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("embedded Redis: %w", err)
	}
	s.addr = s.mini.Addr()
	s.done.Go(s.age)
	return s, nil
}

// age lets keys expire: in miniredis, a library for tests, time stands still.
func (s *server) age() {
	const step = time.Second
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.mini.FastForward(step)
		case <-s.stop:
			return
		}
	}
}

func (s *server) close() {
	if s.mini == nil {
		return
	}
	close(s.stop)
	s.done.Wait()
	s.mini.Close()
	s.mini = nil
}
