package gateway

import (
	"crypto/rand"
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
	// SigningKeys sign and verify what clients carry: the first signs, all verify. At most 8, of at
	// least 32 bytes each. Empty: one is generated, good for one replica until it restarts. They
	// come from GATEWAY_SIGNING_KEYS, in base64 with commas, or from the file that
	// GATEWAY_SIGNING_KEYS_FILE names. How to rotate them is in SECURITY.md.
	SigningKeys [][]byte
	MaxTurns    int           // turns of one trace, before it rotates
	MaxAge      time.Duration // age of one trace, before it rotates
}

// maxKeys is how many keys a rotation may need at once, and more.
const maxKeys = 8

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

		SigningKeys: r.Keys("GATEWAY_SIGNING_KEYS", maxKeys),
	}
	return cfg, r.Err()
}

// generateKey returns a fresh signing key of 32 bytes.
func generateKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails, says its documentation
	return key
}
