package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/problem"
)

// Open sends a GET and returns a 2xx response as soon as its header is there, for a body that goes
// on for hours. c's Timeout bounds the wait for the header, ctx the whole. The CLIENT span ends with
// the header: held until the body ends, it would be in no backend all that time. The errors are
// those of [JSON]. The caller closes the body.
func Open(
	ctx context.Context, c *http.Client, address string, header http.Header,
) (*http.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(request.Header, header)
	patient := *c
	patient.Timeout = 0
	stop := func() bool { return true }
	if c.Timeout > 0 {
		stop = time.AfterFunc(c.Timeout, cancel).Stop
	}
	response, err := patient.Do(request)
	if !stop() && err == nil {
		err = errors.Join(context.DeadlineExceeded, response.Body.Close())
	}
	if err != nil {
		cancel()
		return nil, silence(request, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer cancel()
		defer func() { _ = response.Body.Close() }()
		return nil, refusal(request, response)
	}
	// The transport's copy of the request holds the span that otelhttp has started.
	started := response.Request.Context()
	trace.SpanFromContext(started).End() //nolint:contextcheck // it stems from request's
	response.Body = body{ReadCloser: response.Body, cancel: cancel}
	return response, nil
}

// body frees the connection when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b body) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// silence is the problem of a peer that gave no answer.
func silence(request *http.Request, err error) error {
	// A *url.Error repeats the URL, with its query.
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		err = ue.Err
	}
	return problem.New(http.StatusServiceUnavailable, "unavailable",
		"a service behind this one does not answer; the trace tells which").Because(
		fmt.Errorf("%s %s: %w", request.Method, request.URL.Host, err))
}
