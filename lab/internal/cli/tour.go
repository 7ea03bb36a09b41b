package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/control"
	"example.com/throughline/lab/internal/suite"
)

// stops are the scenarios of the tour: a long journey in one trace, the same as a chain of traces,
// parallel work, an error.
func stops() []string {
	return []string{"journey-persisted", "linked-turns", "quote-fan-out", "errors"}
}

type tourFlags struct{ against, jaeger, grafana string }

func tourCommand() command {
	return command{
		name: "tour", args: "[NAME ...]",
		short: "run a few scenarios against the stack and say where to look at them",
		about: `
Runs a few scenarios, or those that you name, against the stack that ` + "`make up`" + `
started, and prints for each where its largest trace can be seen.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			var t tourFlags
			f.StringVar(&t.against, "against", defaultLab, "`URL` of the lab's control listener")
			f.StringVar(&t.jaeger, "jaeger-ui", "http://127.0.0.1:16686",
				"`URL` of Jaeger as your browser reaches it")
			f.StringVar(&t.grafana, "grafana", "http://127.0.0.1:3000",
				"`URL` of Grafana as your browser reaches it")
			return t.run
		},
	}
}

func (t *tourFlags) run(ctx context.Context, c console, args []string) error {
	if len(args) == 0 {
		args = stops()
	}
	scenarios, err := choose(openLibrary(), args)
	if err != nil {
		return err
	}
	client := control.NewClient(t.against, nil)
	defer client.Close()
	fleet, _, lab, err := join(ctx, c, client)
	if err != nil {
		return err
	}
	out := &reporter{console: c}
	results := suite.Run(ctx, suite.Config{
		Shared:   suite.Target{Fleet: fleet, Source: lab},
		Parallel: 1,
		Report: func(sc *scenario.Scenario, res suite.Result) {
			out.result(sc, res)
			if id := largest(res.Journey); id != "" {
				t.tell(c, id)
			}
		},
	}, scenarios)
	c.printf(`
Where to look:
  %-46s  the shop
  %-46s  traces in Jaeger
  %-46s  traces, logs, metrics, dashboards
  %-46s  what has arrived, by instance
Make a journey of your own, and read it as a tree:
  curl -si http://127.0.0.1:8080/checkouts -H 'Content-Type: application/json' \
       -d '{"customer":"c-1","continuation":"persisted"}'
  lab tree CHECKOUT_ID    (or: docker compose -f deploy/docker-compose.yml exec lab /lab tree ...)
`, "http://127.0.0.1:8080", t.jaeger, t.grafana, t.against+"/received")
	return out.failure(results)
}

func (t *tourFlags) tell(c console, id string) {
	c.printf("      jaeger  %s/trace/%s\n", t.jaeger, id)
	c.printf("      tempo   %s\n", t.explore("tempo", map[string]any{
		"queryType": "traceql", "query": id}))
	c.printf("      logs    %s\n\n", t.explore("loki", map[string]any{
		"expr": fmt.Sprintf("{service_name=~`.+`} | trace_id=`%s`", id)}))
}

// explore is the address of a query in Grafana, to a data source that has its type as its uid.
func (t *tourFlags) explore(source string, query map[string]any) string {
	query = maps.Clone(query)
	query["refId"] = "A"
	query["datasource"] = map[string]string{"type": source, "uid": source}
	panes, err := json.Marshal(map[string]any{"a": map[string]any{
		"datasource": source,
		"queries":    []any{query},
		"range":      map[string]string{"from": "now-1h", "to": "now"},
	}})
	if err != nil {
		return t.grafana // strings and maps
	}
	return t.grafana + "/explore?" + url.Values{
		"schemaVersion": {"1"}, "orgId": {"1"}, "panes": {string(panes)}}.Encode()
}

// largest is the trace of a journey with the most spans; of equals the first by id.
func largest(j scenario.Journey) string {
	spans := map[string]int{}
	for _, s := range j.Spans {
		spans[s.TraceID]++
	}
	id := ""
	for _, candidate := range slices.Sorted(maps.Keys(spans)) {
		if id == "" || spans[candidate] > spans[id] {
			id = candidate
		}
	}
	return id
}
