package conformance

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"example.com/throughline/lab/internal/decode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// probe runs f with a probe, and fails the test if service or peer do not stop well.
func probe(t *testing.T, f func(*Probe)) {
	t.Helper()
	err := WithProbe(t.Context(), func(p *Probe) error {
		f(p)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Every case, over the wire: in through the services' middleware, out through their transport.
func TestCases(t *testing.T) {
	t.Parallel()
	probe(t, func(p *Probe) {
		for _, c := range Cases() {
			calls, err := p.Send(t.Context(), 1, c.Headers)
			if err != nil {
				t.Errorf("%s (%s): %v", c.Name, c.Section, err)
				continue
			}
			check(t, c, calls[0])
		}
	})
}

// `lab decode` calls a header invalid if and only if the services drop it.
func TestDecodeAgrees(t *testing.T) {
	t.Parallel()
	for _, c := range Cases() {
		var parents, states []decode.Header
		for _, h := range c.Headers {
			header := decode.Header{Name: h.Name, Value: strings.Trim(h.Value, " \t")}
			switch strings.ToLower(h.Name) {
			case "traceparent":
				parents = append(parents, header)
			case "tracestate":
				states = append(states, header)
			}
		}
		if len(parents) > 0 {
			invalid := decode.Worst(decode.All(parents, decode.Options{})) == decode.Invalid
			if goesOn := c.Flags != ""; goesOn == invalid {
				t.Errorf("%s (%s): decode calls %q invalid: %t; that the trace goes on: %t",
					c.Name, c.Section, parents, invalid, goesOn)
			}
		}
		// Our own limit, and what is right in itself, are not decode's business.
		empty := !slices.ContainsFunc(states, func(h decode.Header) bool { return h.Value != "" })
		if c.Section == "tracestate Limits" || c.Flags == "" || empty {
			continue
		}
		lines := decode.All(append(parents, states...), decode.Options{})
		invalid := decode.Worst(lines) == decode.Invalid
		if (c.State == "") != invalid {
			t.Errorf("%s (%s): decode calls %.80q invalid: %t; sent on: %.80q",
				c.Name, c.Section, states, invalid, c.State)
		}
	}
}

func check(t *testing.T, c Case, sent http.Header) {
	t.Helper()
	parents := sent["Traceparent"]
	if len(parents) != 1 {
		t.Errorf("%s (%s): sent %d traceparents %q, want one", c.Name, c.Section, len(parents), parents)
		return
	}
	parts := strings.Split(parents[0], "-")
	if len(parts) != 4 || len(parents[0]) != len(valid) || parts[0] != "00" {
		t.Errorf("%s (%s): sent traceparent %q, want one of version 00", c.Name, c.Section, parents[0])
		return
	}
	if parts[2] == spanID || strings.Trim(parts[2], "0") == "" {
		t.Errorf("%s (%s): parent id %s, want one of the service's own", c.Name, c.Section, parts[2])
	}
	flags := c.Flags
	if flags == "" {
		flags = "01"
	}
	if goesOn := parts[1] == traceID; goesOn != (c.Flags != "") || parts[3] != flags {
		t.Errorf("%s (%s): sent %s, want the trace to go on %t, flags %s",
			c.Name, c.Section, parents[0], c.Flags != "", flags)
	}
	if got := strings.Join(sent["Tracestate"], " AND "); got != c.State {
		t.Errorf("%s (%s): sent tracestate %q, want %q", c.Name, c.Section, got, c.State)
	}
}

// One request, several calls: one trace, and a span for each call.
func TestEachCallHasASpan(t *testing.T) {
	t.Parallel()
	probe(t, func(p *Probe) {
		for name, test := range map[string]struct {
			headers []Header
			goesOn  bool
		}{
			"a valid traceparent": {[]Header{{"traceparent", valid}}, true},
			"none":                {nil, false},
			"a broken one":        {[]Header{{"traceparent", "00-0-0-00"}}, false},
		} {
			calls, err := p.Send(t.Context(), 3, test.headers)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			traces, spans := map[string]bool{}, map[string]bool{}
			for _, call := range calls {
				parts := strings.Split(call.Get("Traceparent"), "-")
				traces[parts[1]], spans[parts[2]] = true, true
			}
			if len(traces) != 1 || len(spans) != 3 || traces[traceID] != test.goesOn {
				t.Errorf("%s: traces %v, spans %v; want one trace, which goes on %t, and three spans",
					name, traces, spans, test.goesOn)
			}
		}
	})
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	const here = `{"url":"http://127.0.0.1:1/"}`
	probe(t, func(p *Probe) {
		for name, test := range map[string]struct {
			body string
			want int
			say  string
		}{
			"no call":        {`[]`, 200, `"calls":0`},
			"nobody there":   {`[` + here + `]`, 503, "127.0.0.1:1"},
			"not JSON":       {`[`, 400, "malformed-body"},
			"not a list":     {here, 400, "malformed-body"},
			"unknown field":  {`[{"url":"http://127.0.0.1:1/","method":"GET"}]`, 400, "method"},
			"17 calls":       {`[` + strings.Repeat(here+",", 16) + here + `]`, 400, "at most 16"},
			"too large":      {`["` + strings.Repeat("x", 70<<10) + `"]`, 413, "65536"},
			"another host":   {`[{"url":"http://192.0.2.1/"}]`, 400, "want a loopback address"},
			"a name":         {`[{"url":"http://localhost.example.com/"}]`, 400, "want a loopback"},
			"userinfo":       {`[{"url":"http://127.0.0.1@example.com/"}]`, 400, "want a loopback"},
			"another scheme": {`[{"url":"file:///etc/hosts"}]`, 400, "want http://"},
			"no url":         {`[{}]`, 400, "want http://"},
		} {
			status, answer, err := p.post(t.Context(), nil, test.body)
			if err != nil || status != test.want || !strings.Contains(string(answer), test.say) {
				t.Errorf("%s: %d %s %v; want %d with %q", name, status, answer, err, test.want, test.say)
			}
		}
	})
}

// The standard's variable decides here as it does in the services.
func TestPropagatorsAreThoseOfTheEnvironment(t *testing.T) {
	t.Parallel()
	service, err := New(t.Context(), Config{Getenv: func(name string) string {
		return map[string]string{"OTEL_PROPAGATORS": "b3"}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(service.tel.Propagator.Fields(), ","); got != "b3" {
		t.Errorf("propagator writes %q, want b3", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := service.Serve(ctx); err != nil {
		t.Error(err)
	}
	nonsense := func(string) string { return "nonsense" }
	if _, err := New(t.Context(), Config{Getenv: nonsense}); err == nil {
		t.Error("nonsense in every variable is taken")
	}
	if _, err := New(t.Context(), Config{Listen: "127.0.0.1:-1"}); err == nil {
		t.Error("a port of -1 is taken")
	}
}
