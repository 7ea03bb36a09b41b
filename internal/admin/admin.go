// Package admin is the HTTP interface of a service for those who operate it: liveness, readiness,
// ledger, faults. It belongs on a listener of its own, on loopback or an internal network, and is
// not traced: probes would drown the traces of requests.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
)

const (
	checkTimeout   = 500 * time.Millisecond
	quiesceTimeout = 14 * time.Second // less than the server takes to write an answer
	jobTimeout     = 30 * time.Second
)

// Config says what a service offers.
type Config struct {
	Telemetry *telemetry.Telemetry // required

	// Ready are the checks that GET /readyz runs, by name. Each gets 500 ms.
	Ready map[string]func(context.Context) error

	// Faults are switched by PUT and DELETE /faults/{name}; nil means none.
	Faults *fault.Set

	// Jobs are run by POST /jobs/{name}, with the query as their parameters, and answer with
	// what they did. Each gets 30 s.
	Jobs map[string]Job

	// Idle are run in order by POST /quiesce, before the flush. Each waits until some kind of
	// work is done.
	Idle []func(context.Context) error
}

// Handler serves:
//
//	GET    /livez          200 as long as the process answers
//	GET    /readyz         200 or 503, {"status":"ready","checks":{"redis":"ok"}}
//	GET    /ledger         telemetry.Snapshot
//	POST   /quiesce        waits for work under way, flushes, then as /ledger; 504 after 14 s
//	POST   /jobs/{name}    runs a job now: 200 and what it did, or 404 for an unknown one
//	GET    /faults         a list of fault.Status
//	PUT    /faults/{name}  turns a fault on; 204, or 404 for an unknown one
//	DELETE /faults/{name}  turns it off
//
// What changes something is refused with 403 when a browser sends it for another page: who operates
// a service on their own machine reads the web there, too.
func Handler(c Config) http.Handler {
	h := handler{c}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, map[string]string{"status": "live"})
	})
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, c.Telemetry.Ledger.Snapshot())
	})
	mux.HandleFunc("POST /quiesce", h.quiesce)
	mux.HandleFunc("POST /jobs/{name}", h.job)
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, c.Faults.List())
	})
	mux.HandleFunc("PUT /faults/{name}", h.turn(true))
	mux.HandleFunc("DELETE /faults/{name}", h.turn(false))
	pages := http.NewCrossOriginProtection()
	pages.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, problem.New(http.StatusForbidden, "cross-origin",
			"sent by a browser for another page"))
	}))
	return pages.Handler(mux)
}

// Job is work that a timer or an operator starts. What it returns is sent as JSON.
type Job func(ctx context.Context, parameters url.Values) (any, error)

type handler struct{ Config }

func (h handler) job(w http.ResponseWriter, r *http.Request) {
	job, ok := h.Jobs[r.PathValue("name")]
	if !ok {
		h.write(w, r, problem.New(http.StatusNotFound, "unknown-job",
			"job %.64q: want one of %s", r.PathValue("name"),
			strings.Join(slices.Sorted(maps.Keys(h.Jobs)), ", ")))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), jobTimeout)
	defer cancel()
	done, err := job(ctx, r.URL.Query())
	if err != nil {
		h.Telemetry.Logger.ErrorContext(ctx, "job failed",
			string(shop.JobName), r.PathValue("name"), "error", err)
		h.write(w, r, err)
		return
	}
	send(w, http.StatusOK, done)
}

// readiness is the answer of /readyz.
type readiness struct {
	Status string            `json:"status"` // ready or not ready
	Checks map[string]string `json:"checks"` // ok or the error, by name
}

func (h handler) ready(w http.ResponseWriter, r *http.Request) {
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		out = readiness{Status: "ready", Checks: make(map[string]string)}
		ok  = http.StatusOK
	)
	ctx := r.Context()
	for name, check := range h.Ready {
		wg.Go(func() {
			err := run(ctx, check)
			mu.Lock()
			defer mu.Unlock()
			out.Checks[name] = "ok"
			if err != nil {
				out.Checks[name] = err.Error()
				out.Status, ok = "not ready", http.StatusServiceUnavailable
			}
		})
	}
	wg.Wait()
	send(w, ok, out)
}

// run gives a check its time, also one that does not look at its context.
func run(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- check(ctx) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h handler) quiesce(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), quiesceTimeout)
	defer cancel()
	for _, idle := range h.Idle {
		if err := idle(ctx); err != nil {
			h.refuse(w, r, fmt.Errorf("wait until idle: %w", err))
			return
		}
	}
	if err := h.Telemetry.Flush(ctx); err != nil {
		if ctx.Err() != nil {
			h.refuse(w, r, fmt.Errorf("flush telemetry: %w", err))
			return
		}
		// Some export failed, but all is settled: the ledger tells what was lost.
		h.Telemetry.Logger.WarnContext(ctx, "quiesced with losses", "error", err)
	}
	send(w, http.StatusOK, h.Telemetry.Ledger.Snapshot())
}

func (h handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		err = problem.New(http.StatusGatewayTimeout, "not-idle",
			"still busy after %v", quiesceTimeout).Because(err)
	} else { // Redis is away, mostly; whoever asks here may know
		err = problem.New(http.StatusServiceUnavailable, "not-idle", "%v", err)
	}
	h.Telemetry.Logger.ErrorContext(r.Context(), "quiesce failed", "error", err)
	h.write(w, r, err)
}

func (h handler) turn(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h.Faults.Turn(r.PathValue("name"), on); err != nil {
			h.write(w, r, problem.New(http.StatusNotFound, "unknown-fault", "%v", err))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// write sends an error without the secrets that its text may repeat.
func (h handler) write(w http.ResponseWriter, r *http.Request, err error) {
	problem.Write(w, r, problem.From(err).Map(h.Telemetry.Redact))
}

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that nobody is listening
}
