package lifecycle

import (
	"context"
	"fmt"
	"net"
)

// Listen opens a TCP listener. A port of 0 picks a free one.
func Listen(addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	return l, nil
}
