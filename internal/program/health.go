package program

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthTimeout is more than readiness takes, which gives each check half a second.
const healthTimeout = 3 * time.Second

// AsksHealth says whether a program was called to tell how the one beside it fares: "health" is
// its only argument. An image without a shell checks itself so.
func AsksHealth(args []string) bool { return len(args) == 1 && args[0] == "health" }

// Healthy returns nil when a service answers /readyz with 200 on this admin address, host:port,
// the one that it was told to listen on.
func Healthy(ctx context.Context, admin string) error {
	host, port, err := net.SplitHostPort(admin)
	if err != nil {
		return fmt.Errorf("health: admin address %q: %w", admin, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port) + "/readyz"
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return fmt.Errorf("health: %s answers %s: %s", url, resp.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
