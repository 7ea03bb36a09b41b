package program

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthy(t *testing.T) {
	t.Parallel()
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"status":"not ready"}`)
	}))
	addr := server.Listener.Addr().String()
	_, port, _ := strings.Cut(addr, ":")
	err := Healthy(t.Context(), addr)
	if err == nil || !strings.Contains(err.Error(), "503") ||
		!strings.Contains(err.Error(), "not ready") {
		t.Errorf("not ready: got %v", err)
	}
	status = http.StatusOK
	// All interfaces, as in a container: the program asks its own.
	for _, admin := range []string{addr, ":" + port, "0.0.0.0:" + port} {
		if err := Healthy(t.Context(), admin); err != nil {
			t.Errorf("%s: %v", admin, err)
		}
	}
	server.Close()
	if err := Healthy(t.Context(), addr); err == nil {
		t.Error("nobody answers: got nil")
	}
	if err := Healthy(t.Context(), "nowhere"); err == nil {
		t.Error("no port: got nil")
	}
}

func TestAsksHealth(t *testing.T) {
	t.Parallel()
	if !AsksHealth([]string{"health"}) || AsksHealth(nil) || AsksHealth([]string{"health", "x"}) {
		t.Error("want: exactly one argument, health")
	}
}
