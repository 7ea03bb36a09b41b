package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/throughline/lab/internal/backend"
)

// Where the query APIs of the backends are unless told otherwise, as deploy/ publishes them.
const (
	defaultJaeger = "http://127.0.0.1:16686"
	defaultTempo  = "http://127.0.0.1:3200"
)

// answerTimeout bounds the one question that shows whether a backend is there at all.
const answerTimeout = 15 * time.Second

// verifyFlags say which backends a run is read back from.
type verifyFlags struct {
	names                 string
	jaeger, tempo         string // query APIs
	jaegerOTLP, tempoOTLP string // where an embedded Collector sends traces
}

func (v *verifyFlags) register(f *flags) {
	f.StringVar(&v.names, "verify", "", "read all traces back from these `BACKENDS` and compare\n"+
		"them span for span: "+strings.Join(backend.Names(), ","))
	f.StringVar(&v.jaeger, "jaeger", "", "`URL` of Jaeger's query API (default $JAEGER_URL, or else\n"+
		defaultJaeger+")")
	f.StringVar(&v.tempo, "tempo", "", "`URL` of Tempo's query API (default $TEMPO_URL, or else\n"+
		defaultTempo+")")
	f.StringVar(&v.jaegerOTLP, "jaeger-otlp", "", "send traces to this OTLP/gRPC `HOST:PORT` too "+
		"(default\n$JAEGER_OTLP_ENDPOINT, if Jaeger is verified)")
	f.StringVar(&v.tempoOTLP, "tempo-otlp", "", "send traces to this OTLP/gRPC `HOST:PORT` too "+
		"(default\n$TEMPO_OTLP_ENDPOINT, if Tempo is verified)")
}

// resolve fills in what the environment says and refuses what does not fit together. Against a
// running lab its Collector sends traces, and not ours.
func (v *verifyFlags) resolve(getenv func(string) string, against bool) error {
	var names []string
	if v.names != "" {
		var err error
		if names, err = backend.ParseNames(v.names); err != nil {
			return usagef("lab run: --verify: %w", err)
		}
	}
	for _, b := range []struct {
		name, env      string
		url, otlp      *string
		defaultAddress string
	}{
		{backend.JaegerName, "JAEGER", &v.jaeger, &v.jaegerOTLP, defaultJaeger},
		{backend.TempoName, "TEMPO", &v.tempo, &v.tempoOTLP, defaultTempo},
	} {
		asked := slices.Contains(names, b.name)
		switch {
		case !asked && *b.url != "":
			return usagef("lab run: --%s is of no use without --verify %s", b.name, b.name)
		case against && *b.otlp != "":
			return usagef("lab run: --%s-otlp is for the embedded Collector; "+
				"with --against, that of the lab sends traces", b.name)
		case !asked:
			continue
		}
		address, err := backend.ParseURL(cmp.Or(*b.url, getenv(b.env+"_URL"), b.defaultAddress))
		if err != nil {
			return usagef("lab run: --%s: %w", b.name, err)
		}
		*b.url = address
		*b.otlp = cmp.Or(*b.otlp, getenv(b.env+"_OTLP_ENDPOINT"))
		if *b.otlp == "" && !against {
			return usagef("lab run: --verify %s: the embedded Collector does not know where to send: "+
				"give it --%s-otlp HOST:PORT or %s_OTLP_ENDPOINT", b.name, b.name, b.env)
		}
	}
	return nil
}

// verifier returns what reads the traces back, nil when nothing is to be verified, and what to do
// in the end. A backend that does not answer is told at once, not after the first scenario.
func (v *verifyFlags) verifier(ctx context.Context) (*backend.Verifier, func(), error) {
	if v.names == "" {
		return nil, func() {}, nil
	}
	names, err := backend.ParseNames(v.names)
	if err != nil {
		return nil, nil, usagef("lab run: --verify: %w", err)
	}
	client := backend.NewClient()
	known := map[string]struct {
		read backend.Reader
		url  string
	}{
		backend.StoreName:  {nil, ""},
		backend.JaegerName: {backend.Jaeger(client, v.jaeger), v.jaeger},
		backend.TempoName:  {backend.Tempo(client, v.tempo), v.tempo},
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	readers := make(map[string]backend.Reader, len(names))
	for _, name := range names {
		readers[name] = known[name].read
		if name == backend.StoreName {
			continue
		}
		if err := backend.Answers(ctx, known[name].read); err != nil {
			client.Close()
			return nil, nil, fmt.Errorf("lab run: --verify: no %s at %s: %w", name, known[name].url, err)
		}
	}
	return &backend.Verifier{Readers: readers}, client.Close, nil
}
