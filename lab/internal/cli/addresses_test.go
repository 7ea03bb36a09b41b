package cli

import (
	"net"
	"strings"
	"testing"
)

func TestTakenDefaultPortIsReplaced(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	var stderr strings.Builder
	if l, err := open(t.Context(), console{err: &stderr}, "gateway", addr, true); err == nil {
		l.Close()
		t.Error("a port that was given and is taken must be an error")
	}
	l, err := open(t.Context(), console{err: &stderr}, "gateway", addr, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := addr + " is taken, gateway listens on " + l.Addr().String() + "\n"
	if stderr.String() != want {
		t.Errorf("told %q, want %q", stderr.String(), want)
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "192.0.2.1:80": false,
		"example.com:80": false, "127.0.0.1": false,
		"127.0.0.1:80": true, "127.9.9.9:0": true, "[::1]:80": true, "localhost:80": true,
	} {
		if err := loopback("lab up", addr, false); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %t", addr, err, want)
		}
		if err := loopback("lab up", addr, true); err != nil && addr != "127.0.0.1" {
			t.Errorf("%s with --allow-nonloopback: %v", addr, err)
		}
	}
}
