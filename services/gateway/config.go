package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/throughline/internal/env"
)

// Config is what a deployment decides.
type Config struct {
	Listen     string // public HTTP, host:port
	Trusted    string // HTTP for callers whose context we continue, host:port
	Admin      string // admin listener, host:port; keep it off public networks
	RedisAddr  string // host:port
	KeyPrefix  string // in front of every Redis key, such as "shop:"
	OrderURL   string // base URL
	PricingURL string // base URL
	// SigningKeys sign and verify what clients carry: the first signs, all verify. At least 32
	// bytes each. Empty: one is generated, good for one replica until it restarts.
	SigningKeys [][]byte
	MaxTurns    int           // turns of one trace, before it rotates
	MaxAge      time.Duration // age of one trace, before it rotates
}

// ConfigFrom reads the configuration from the environment; all errors at once.
func ConfigFrom(getenv func(string) string) (Config, error) {
	r := env.New(getenv)
	cfg := Config{
		Listen:     r.Addr("GATEWAY_LISTEN", "127.0.0.1:8080"),
		Trusted:    r.Addr("GATEWAY_TRUSTED_LISTEN", "127.0.0.1:8085"),
		Admin:      r.Addr("ADMIN_LISTEN", "127.0.0.1:9080"),
		RedisAddr:  r.Addr("REDIS_ADDR", "127.0.0.1:6379"),
		KeyPrefix:  r.String("REDIS_KEY_PREFIX", "shop:"),
		OrderURL:   r.URL("ORDER_URL", "http://127.0.0.1:8081"),
		PricingURL: r.URL("PRICING_URL", "http://127.0.0.1:8082"),
		MaxTurns:   r.Int("CONTINUATION_MAX_TURNS", 10, 1, 1000),
		MaxAge:     r.Duration("CONTINUATION_MAX_AGE", 15*time.Minute),
	}
	keys, keyErr := parseKeys(r.String("GATEWAY_SIGNING_KEYS", ""))
	cfg.SigningKeys = keys
	return cfg, errors.Join(r.Err(), keyErr)
}

// parseKeys reads keys in base64, separated by commas. An error never shows a key.
func parseKeys(list string) ([][]byte, error) {
	if list == "" {
		return nil, nil
	}
	var keys [][]byte
	for i, text := range strings.Split(list, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(key) < 32 {
			return nil, &env.Error{
				Name: "GATEWAY_SIGNING_KEYS", Value: fmt.Sprintf("key %d", i+1),
				Want: "base64 of at least 32 bytes",
			}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// generateKey returns a fresh signing key of 32 bytes.
func generateKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails, says its documentation
	return key
}
