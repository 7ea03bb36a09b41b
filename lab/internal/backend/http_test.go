package backend

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"example.com/throughline/internal/tracetree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseNames(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"":                      `"" is no backend: want some of store,jaeger,tempo`,
		"zipkin":                `"zipkin" is no backend`,
		"store,jaeger,store":    "store is there twice",
		"store, jaeger , tempo": "",
	} {
		names, err := ParseNames(list)
		if want == "" && (err != nil || len(names) != 3) ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %q, %v, want %q", list, names, err, want)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"127.0.0.1:16686":         "http://127.0.0.1:16686",
		"https://jaeger.test/ui/": "https://jaeger.test/ui",
		"ftp://jaeger.test":       "",
		"http://":                 "",
		"http://[":                "",
	} {
		if got, err := ParseURL(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

// What is wrong with an answer decides whether it is asked for again.
func TestReaders(t *testing.T) {
	t.Parallel()
	const none = `{"resourceSpans":[]}`
	for _, tc := range []struct {
		name    string
		tempo   bool
		status  int
		body    string
		want    string // of the error; empty: none
		refused bool
	}{
		{name: "not there", status: 404},
		{name: "an envelope", status: 200, body: `{"result":` + none + `}`},
		{name: "no envelope", status: 200, body: none},
		{name: "a stream", status: 200, body: `{"result":` + none + "}\n" + `{"result":` + none + "}\n"},
		{name: "starting", status: 503, body: "not ready\n", want: "503 Service Unavailable: not ready"},
		{name: "busy", status: 429, want: "429"},
		{name: "another API", status: 400, body: "bad", want: "400 Bad Request: bad", refused: true},
		{name: "a page", status: 200, body: "<html>", want: "not an answer of Jaeger's", refused: true},
		{name: "half", status: 200, body: `{"result":{`, want: "unexpected EOF", refused: true},
		{name: "other JSON", status: 200, body: `{"data":[]}`, want: "no spans in it", refused: true},
		{name: "an error inside", status: 200, body: `{"error":{"message":"no such storage"}}`,
			want: "no such storage", refused: true},
		{name: "wrong OTLP", status: 200, body: `{"result":{"resourceSpans":[{"scopeSpans":[{"spans":[` +
			`{"traceId":"xyz"}]}]}]}}`, want: "not OTLP in JSON", refused: true},
		{name: "too large", status: 200, body: strings.Repeat(" ", maxBody+1),
			want: "larger than 32 MiB", refused: true},
		{name: "Tempo, whole", tempo: true, status: 200, body: `{"trace":{},"metrics":{}}`},
		{name: "Tempo, in part", tempo: true, status: 200,
			body: `{"trace":{},"status":"PARTIAL","message":"too large"}`, want: "in part: too large",
			refused: true},
		{name: "no Tempo", tempo: true, status: 200, body: none, want: "no trace in it", refused: true},
		{name: "Tempo, a page", tempo: true, status: 200, body: "<", want: "not an answer of Tempo's",
			refused: true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			_, _ = w.Write([]byte(tc.body))
		}))
		client := NewClient()
		reader := Jaeger(client, server.URL)
		if tc.tempo {
			reader = Tempo(client, server.URL)
		}
		_, err := reader(t.Context(), traceA)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) ||
			refused(err) != tc.refused {
			t.Errorf("%s: %v (refused %v), want %q", tc.name, err, refused(err), tc.want)
		}
		client.Close()
		server.Close()
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		err := Answers(t.Context(), func(context.Context, string) ([]tracetree.Span, error) {
			if time.Since(started) < 3*time.Second {
				return nil, errors.New("503")
			}
			return nil, nil
		})
		if err != nil || time.Since(started) < 3*time.Second {
			t.Errorf("%v after %v, want an answer after three seconds", err, time.Since(started))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		starting := errors.New("503")
		if err := Answers(ctx, func(context.Context, string) ([]tracetree.Span, error) {
			return nil, starting
		}); !errors.Is(err, starting) || ctx.Err() == nil {
			t.Errorf("got %v, want what was wrong at the end", err)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := NewClient()
	defer client.Close()
	if err := Answers(t.Context(), Tempo(client, server.URL)); err == nil || refused(err) {
		t.Errorf("got %v, want an error that may pass", err)
	}
}
