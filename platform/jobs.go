package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"example.com/throughline/internal/admin"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/program"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/services/payment"
)

// jobs stands for the shell that runs programs which do their work and exit. It runs what such a
// program runs, in this process and with telemetry of its own, so that a scenario can call it:
//
//	POST /payment/settle  {"args": ["--older-than", "0s"], "env": {"TRACEPARENT": "00-..."}}
//
// answers 200 with {"exit": 0, "stdout": [...], "stderr": ""}. It is not traced: a shell is not.
type jobs struct {
	http, admin net.Listener
	servers     []lifecycle.Server
	telemetry   *telemetry.Telemetry
	payment     payment.Config
}

// call is how a program is called.
type call struct {
	Args []string          `json:"args"`
	Env  map[string]string `json:"env"`
}

// result is how it ended. Each line that it printed on stdout is JSON.
type result struct {
	Exit   int               `json:"exit"`
	Stdout []json.RawMessage `json:"stdout"`
	Stderr string            `json:"stderr"`
}

func newJobs(listen, adminAddr string, cfg payment.Config, tel *telemetry.Telemetry) (*jobs, error) {
	j := &jobs{telemetry: tel, payment: cfg}
	var err error
	if j.http, err = lifecycle.Listen(listen); err != nil {
		return nil, err
	}
	if j.admin, err = lifecycle.Listen(adminAddr); err != nil {
		return nil, errors.Join(err, j.http.Close())
	}
	work := &inflight.Tracker{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payment/settle", j.serve)
	adminHandler := admin.Handler(admin.Config{
		Telemetry: tel, Idle: []func(context.Context) error{work.Wait},
	})
	j.servers = []lifecycle.Server{
		lifecycle.HTTP("jobs", lifecycle.NewHTTPServer(work.Handler(mux)), j.http),
		lifecycle.HTTP("admin", lifecycle.NewHTTPServer(adminHandler), j.admin),
	}
	return j, nil
}

func (j *jobs) Serve(ctx context.Context) error {
	return lifecycle.Serve(ctx, 10*time.Second, j.servers...)
}

func (j *jobs) URL() string      { return "http://" + j.http.Addr().String() }
func (j *jobs) AdminURL() string { return "http://" + j.admin.Addr().String() }

func (j *jobs) serve(w http.ResponseWriter, r *http.Request) {
	var c call
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&c)
	if err != nil {
		err = problem.New(http.StatusBadRequest, "malformed-call", "body: want a call as JSON").
			Because(err)
	} else {
		err = httpserver.Respond(w, http.StatusOK, j.run(r.Context(), c))
	}
	if err != nil {
		problem.Write(w, r, err)
	}
}

// run does what main does, but for the end: the telemetry is there for the next job too.
func (j *jobs) run(ctx context.Context, c call) result {
	var stdout, stderr bytes.Buffer
	lookup := func(name string) (string, bool) {
		value, ok := c.Env[name]
		return value, ok
	}
	job, err := payment.ParseArgs(append([]string{"settle"}, c.Args...))
	if err == nil {
		err = job.Run(ctx, j.payment, payment.Wire(j.payment, j.telemetry), lookup, &stdout)
	}
	out := result{Exit: program.ExitCode(&stderr, err), Stderr: j.telemetry.Redact(stderr.String())}
	for dec := json.NewDecoder(&stdout); ; {
		var line json.RawMessage
		if err := dec.Decode(&line); errors.Is(err, io.EOF) || err != nil {
			return out
		}
		out.Stdout = append(out.Stdout, line)
	}
}
