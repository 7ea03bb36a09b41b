package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
)

// listening is the route of those who listen. The edge knows it by its pattern.
const listening = "GET /checkouts/{id}/events"

const (
	// writeTimeout is how long a listener may take to receive what there is.
	writeTimeout = 10 * time.Second
	// longest is how long a stream may be open; order ends it before that.
	longest = 16 * time.Minute
)

// streams are the answers that go on for as long as somebody listens.
type streams struct {
	work    *inflight.Tracker
	closing context.Context // done when listeners are to be sent away
	close   context.CancelFunc
}

func newStreams(work *inflight.Tracker) *streams {
	s := &streams{work: work}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// events passes on the events of a checkout as they come.
func (a *api) events(w http.ResponseWriter, r *http.Request) error {
	workflow := r.PathValue("id")
	if !id.Valid(workflow) {
		return problem.New(404, "unknown-id", "id %.64q: not known", workflow)
	}
	if err := a.begin(w, r, workflow, turnOf(r.Context())); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	defer context.AfterFunc(a.streams.closing, cancel)()
	header := http.Header{"Accept": {"text/event-stream"}}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		header.Set("Last-Event-ID", last)
	}
	address := a.orders + "/" + workflow + "/events?" + r.URL.Query().Encode()
	response, err := httpclient.Open(ctx, a.upstream, address, header)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	err = a.streams.copy(w, r, response)
	if ctx.Err() != nil {
		return nil // the listener has gone, or the gateway is about to
	}
	return err
}

// copy ends the SERVER span when the stream stands, as order does with its own: what is open for
// hours is in no backend all that time. What comes after belongs to the traces of the events.
func (s *streams) copy(w http.ResponseWriter, r *http.Request, response *http.Response) error {
	out := http.NewResponseController(w)
	// The server's own deadlines are for requests that end.
	if err := out.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Accel-Buffering"} {
		w.Header().Set(name, response.Header.Get(name))
	}
	w.WriteHeader(http.StatusOK)
	if err := flush(out); err != nil {
		return err
	}
	s.work.Leave(r.Context()) // nobody who waits for work to be done waits for a listener to go
	span := trace.SpanFromContext(r.Context())
	span.SetAttributes(semconv.HTTPResponseStatusCode(http.StatusOK)) // otelhttp would come too late
	span.End()
	buffer := make([]byte, 4<<10)
	for {
		n, err := response.Body.Read(buffer)
		if n > 0 {
			if err := out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
				return err
			}
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if err := out.Flush(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func flush(out *http.ResponseController) error {
	if err := out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return out.Flush()
}
