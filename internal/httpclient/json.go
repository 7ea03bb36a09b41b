package httpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"example.com/throughline/internal/problem"
)

// maxBody bounds a response's body, in bytes.
const maxBody = 1 << 20

// JSON sends in as JSON, or no body when in is nil, and reads a 2xx response of at most 1 MiB
// into out, unless out is nil. Its error, apart from an in that is not JSON or a URL that is
// malformed, is a *problem.Problem that may be passed on to the caller's caller: the peer's own
// when it sent one, with its status; 502 for any other response that is of no use; 503 when there
// was no response. The caller is not told the peer's address, for callers of an edge are strangers;
// the cause names the host, and no more of the URL.
func JSON(ctx context.Context, c *http.Client, method, address string, in, out any) error {
	request, err := newRequest(ctx, method, address, in)
	if err != nil {
		return err
	}
	response, err := c.Do(request)
	if err != nil {
		return silence(request, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return refusal(request, response)
	}
	return readInto(request, response, out)
}

func newRequest(ctx context.Context, method, address string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("marshal request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json, "+problem.ContentType)
	return request, nil
}

// refusal is the problem that the peer sent, or one about a status that says too little.
func refusal(request *http.Request, response *http.Response) error {
	cause := fmt.Errorf("status %d", response.StatusCode)
	p, ok := problem.Parse(response.Body, response.Header.Get("Content-Type"))
	if !ok || response.StatusCode < 400 {
		return badGateway(request, cause)
	}
	p.Status = response.StatusCode
	return p.Because(fmt.Errorf("%s %s: %w", request.Method, request.URL.Host, cause))
}

func readInto(request *http.Request, response *http.Response, out any) error {
	// Read even when nobody wants it: that ends the span, and lets the connection be used again.
	data, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return badGateway(request, fmt.Errorf("read response: %w", err))
	case len(data) > maxBody:
		return badGateway(request, fmt.Errorf("response is larger than %d bytes", maxBody))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return badGateway(request, fmt.Errorf("response of %d bytes: %w", len(data), err))
	}
	return nil
}

func badGateway(request *http.Request, cause error) error {
	return problem.New(http.StatusBadGateway, "bad-gateway",
		"a service behind this one gave an answer of no use; the trace tells which").Because(
		fmt.Errorf("%s %s: %w", request.Method, request.URL.Host, cause))
}
