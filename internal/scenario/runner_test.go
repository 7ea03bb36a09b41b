package scenario_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

// someJourney is one trace of one span.
func someJourney() scenario.Journey {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return scenario.Journey{Spans: []tracetree.Span{{
		TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331",
		Service: "gateway", Kind: "server", Name: "GET /x", Start: at, End: at,
	}}}
}

func parse(t *testing.T, text string) *scenario.Scenario {
	t.Helper()
	sc, err := scenario.Parse("dir/claim.txtar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

func (p *platform) run(t *testing.T, text string) scenario.Result {
	t.Helper()
	r := &scenario.Runner{Fleet: p.fleet, Source: p.store}
	return r.Run(t.Context(), parse(t, text))
}

// masked replaces what differs from run to run.
func masked(s string) string {
	s = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(s, "HOST")
	s = regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(s, "TRACE")
	return regexp.MustCompile(`\b[0-9a-f]{16}\b`).ReplaceAllString(s, "SPAN")
}

const oneTurn = `Claim.

-- turns --
POST gateway /things?workflow={run}
{"a": {"b": 1}}
status 201
`

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*platform)
		text    string
		diff    string
		input   bool
		// hopeless runs wait for what never comes, so they wait briefly.
		hopeless bool
	}{
		"one wrong word of a tree": {
			text: oneTurn + `-- trace --
gateway server POST /thing
  gateway internal work
`,
			diff: `
dir/claim.txtar:7:   -- trace --
dir/claim.txtar:8: - gateway server POST /thing
dir/claim.txtar:8: + gateway server POST /things
dir/claim.txtar:9:     gateway internal work
`,
		},
		"wrong status": {
			text: strings.Replace(oneTurn, "201", "200\nexpect body.items[0].qty = 3", 1) +
				"-- trace --\nnone\n",
			diff: `
dir/claim.txtar:6: status: got "201", want "200" (POST gateway /things?workflow=RUN answered ` +
				`201: {"id": "t-1", "items": [{"qty": 2, "of": null}], "echo": "{\"a\": {\"b\": 1}}"})
dir/claim.txtar:7: body.items[0].qty: got "2", want "3" (POST gateway /things?workflow=RUN ` +
				`answered 201: {"id": "t-1", "items": [{"qty": 2, "of": null}], ` +
				`"echo": "{\"a\": {\"b\": 1}}"})
`,
		},
		"missing values": {
			text: oneTurn + "let x = body.x\n\nGET gateway /y\nstatus 201\n-- trace --\nnone\n",
			diff: `
dir/claim.txtar:7: let x: the answer has no body.x (POST gateway /things?workflow=RUN ` +
				`answered 201: {"id": "t-1", "items": [{"qty": 2, "of": null}], ` +
				`"echo": "{\"a\": {\"b\": 1}}"})
`,
		},
		"nobody there": {
			text: "C.\n\n-- turns --\nGET other /\nstatus 200\n-- trace --\nnone\n",
			diff: `
dir/claim.txtar:4: GET other /: Get "http://HOST/": dial tcp HOST: connect: connection refused
`,
		},
		"unknown target": {
			text: "C.\n\n-- turns --\nGET getaway /\nstatus 200\n-- trace --\nnone\n",
			diff: `
dir/claim.txtar:4: target "getaway" is not on this platform: it has gateway, gateway-admin, other
`,
			input: true,
		},
		"unknown fault": {
			text: oneTurn + "-- trace --\nnone\n-- faults --\nsewer\n-- mended-by --\nx\n",
			diff: `
dir/claim.txtar: fault "sewer" is at no service: known are sever
`,
			input: true,
		},
		"spans that never arrive": {
			prepare: func(p *platform) { p.missing = 3 },
			text:    oneTurn + "-- trace --\n...\n",
			diff: `
await spans: context deadline exceeded: gateway (instance g-1): 2 of 5 exported spans arrived
`,
			hopeless: true,
		},
		"a value that must not be there": {
			text: "C.\n\n-- turns --\nGET gateway /big\nstatus 200\nexpect body.n absent\n" +
				"-- trace --\nnone\n",
			diff: `
dir/claim.txtar:6: body.n: got "90071992547409931", want nothing (GET gateway /big ` +
				`answered 200: {"n": 90071992547409931, "type": ""})
`,
		},
		"an answer that is not JSON": {
			text: "C.\n\n-- turns --\nGET gateway /moved\nstatus 302\nexpect body.n = *\n" +
				"-- trace --\nnone\n",
			diff: `
dir/claim.txtar:6: body.n: body is not JSON: invalid character '<' looking for beginning of ` +
				`value (GET gateway /moved answered 302: <a href="/elsewhere">Found</a>.)
`,
		},
		"no answer names its trace": {
			text: "C.\n\n-- turns --\nGET gateway /silent\nstatus 201\n-- trace --\nnone\n",
			diff: `
dir/claim.txtar: no answer told which trace served it (Server-Timing)
`,
		},
		"a ledger that does not add up": {
			prepare: func(p *platform) { p.lost = 1 },
			text:    oneTurn + "-- trace --\n...\n",
			diff: `
ledger of gateway (instance g-1): ended 3 is not exported 2 + dropped 0, pending 0
`,
		},
		"pending spans": {
			prepare: func(p *platform) { p.pending = 1 },
			text:    oneTurn + "-- trace --\n...\n",
			diff: `
ledger of gateway (instance g-1): ended 2 is not exported 2 + dropped 0, pending 1
`,
		},
		"log records that never arrive": {
			prepare: func(p *platform) { p.logs = 2 },
			text:    oneTurn + "-- trace --\n...\n",
			diff: `
await spans: context deadline exceeded: gateway (instance g-1): 0 of 2 exported log records arrived
`,
			hopeless: true,
		},
		"a secret and a missing log record": {
			text: oneTurn + `-- trace --
gateway server POST /things  @it
  ...
-- logs --
gateway INFO "done {run}"  @it
-- absent --
{run}
`,
			diff: `
dir/claim.txtar:11: - gateway INFO "done {run}"  @it
dir/claim.txtar:13: "{run}" must be nowhere, but is in ` +
				`gateway server POST /things: attribute shop.workflow.id
`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			if tt.prepare != nil {
				tt.prepare(p)
			}
			r := &scenario.Runner{Fleet: p.fleet, Source: p.store}
			if tt.hopeless {
				r.Deadline = 100 * time.Millisecond
			}
			got := r.Run(t.Context(), parse(t, tt.text))
			if got.Pass || (got.Err != nil) != tt.input {
				t.Errorf("pass %v, err %v", got.Pass, got.Err)
			}
			diff := strings.ReplaceAll(masked(got.Diff), got.Vars["run"], "RUN")
			if d := cmp.Diff(strings.TrimPrefix(tt.diff, "\n"), diff); d != "" {
				t.Errorf("diff (-want +got):\n%s", d)
			}
		})
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, everyWord)
	if !got.Pass || got.Err != nil {
		t.Fatalf("failed: %v\n%s", got.Err, got.Diff)
	}
	got.MS = 38
	line, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"scenario":"claim","pass":true,"turns":4,"traces":4,"spans":8,"roots":4,"ms":38,"diff":""}`
	if string(line) != want {
		t.Errorf("got %s\nwant %s", line, want)
	}
	h := p.headers[0]
	if v := h.Values("X-Twice"); len(v) != 2 || v[1] != got.Vars["trace-id"] {
		t.Errorf("repeated header arrived as %q", v)
	}
	for _, name := range []string{"Traceparent", "Baggage", "B3", "Accept-Encoding"} {
		if _, ok := h[http.CanonicalHeaderKey(name)]; ok {
			t.Errorf("request has a %s of its own", name)
		}
	}
	if h.Get("Content-Type") != "text/plain" {
		t.Errorf("content type: got %q", h.Get("Content-Type"))
	}
	if p.quiesced != 4 {
		t.Errorf("quiesced %d times, want twice for the wait and twice at the end", p.quiesced)
	}
}

const everyWord = `Everything that a turn can say.

-- turns --
# A comment.
POST gateway /things?workflow={run}
X-Twice: 1
X-Twice: {trace-id}
Content-Type: text/plain
{"run": "{run}", "other": "{other}",
 "x": {}}
status 201
let id = body.id
let tp = response.traceparent
let trace = response.trace-id
expect body.id = {id}
expect body.id != "t-2"
expect body.items[0].of = null
expect body.items[1] absent
expect header.Server-Timing = *
expect header.Location absent

wait idle

PUT gateway /things/{id}?workflow={run}
body @repeat(ab,3)
status 201
expect body.echo = ababab
repeat 2

GET gateway /moved?workflow={run}
body "{run} and \x01"
status 302
-- trace --
gateway server POST /things  @start length=51 shop.workflow.id={run} trace={trace}
  gateway internal work
-- trace --
gateway server PUT /things/t-1  trace!=@start
  ...
-- trace --
gateway server PUT /things/t-1
  ...
-- trace --
gateway server GET /moved  length=16
  ...
-- absent --
{trace-id}
`

func TestFaultsAreOnDuringTheRunAndMendedWhateverHappens(t *testing.T) {
	t.Parallel()
	const broken = "-- faults --\nsever\n-- mended-by --\nx\n"
	const severed = "-- trace --\ngateway server POST /things\n-- trace --\ngateway internal work\n"
	for name, tt := range map[string]struct {
		text string
		pass bool
	}{
		// The two traces are linked by nothing but the seed, so only one is in the journey.
		"symptom":     {oneTurn + "-- trace --\ngateway server POST /things\n" + broken, true},
		"wrong trees": {oneTurn + severed + broken, false},
		"failed turn": {strings.Replace(oneTurn, "201", "500", 1) + severed + broken, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			got := p.run(t, tt.text)
			if got.Pass != tt.pass {
				t.Errorf("pass %v, diff:\n%s", got.Pass, got.Diff)
			}
			if want := []string{"PUT sever", "DELETE sever"}; !slices.Equal(p.asked, want) {
				t.Errorf("admin was asked %q, want %q", p.asked, want)
			}
		})
	}
}

// lateLogs is a source whose log records arrive when they are waited for.
type lateLogs struct {
	*tracetree.Store
	log func() tracetree.Log
}

func (s *lateLogs) Await(ctx context.Context, ledgers []telemetry.Snapshot) error {
	arrived := make(chan error, 1)
	go func() { arrived <- s.Store.Await(ctx, ledgers) }()
	s.AddLogs(s.log())
	return <-arrived
}

func TestLogRecordsAreAwaited(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.logs = 1
	source := &lateLogs{Store: p.store, log: func() tracetree.Log {
		sc := p.served()
		return tracetree.Log{
			Service: "gateway", Instance: "g-1", Severity: "INFO", Body: "done",
			TraceID: sc.TraceID().String(), SpanID: sc.SpanID().String(),
			Attributes: map[string]any{"n": int64(1)},
		}
	}}
	r := &scenario.Runner{Fleet: p.fleet, Source: source}
	got := r.Run(t.Context(), parse(t, oneTurn+`-- trace --
gateway server POST /things  @it
  ...
-- logs --
correlated
gateway INFO "done"  @it n=1 !m
`))
	if !got.Pass {
		t.Error(got.Diff)
	}
}

func TestServicesAreQuiescedInTheOrderOfWorkTwice(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, strings.Split(r.URL.Path, "/")[1])
		io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	p.fleet.Admin = make(map[string]string)
	for _, name := range []string{"audit", "gateway", "order", "payment", "pricing"} {
		p.fleet.Admin[name] = server.URL + "/" + name
	}
	if got := p.run(t, oneTurn+"-- trace --\n...\n"); !got.Pass {
		t.Fatal(got.Diff)
	}
	once := "gateway order pricing payment audit"
	if got := strings.Join(asked, " "); got != once+" "+once {
		t.Errorf("asked %s, want %s, twice", got, once)
	}
}

func TestTurnsReachAdminListeners(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, strings.Replace(oneTurn, "-- turns --\n",
		"-- turns --\nPUT gateway-admin /faults/{run}\nstatus 204\n\n", 1)+"-- trace --\n...\n")
	if !got.Pass || got.Traces != 1 || got.Turns != 2 {
		t.Errorf("%d turns, %d traces:\n%s", got.Turns, got.Traces, got.Diff)
	}
	if want := []string{"PUT " + got.Vars["run"]}; !slices.Equal(p.asked, want) {
		t.Errorf("admin was asked %q, want %q", p.asked, want)
	}
}

func TestAloneBeginsWhenTheServicesAreIdle(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	if got := p.run(t, oneTurn+"-- alone --\n-- trace --\n...\n"); !got.Pass {
		t.Fatal(got.Diff)
	}
	if p.quiesced != 4 {
		t.Errorf("quiesced %d times, want twice before the turn and twice after", p.quiesced)
	}
}

func TestContentTypeIsJSONUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, `Claim.

-- turns --
POST gateway /big
{}
status 200
expect body.type = application/json

POST gateway /big
Content-Type:
{}
status 200
expect body.type = ""

POST gateway /big
body "{}"
status 200
expect body.type = ""
-- trace --
...
`)
	if !got.Pass {
		t.Error(got.Diff)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const wrong = oneTurn + `
-- trace --
# Kept.
gateway server POST /thing  @it shop.workflow.id={run}
  ...

-- trace --
gateway server GET /nothing
-- absent --
secret
`
	sc := parse(t, wrong)
	r := &scenario.Runner{Fleet: p.fleet, Source: p.store}
	res := r.Run(t.Context(), sc)
	if res.Pass {
		t.Fatal("passed, want a failure to update")
	}
	got, err := scenario.Update(sc, res.Journey, res.Vars)
	if err != nil {
		t.Fatal(err)
	}
	want := oneTurn + `
-- trace --
# Kept.
gateway server POST /things  @it shop.workflow.id={run}
  ...

-- absent --
secret
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	if again := r.Run(t.Context(), parse(t, string(got))); !again.Pass {
		t.Errorf("the updated scenario fails:\n%s", again.Diff)
	}
	if _, err := scenario.Update(sc, scenario.Journey{}, nil); err == nil {
		t.Error("updated from an empty journey, want an error")
	}
}
