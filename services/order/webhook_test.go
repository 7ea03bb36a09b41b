package order

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWebhookSettings(t *testing.T) {
	t.Parallel()
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	for value, want := range map[string]string{
		"":          "",
		secret:      "",
		secret[:20]: "ORDER_WEBHOOK_SECRET",
		"no base64": "ORDER_WEBHOOK_SECRET",
	} {
		_, err := ConfigFrom(func(name string) string {
			return map[string]string{"ORDER_WEBHOOK_SECRET": value}[name]
		})
		if got := err != nil; got != (want != "") {
			t.Errorf("secret %q: error %v, want %q", value, err, want)
		}
		if err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), value)) {
			t.Errorf("error %v: want it to name %s and to hide the secret", err, want)
		}
	}
	cfg, err := ConfigFrom(func(name string) string {
		return map[string]string{
			"ORDER_WEBHOOK_HOSTS":         " hooks.example.com, ports.example.com:8443,",
			"ORDER_WEBHOOK_PRIVATE_HOSTS": "customer:8090",
		}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	got := [][]string{cfg.WebhookHosts, cfg.WebhookPrivateHosts}
	want := [][]string{{"hooks.example.com", "ports.example.com:8443"}, {"customer:8090"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}
