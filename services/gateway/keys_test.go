package gateway_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry/telemetrytest"
	"example.com/throughline/services/gateway"
)

func key(char string) []byte { return []byte(strings.Repeat(char, 32)) }

func TestSigningKeysFromTheEnvironment(t *testing.T) {
	t.Parallel()
	one, two := base64.StdEncoding.EncodeToString(key("a")), base64.StdEncoding.EncodeToString(key("b"))
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(one+"\n"+two+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, variables := range map[string]map[string]string{
		"in the variable": {"GATEWAY_SIGNING_KEYS": one + "," + two},
		"in a file":       {"GATEWAY_SIGNING_KEYS_FILE": file},
	} {
		cfg, err := gateway.ConfigFrom(func(name string) string { return variables[name] })
		if err != nil || len(cfg.SigningKeys) != 2 || string(cfg.SigningKeys[0]) != string(key("a")) {
			t.Errorf("%s: %d keys, %v, want two in their order", name, len(cfg.SigningKeys), err)
		}
	}
}

// Two gateways share a Redis. While their keys are rotated, a client whose turns are served now by
// one and now by the other stays in its trace.
func TestKeysAreRotatedWithoutCuttingATrace(t *testing.T) {
	t.Parallel()
	cfg := configured(t)
	type keys [][]byte
	before, during, after := keys{key("o"), key("n")}, keys{key("n"), key("o")}, keys{key("n")}
	one, two := recorded(t, cfg, before), recorded(t, cfg, during)
	created := request(t, http.MethodPost, one.service.URL()+"/checkouts",
		`{"customer":"c-1","continuation":"client"}`, http.Header{})
	header := created.header
	for _, at := range []instance{two, one, two} {
		header = request(t, http.MethodGet, at.url(created.id), "", header).header
	}
	three := recorded(t, cfg, after)
	header = request(t, http.MethodGet, three.url(created.id), "", header).header
	trace := header.Get("Traceparent")[:35]
	if !strings.HasPrefix(created.header.Get("Traceparent"), trace) {
		t.Errorf("the last turn is in %s, want the trace of %s", trace,
			created.header.Get("Traceparent"))
	}
}

// A token is good for one turn, whichever gateway it is shown to, and for both listeners.
func TestATokenIsUsedOnceAmongAllInstances(t *testing.T) {
	t.Parallel()
	cfg := configured(t)
	one, two := recorded(t, cfg, [][]byte{key("k")}), recorded(t, cfg, [][]byte{key("k")})
	created := request(t, http.MethodPost, one.service.URL()+"/checkouts",
		`{"customer":"c-1","continuation":"client"}`, http.Header{})
	request(t, http.MethodGet, one.url(created.id), "", created.header)
	replayed := request(t, http.MethodGet, two.url(created.id), "", created.header)
	if replayed.id != created.id {
		t.Errorf("got order %q, want %q: a replay is served", replayed.id, created.id)
	}
	spans := serverSpans(t, two.tel, two.service)
	attrs := telemetrytest.Attributes(spans[0])
	if len(spans) != 1 || spans[0].Parent.IsValid() ||
		attrs[string(shop.ContinuationRejected)] != "replayed" || len(spans[0].Links) != 1 {
		t.Errorf("parent %v, links %v, %v, want a linked root, rejected as replayed",
			spans[0].Parent, spans[0].Links, attrs)
	}
	// What the replay was answered is good again.
	again := request(t, http.MethodGet, one.url(created.id), "", replayed.header)
	if got, want := again.header.Get("Traceparent")[:35], replayed.header.Get("Traceparent")[:35]; got != want {
		t.Errorf("after the replay: trace %s, want %s", got, want)
	}
}

// Without keys one is made up, and a warning says what that means.
func TestAGeneratedKeyIsWarnedOf(t *testing.T) {
	t.Parallel()
	const warning = "GATEWAY_SIGNING_KEYS is not set: the key is generated, " +
		"so that clients' contexts hold for this replica only, and until it restarts"
	generated := recorded(t, configured(t), nil).tel.Lines(warning)
	if len(generated) != 1 || generated[0]["level"] != "WARN" {
		t.Errorf("log %v, want one warning", generated)
	}
	if got := recorded(t, configured(t), [][]byte{key("k")}).tel.Lines(warning); len(got) != 0 {
		t.Errorf("log %v, want no warning", got)
	}
}

// instance is one of several gateways.
type instance struct {
	service *gateway.Service
	tel     *telemetrytest.Recorder
}

func recorded(t *testing.T, cfg gateway.Config, keys [][]byte) instance {
	t.Helper()
	tel := telemetrytest.New(t)
	cfg.SigningKeys = keys
	return instance{service: serveGateway(t, tel, cfg, time.Now), tel: tel}
}

func (i instance) url(id string) string { return i.service.URL() + "/checkouts/" + id }
