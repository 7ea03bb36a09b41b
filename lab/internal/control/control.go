// Package control is the HTTP interface of a running lab, and a client for it.
//
//	GET  /healthz                       200 when the lab serves
//	GET  /platform                      where the services are: scenario.Fleet
//	POST /await                         ledgers in the body; 204 when all that they call
//	                                    exported has arrived, 504 when it has not in time
//	GET  /journey?trace=ID&trace=ID     the spans and logs of these traces and of all that
//	                                    belong to the same journey; ?id=ID finds them by
//	                                    workflow (a checkout's or negotiation's id)
//	POST /metrics                       ledgers in the body; what their instances had measured
//	                                    by then: tracetree.Point, 504 as above
//	GET  /received                      how many spans and log records of each service
//	                                    instance have arrived since the lab started
//
// Errors are problem details (RFC 9457). There is no authentication: the lab
// listens on loopback unless told otherwise.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

const (
	// maxBody bounds the body of POST /await: a ledger takes some 200 bytes.
	maxBody = 1 << 20
	// maxWait bounds how long one POST /await is held.
	maxWait = 30 * time.Second
)

// Arrived is how many spans and log records of one service instance have arrived.
type Arrived struct {
	Service  string `json:"service"`
	Instance string `json:"instance"`
	Spans    int64  `json:"spans"`
	Logs     int64  `json:"logs"`
}

// Handler serves the fleet's addresses and what the store holds.
func Handler(fleet scenario.Fleet, store *tracetree.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /platform", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, fleet)
	})
	mux.HandleFunc("GET /received", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, Received(store))
	})
	mux.HandleFunc("POST /await", func(w http.ResponseWriter, r *http.Request) { await(w, r, store) })
	mux.HandleFunc("POST /metrics", func(w http.ResponseWriter, r *http.Request) {
		points(w, r, store)
	})
	mux.HandleFunc("GET /journey", func(w http.ResponseWriter, r *http.Request) {
		journey(w, r, store)
	})
	return mux
}

// Received lists what has arrived in a store, by service and instance.
func Received(store *tracetree.Store) []Arrived {
	spans, logs := store.Received(), store.ReceivedLogs()
	all := maps.Clone(spans)
	maps.Copy(all, logs)
	list := []Arrived{}
	for i := range all {
		list = append(list, Arrived{i.Service, i.ID, spans[i], logs[i]})
	}
	slices.SortFunc(list, func(a, b Arrived) int {
		return strings.Compare(a.Service+"\x00"+a.Instance, b.Service+"\x00"+b.Instance)
	})
	return list
}

func await(w http.ResponseWriter, r *http.Request, store *tracetree.Store) {
	waiting(w, r, func(ctx context.Context, ledgers []telemetry.Snapshot) error {
		if err := store.Await(ctx, ledgers); err != nil {
			return problem.New(http.StatusGatewayTimeout, "spans-missing", "%v", err)
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

func points(w http.ResponseWriter, r *http.Request, store *tracetree.Store) {
	waiting(w, r, func(ctx context.Context, ledgers []telemetry.Snapshot) error {
		found, err := store.Points(ctx, ledgers)
		if err != nil {
			return problem.New(http.StatusGatewayTimeout, "metrics-missing", "%v", err)
		}
		respond(w, found)
		return nil
	})
}

// waiting reads ledgers and calls wait, with a ctx that ends when the caller waits no longer.
func waiting(
	w http.ResponseWriter, r *http.Request,
	wait func(context.Context, []telemetry.Snapshot) error,
) {
	var ledgers []telemetry.Snapshot
	body := http.MaxBytesReader(w, r.Body, maxBody)
	if err := json.NewDecoder(body).Decode(&ledgers); err != nil {
		problem.Write(w, r, problem.New(http.StatusBadRequest, "bad-ledgers",
			"the body must be a JSON array of ledgers: %v", err))
		return
	}
	most := maxWait
	if text := r.FormValue("timeout"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			problem.Write(w, r, problem.New(http.StatusBadRequest, "bad-timeout",
				"timeout %.40q: want a positive duration like 5s", text))
			return
		}
		most = min(d, maxWait)
	}
	ctx, cancel := context.WithTimeout(r.Context(), most)
	defer cancel()
	if err := wait(ctx, ledgers); err != nil {
		problem.Write(w, r, err)
	}
}

func journey(w http.ResponseWriter, r *http.Request, store *tracetree.Store) {
	query := r.URL.Query()
	traces := query["trace"]
	for _, id := range query["id"] {
		traces = append(traces, store.Find(id)...)
	}
	if len(query["trace"])+len(query["id"]) == 0 {
		problem.Write(w, r, problem.New(http.StatusBadRequest, "no-id",
			"want ?trace=TRACE_ID or ?id=WORKFLOW_ID"))
		return
	}
	found, err := store.Journey(r.Context(), traces)
	if err != nil {
		problem.Write(w, r, fmt.Errorf("journey: %w", err))
		return
	}
	respond(w, found)
}

func respond(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// An error here means that nobody is listening any more.
	_ = json.NewEncoder(w).Encode(v)
}
