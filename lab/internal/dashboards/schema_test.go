package dashboards_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/logs"
	"github.com/grafana/grafana-foundation-sdk/go/loki"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/tempo"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"example.com/throughline/grafana"
)

// strictly reads a dashboard with the types that Grafana publishes of dashboards, of the panels and of
// the queries in use: every field has to be known, and every value within its bounds.
func strictly(text []byte) error {
	runtime := cog.NewRuntime()
	for _, panel := range []variants.PanelcfgConfig{
		logs.VariantConfig(), stat.VariantConfig(), table.VariantConfig(), timeseries.VariantConfig(),
	} {
		runtime.RegisterPanelcfgVariant(panel)
	}
	for _, query := range []variants.DataqueryConfig{
		loki.VariantConfig(), prometheus.VariantConfig(), tempo.VariantConfig(),
	} {
		runtime.RegisterDataqueryVariant(query)
	}
	//lint:ignore SA1019 provisioned files are in the classic form
	var d dashboard.Dashboard
	err := d.UnmarshalJSONStrict(text)
	if none := (cog.BuildErrors{}); errors.As(err, &none) && len(none) == 0 {
		err = nil // its way to say that there are none
	}
	return errors.Join(err, d.Validate())
}

func eachDashboard(t *testing.T, do func(name, text string)) {
	t.Helper()
	files, err := fs.Glob(grafana.Files, "dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	for _, file := range files {
		text, err := grafana.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		do(file, string(text))
	}
}

func TestDashboardsAreOfGrafanasTypes(t *testing.T) {
	t.Parallel()
	eachDashboard(t, func(name, text string) {
		if err := strictly([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func TestWrongFieldsOfDashboardsAreFound(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, to, want string }{
		{`"schemaVersion":`, `"schemaVersoin":`, "schemaVersoin"},
		{`"colorMode": "value",`, ``, "colorMode: required"},
		{`"reduceOptions":`, `"reducedOptions":`, "reducedOptions"},
		{`"legendFormat":`, `"legend":`, "legend"},
		{`"gridPos":`, `"gridPosition":`, "gridPosition"},
		{`"w": 4`, `"w": "4"`, "gridPos"},
		{`"uid": "throughline-propagation"`, `"uid": 7`, "uid"},
	} {
		eachDashboard(t, func(name, text string) {
			if !strings.Contains(name, "propagation") {
				return
			}
			wrong := strings.Replace(text, tc.from, tc.to, 1)
			err := strictly([]byte(wrong))
			if wrong == text || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s for %s: %v, want an error about %s", tc.to, tc.from, err, tc.want)
			}
		})
	}
}
