package collector_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	files "example.com/throughline/deploy/collector"
	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/collector"
	"example.com/throughline/lab/internal/storeexporter"
)

// combinations are how the files are meant to be given together.
func combinations() [][]string {
	stack := []string{"base.yaml", "redaction.yaml", "remotelab.yaml",
		"traces.yaml", "jaeger.yaml", "tempo.yaml"}
	full := slices.Concat(stack, []string{"loki.yaml", "prometheus.yaml", "selfmetrics.yaml"})
	all := [][]string{
		{"base.yaml", "redaction.yaml", "lab.yaml"},
		{"base.yaml", "remotelab.yaml"},
		stack, full,
	}
	for _, destination := range [][]string{
		{"traces.yaml", "jaeger.yaml", "tempo.yaml"}, {"loki.yaml"}, {"prometheus.yaml"},
	} {
		all = append(all, slices.Concat([]string{"base.yaml", "redaction.yaml"}, destination),
			slices.Concat([]string{"base.yaml", "redaction.yaml", "lab.yaml"}, destination))
	}
	tail, disk := "tailsampling.yaml", "persistentqueue.yaml"
	for _, variants := range [][]string{{tail}, {disk}, {tail, disk}, {disk, tail}} {
		all = append(all, slices.Concat(stack, variants), slices.Concat(full, variants))
	}
	return all
}

func validate(t *testing.T, names []string) error {
	t.Helper()
	return collector.Validate(t.Context(),
		storeexporter.NewFactory(tracetree.New(1), nil), names...)
}

func TestEveryCombinationOfFilesIsValid(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, names := range combinations() {
		if err := validate(t, names); err != nil {
			t.Errorf("%s: %v", strings.Join(names, " "), err)
		}
		for _, name := range names {
			seen[name] = true
		}
	}
	all, err := fs.Glob(files.Files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if !seen[name] {
			t.Errorf("%s is in no combination", name)
		}
	}
}

func TestWrongFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{[]string{"base.yaml"}, "pipeline"},
		{[]string{"base.yaml", "redaction.yaml", "jaeger.yaml"}, "pipeline"},
		{[]string{"base.yaml", "redaction.yaml", "traces.yaml", "jaeger.yaml"}, "otlp_grpc/tempo"},
		{[]string{"base.yaml", "traces.yaml", "jaeger.yaml"}, `"redaction"`},
		{[]string{"base.yaml", "redaction.yaml", "traces.yaml", "lab.yaml"}, "otlp_grpc/jaeger"},
		{[]string{"base.yaml", "redaction.yaml", "lab.yaml", "tailsampling.yaml"}, "traces/backends"},
		{[]string{"base.yaml", "gone.yaml"}, "gone.yaml"},
	} {
		err := validate(t, tc.names)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %v, want an error about %s", tc.names, err, tc.want)
		}
	}
}

func TestTheBackendsOfTracesAreAList(t *testing.T) {
	t.Setenv("TRACE_BACKENDS", "[otlp_grpc/tempo]")
	names := []string{"base.yaml", "redaction.yaml", "traces.yaml", "tempo.yaml"}
	if err := validate(t, names); err != nil {
		t.Errorf("Tempo alone: %v", err)
	}
}
