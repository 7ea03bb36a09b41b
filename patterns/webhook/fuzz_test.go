package webhook

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Nobody without the secret finds a header that is accepted, except the one that
// was signed.
func FuzzVerify(f *testing.F) {
	now, body := time.Unix(1767225600, 0), []byte(`{"order":"shipped"}`)
	genuine := Sign(secret(), body, now)
	f.Add(genuine, body)
	f.Add("", []byte(nil))
	f.Add("t=,v1=", body)
	f.Add("t=+1767225600"+genuine[len("t=1767225600"):], body)
	f.Fuzz(func(t *testing.T, header string, got []byte) {
		err := Verify(secret(), header, got, now)
		if err == nil && (string(got) != string(body) || !strings.EqualFold(header, genuine)) {
			t.Errorf("accepted %q for %q", header, got)
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrForged) &&
			!errors.Is(err, ErrExpired) {
			t.Errorf("error = %v", err)
		}
	})
}

// Whatever is dialled, an address that maps to a private one is refused.
func FuzzGuard(f *testing.F) {
	for _, address := range []string{"10.0.0.1:80", "[::1]:443", "[::ffff:127.0.0.1]:1", "x", ":80"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		err := guard(special())(t.Context(), "tcp", address, nil)
		if err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("error = %v", err)
		}
		to, parseErr := netip.ParseAddrPort(address)
		if err == nil && (parseErr != nil || to.Addr().Unmap().IsPrivate() ||
			to.Addr().Unmap().IsLoopback()) {
			t.Errorf("let %q pass", address)
		}
	})
}
