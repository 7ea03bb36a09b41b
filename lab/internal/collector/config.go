package collector

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"go.uber.org/zap"

	files "example.com/throughline/deploy/collector"
)

// settings are the Collector's own, for the configuration at uris. Signals stay
// with the lab, and gRPC's process-wide logger is left alone.
func settings(uris []string, lab exporter.Factory, log ...zap.Option) otelcol.CollectorSettings {
	return otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{
			Command:     "lab",
			Description: "OpenTelemetry Collector embedded in the lab",
			Version:     "0.160.0",
		},
		Factories:               func() (otelcol.Factories, error) { return factories(lab) },
		DisableGracefulShutdown: true,
		SkipSettingGRPCLogger:   true,
		LoggingOptions:          log,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{
				URIs: uris,
				ProviderFactories: []confmap.ProviderFactory{
					yamlprovider.NewFactory(),
					envprovider.NewFactory(),
				},
			},
		},
	}
}

// factories are all components that the files of deploy/collector may name.
func factories(lab exporter.Factory) (otelcol.Factories, error) {
	receivers, err := otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())
	if err != nil {
		return otelcol.Factories{}, err
	}
	processors, err := otelcol.MakeFactoryMap[processor.Factory](
		batchprocessor.NewFactory(), memorylimiterprocessor.NewFactory(),
		redactionprocessor.NewFactory(), transformprocessor.NewFactory(),
		tailsamplingprocessor.NewFactory())
	if err != nil {
		return otelcol.Factories{}, err
	}
	exporters, err := otelcol.MakeFactoryMap[exporter.Factory](
		lab, otlpexporter.NewFactory(), otlphttpexporter.NewFactory())
	if err != nil {
		return otelcol.Factories{}, err
	}
	extensions, err := otelcol.MakeFactoryMap[extension.Factory](filestorage.NewFactory())
	if err != nil {
		return otelcol.Factories{}, err
	}
	return otelcol.Factories{
		Receivers:  receivers,
		Processors: processors,
		Exporters:  exporters,
		Extensions: extensions,
		Telemetry:  otelconftelemetry.NewFactory(),
	}, nil
}

// Validate says what is wrong with the configuration that these files of
// deploy/collector make together, in this order: unknown keys and components,
// values out of range, pipelines that cannot be built. It starts nothing.
func Validate(ctx context.Context, lab exporter.Factory, names ...string) error {
	uris, err := read(names)
	if err != nil {
		return err
	}
	c, err := otelcol.NewCollector(settings(uris, lab))
	if err != nil {
		return err
	}
	return c.DryRun(ctx)
}

// locations lists the parts of the configuration, later ones over earlier
// ones: the files, then the values of cfg. The values are given as YAML and not
// through the environment, which all Collectors of a process would share.
func locations(cfg Config) ([]string, error) {
	names := []string{"base.yaml", "redaction.yaml", "lab.yaml"}
	var backends []string
	if cfg.Jaeger != "" {
		names, backends = append(names, "jaeger.yaml"), append(backends, "otlp_grpc/jaeger")
	}
	if cfg.Tempo != "" {
		names, backends = append(names, "tempo.yaml"), append(backends, "otlp_grpc/tempo")
	}
	if backends != nil {
		names = append(names, "traces.yaml")
	}
	uris, err := read(append(names, cfg.Variants...))
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(cfg.BatchTimeout, 10*time.Millisecond)
	set := func(key, value string) { uris = append(uris, fmt.Sprintf("yaml:%s: %s", key, value)) }
	const otlp = "receivers::otlp::protocols::"
	// Quoted: [::]:4317 would be the beginning of a list.
	endpoint := func(key, addr string) { set(key+"::endpoint", strconv.Quote(addr)) }
	endpoint(otlp+"grpc", cmp.Or(cfg.GRPC, "127.0.0.1:0"))
	endpoint(otlp+"http", cmp.Or(cfg.HTTP, "127.0.0.1:0"))
	set("processors::batch::timeout", timeout.String())
	// Its own metrics and log level as the lab wants them, whatever the
	// environment says: info is the level at which it tells where it listens.
	set("service::telemetry::metrics::level", "none")
	set("service::telemetry::logs::level", "info")
	if backends != nil {
		set("service::pipelines::traces/backends::exporters", "["+strings.Join(backends, ", ")+"]")
	}
	if cfg.Jaeger != "" {
		endpoint("exporters::otlp_grpc/jaeger", cfg.Jaeger)
	}
	if cfg.Tempo != "" {
		endpoint("exporters::otlp_grpc/tempo", cfg.Tempo)
	}
	for _, key := range slices.Sorted(maps.Keys(cfg.Set)) {
		set(key, cfg.Set[key])
	}
	return uris, nil
}

// read returns files of deploy/collector as locations of a configuration.
func read(names []string) ([]string, error) {
	var uris []string
	for _, name := range names {
		text, err := files.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		uris = append(uris, "yaml:"+string(text))
	}
	return uris, nil
}
