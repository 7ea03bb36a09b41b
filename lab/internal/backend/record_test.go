package backend

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The answers in testdata come from real programs. With these flags they are recorded anew, for
// instance:
//
//	go test ./lab/internal/backend -run TestRecord -otlp http://127.0.0.1:4318 \
//	    -query 'http://127.0.0.1:16686/api/v3/traces/ID?raw_traces=true' -as jaeger
//
// It sends every testdata/*/sent.json, if -otlp is given, and writes what -query answers once all
// spans are there to testdata/*/NAME-ID.json.
var (
	recordOTLP  = flag.String("otlp", "", "OTLP/HTTP `URL` to send testdata/*/sent.json to")
	recordQuery = flag.String("query", "", "`URL` of a trace, with ID for its id")
	recordAs    = flag.String("as", "", "`NAME` of the recording")
)

func TestRecord(t *testing.T) {
	if *recordQuery == "" || *recordAs == "" {
		t.Skip("records nothing without -query and -as")
	}
	client := NewClient()
	defer client.Close()
	decode := decodeJaeger
	if strings.HasPrefix(*recordAs, TempoName) {
		decode = decodeTempo
	}
	for _, dir := range cases(t) {
		if *recordOTLP != "" {
			send(t, client, filepath.Join(dir, "sent.json"))
		}
		for id, spans := range byTrace(sent(t, dir)) {
			body := poll(t, client, strings.ReplaceAll(*recordQuery, "ID", id), func(body []byte) bool {
				held, err := decode(body)
				return err == nil && len(held) >= len(spans)
			})
			file := filepath.Join(dir, *recordAs+"-"+id+".json")
			if err := os.WriteFile(file, append(bytes.TrimSpace(body), '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func send(t *testing.T, client *Client, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *recordOTLP+"/v1/traces",
		bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", file, resp.Status)
	}
}

func poll(t *testing.T, client *Client, url string, done func([]byte) bool) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		body, err := client.get(ctx, url)
		if err == nil && body != nil && done(body) {
			return body
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v: %s", url, err, shorten(body))
		case <-time.After(lastPause):
		}
	}
}
