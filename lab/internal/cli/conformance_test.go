package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestConformanceServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	called := make(chan string, 1)
	peer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called <- r.Header.Get("tracestate")
	}))
	defer peer.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Run(ctx, []string{"conformance", "--listen", "127.0.0.1:0"},
			func(string) string { return "" }, strings.NewReader(""), writer, io.Discard)
		writer.Close()
		done <- err
	}()
	printed := bufio.NewScanner(reader)
	if !printed.Scan() {
		t.Fatalf("prints no URL: %v", <-done)
	}
	url := printed.Text()
	go func() { _, _ = io.Copy(io.Discard, reader) }()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
		strings.NewReader(fmt.Sprintf(`[{"url":%q,"arguments":[]}]`, peer.URL)))
	if err != nil {
		t.Fatalf("printed %q: %v", url, err)
	}
	request.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	request.Header.Set("tracestate", "k@=1")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body.Close(); response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, want 200", response.StatusCode)
	}
	if got := <-called; got != "k@=1" {
		t.Errorf("the call has tracestate %q, want k@=1", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped: %v", err)
	}
}

func TestConformanceUsage(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for args, want := range map[string]string{
		"now":                               "takes no arguments",
		"--listen 0.0.0.0:0":                "--allow-nonloopback",
		"--listen " + taken.Addr().String(): "address already in use",
	} {
		r := invoke(t.Context(), "", append([]string{"conformance"}, strings.Fields(args)...)...)
		if r.code != 2 || !strings.Contains(r.err, want) {
			t.Errorf("lab conformance %s: exit %d, want 2 with %q\n%s", args, r.code, want, r.err)
		}
	}
}
