package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"example.com/throughline/lab/internal/audit"
)

func TestAuditUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"audit now":                              "takes no arguments",
		"audit --against 127.0.0.1:1":            "--dump",
		"audit --dump d":                         "want --against",
		"audit --only [":                         "--only",
		"audit --against x --dump d --break pii": "lab break",
	} {
		if r := invoke(t.Context(), "", strings.Fields(args)...); r.code != 2 ||
			!strings.Contains(r.err, want) {
			t.Errorf("lab %s: exit %d, want 2 and %q\n%s", args, r.code, want, r.err)
		}
	}
	r := invoke(t.Context(), "", "audit", "--break", "no-such-fault")
	if r.code != 1 || !strings.Contains(r.err, "no-such-fault") {
		t.Errorf("exit %d, want 1 and the fault\n%s", r.code, r.err)
	}
}

// The shop is clean: here a part of it, .ci/run has the whole.
func TestAuditOfTheShop(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	r := invoke(t.Context(), "", "audit", "--json", "--only",
		`^gateway (GET|PUT|POST) /checkouts|^payment|^pricing POST /quotes|^order admin`)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	var summary struct {
		Pass     bool
		Searched audit.Searched
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatalf("%v\n%s%s", err, r.out, r.err)
	}
	s := summary.Searched
	if r.code != 0 || !summary.Pass {
		t.Errorf("exit %d\n%.3000s%s", r.code, r.out, r.err)
	}
	for what, n := range map[string]int{
		"endpoints": s.Endpoints, "spans": s.Spans, "logs": s.Logs, "points": s.Points,
		"lines": s.Lines, "keys": s.Keys, "webhooks": s.Webhooks, "events": s.Events,
		"contexts": s.Contexts,
	} {
		if n == 0 {
			t.Errorf("no %s were looked at: %+v", what, s)
		}
	}
}

// A real fault: what order tells about a payment is found on its span, in baggage, and named.
func TestAuditFindsTheFault(t *testing.T) {
	t.Parallel()
	r := invoke(t.Context(), "", "audit", "--break", "pii-in-telemetry", "--only",
		`^order POST /orders/\{id\}/payment`)
	if r.code != 1 {
		t.Errorf("exit %d, want 1\n%s%s", r.code, r.out, r.err)
	}
	for _, want := range []string{
		`LEAK  card token, planted in order POST /orders/{id}/payment, card token: ` +
			`surfaced in order span "POST /orders/{id}/payment", attribute payment.reference`,
		`surfaced in payment baggage "throughline.payment.v1.PaymentService/Authorise", member payment.reference`,
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}

// What is not searched is said.
func TestAuditOfARunningLab(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dump, logs := filepath.Join(dir, "dump"), filepath.Join(dir, "logs")
	running := up(t, "--dump", dump, "--service-logs", logs)
	defer running.stop()
	lab := running.control
	only := `^order GET /orders/\{id\}$`
	r := invoke(t.Context(), "", "audit", "--against", lab, "--dump", dump, "--only", only)
	if r.code != 0 || !strings.Contains(r.out, "clean") ||
		!strings.Contains(r.err, "not searched: Redis") ||
		!strings.Contains(r.err, "not searched: standard output") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := invoke(t.Context(), "", "break", "--lab", lab, "pii-in-telemetry"); r.code != 0 {
		t.Fatal(r.err)
	}
	r = invoke(t.Context(), "", "audit", "--against", lab, "--dump", dump, "--logs", logs, "--only",
		`^gateway POST /checkouts/\{id\}/payment`)
	if r.code != 1 || !strings.Contains(r.out, "attribute payment.reference") {
		t.Errorf("exit %d, want 1 and the attribute\n%s%s", r.code, r.out, r.err)
	}
}
