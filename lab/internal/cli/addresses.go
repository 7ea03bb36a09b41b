package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// ports is the value of --port flags: NAME=HOST:PORT.
type ports map[string]string

// String is what help shows as the default.
func (p ports) String() string { return "" }

// Set reads one flag.
func (p ports) Set(text string) error {
	name, addr, found := strings.Cut(text, "=")
	if !found || !slices.Contains(listeners(), name) {
		return fmt.Errorf("want NAME=HOST:PORT with a name of %s", strings.Join(listeners(), ", "))
	}
	p[name] = addr
	return nil
}

func listeners() []string {
	return []string{
		"gateway", "gateway-trusted", "order", "pricing", "rating", "payment", "customer",
		"gateway-admin", "order-admin", "pricing-admin", "payment-admin", "otlp-grpc", "otlp-http",
	}
}

// addresses decides where everything listens: the lab's control listener, open
// already, and the addresses of the others by name.
func (u *upFlags) addresses(
	ctx context.Context, c console,
) (net.Listener, map[string]string, error) {
	listen := maps.Clone(map[string]string(u.ports))
	if len(u.beside.services) == 0 && (listen["gateway"] == "" || u.given("gateway")) {
		listen["gateway"] = u.gateway
	}
	for _, addr := range append(slices.Collect(maps.Values(listen)), u.listen) {
		if err := loopback("lab up", addr, u.nonLoopback); err != nil {
			return nil, nil, err
		}
	}
	control, err := open(ctx, c, "the lab", u.listen, u.given("listen"))
	if err != nil {
		return nil, nil, err
	}
	for _, name := range sortedKeys(listen) {
		fixed := name != "gateway" || u.given("gateway") || u.ports["gateway"] != ""
		l, err := open(ctx, c, name, listen[name], fixed)
		if err != nil {
			return nil, nil, errors.Join(err, control.Close())
		}
		// Closed for the service to open it again; a port that was not given is
		// left to the service to choose.
		listen[name] = l.Addr().String()
		if err := l.Close(); err != nil {
			return nil, nil, errors.Join(err, control.Close())
		}
	}
	return control, listen, nil
}

// open listens on addr. When that is taken and the caller did not insist, it
// takes a free port and says so.
func open(ctx context.Context, c console, name, addr string, fixed bool) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err == nil {
		return l, nil
	}
	if fixed || !errors.Is(err, syscall.EADDRINUSE) {
		return nil, usagef("lab up: %s: %w", name, err)
	}
	if l, err = config.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("lab up: %s: %w", name, err)
	}
	fmt.Fprintf(c.err, "%s is taken, %s listens on %s\n", addr, name, l.Addr())
	return l, nil
}

// loopback refuses addresses that other machines can reach, unless asked for.
func loopback(command, addr string, anyAddress bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("%s: %.60q: %w", command, addr, err)
	}
	ip, err := netip.ParseAddr(host)
	if anyAddress || host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return usagef("%s: %.60q is not a loopback address; say --allow-nonloopback if you mean it",
		command, addr)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
