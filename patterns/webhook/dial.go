package webhook

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// newTransport dials only public addresses, except for the private hosts.
func newTransport(o Options) *http.Transport {
	private := make(map[string]bool)
	for _, host := range o.PrivateHosts {
		host = strings.ToLower(host)
		if _, _, err := net.SplitHostPort(host); err == nil {
			private[host] = true
			continue
		}
		for _, port := range []string{"80", "443"} { // http.Transport adds them before it dials
			private[net.JoinHostPort(strings.Trim(host, "[]"), port)] = true
		}
	}
	open := &net.Dialer{Timeout: o.Timeout, Resolver: o.resolver}
	// The check is on the address that is connected to, after the name was resolved:
	// a check before that could be answered with another address than this one.
	guarded := &net.Dialer{
		Timeout: o.Timeout, Resolver: o.resolver, ControlContext: guard(special()),
	}
	return &http.Transport{
		Proxy: nil, // a proxy would dial for us, unguarded
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if private[strings.ToLower(address)] {
				return open.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    o.Timeout,
		MaxResponseHeaderBytes: 32 << 10,
	}
}

func guard(
	special []netip.Prefix,
) func(ctx context.Context, network, address string, _ syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !public(to.Addr(), special) {
			return fmt.Errorf("address %.60q is not public: %w", address, ErrNotAllowed)
		}
		return nil
	}
}

// public is false for every address that is not one of a host on the internet.
func public(addr netip.Addr, special []netip.Prefix) bool {
	addr = addr.Unmap().WithZone("") // ::ffff:10.0.0.1 is 10.0.0.1
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false // loopback, link-local, multicast, unspecified; RFC 1918, RFC 4193
	}
	if addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) {
		// All of the internet is there (RFC 4291, 2.4). What is not, among it NAT64
		// (64:ff9b::/96) and the forms that hold an IPv4 address, leads elsewhere.
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(addr) {
			return false
		}
	}
	return true
}

// special lists what lies among the global addresses and is not public: the registries of RFC 6890,
// and the IPv6 ranges that stand for IPv4 addresses.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network
		netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"),   // documentation
		netip.MustParsePrefix("2002::/16"),       // 6to4
		netip.MustParsePrefix("3fff::/20"),       // documentation
	}
}
