package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/patterns/sampling"
)

// settings are what Config and the OTEL_* variables make together.
type settings struct {
	resource   *resource.Resource
	propagator propagation.TextMapPropagator
	sampler    sdktrace.Sampler
	queueSize  int
}

// The SDK reads OTEL_TRACES_SAMPLER and OTEL_RESOURCE_ATTRIBUTES as well, but from the
// environment of the process, of which there is one, and it passes over errors.
func readSettings(ctx context.Context, cfg Config) (settings, error) {
	getenv := func(name string) string {
		if cfg.Getenv == nil {
			return ""
		}
		return strings.TrimSpace(cfg.Getenv(name))
	}
	res, resErr := newResource(ctx, cfg, getenv)
	prop, propErr := newPropagator(cfg.Propagators, getenv("OTEL_PROPAGATORS"))
	sampler, samplerErr := newSampler(
		getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG"))
	size, sizeErr := queueSize(cfg.QueueSize, getenv("OTEL_BSP_MAX_QUEUE_SIZE"))
	return settings{resource: res, propagator: prop, sampler: sampler, queueSize: size},
		errors.Join(resErr, propErr, samplerErr, sizeErr)
}

func newResource(
	ctx context.Context, cfg Config, getenv func(string) string,
) (*resource.Resource, error) {
	// Resource SDK specification: service.name must never be missing.
	attrs := []attribute.KeyValue{semconv.ServiceName("unknown_service")}
	if cfg.Instance == "" {
		cfg.Instance = newUUID()
	}
	for _, kv := range []attribute.KeyValue{
		semconv.ServiceName(cfg.Service),
		semconv.ServiceVersion(cfg.Version),
		semconv.ServiceInstanceID(cfg.Instance),
		semconv.DeploymentEnvironmentNameKey.String(cfg.Environment),
	} {
		if kv.Value.AsString() != "" {
			attrs = append(attrs, kv)
		}
	}
	fromEnv, err := parseAttributes(getenv("OTEL_RESOURCE_ATTRIBUTES"))
	attrs = append(attrs, fromEnv...)
	if name := getenv("OTEL_SERVICE_NAME"); name != "" {
		attrs = append(attrs, semconv.ServiceName(name))
	}
	// Of equal keys the last wins.
	res, resErr := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithProcessRuntimeName(),
		resource.WithProcessRuntimeVersion(), resource.WithAttributes(attrs...))
	return res, errors.Join(err, resErr)
}

// parseAttributes reads key=value pairs, separated by commas, with percent-encoded values
// (Resource SDK specification, "Specifying resource information via an environment variable").
func parseAttributes(list string) ([]attribute.KeyValue, error) {
	var attrs []attribute.KeyValue
	if list == "" {
		return nil, nil
	}
	for pair := range strings.SplitSeq(list, ",") {
		key, value, found := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		key = strings.TrimSpace(key)
		if !found || key == "" || err != nil {
			return nil, fmt.Errorf(
				"OTEL_RESOURCE_ATTRIBUTES: %.64q: want key=value with a percent-encoded value", pair)
		}
		attrs = append(attrs, attribute.String(key, decoded))
	}
	return attrs, nil
}

func newSampler(name, arg string) (sdktrace.Sampler, error) {
	switch strings.ToLower(name) {
	case "", "parentbased_always_on":
		return sampling.New(sdktrace.AlwaysSample(), sampling.Trust), nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "parentbased_always_off":
		return sampling.New(sdktrace.NeverSample(), sampling.Trust), nil
	case "traceidratio":
		return ratioSampler(arg)
	case "parentbased_traceidratio":
		ratio, err := ratioSampler(arg)
		if err != nil {
			return nil, err
		}
		return sampling.New(ratio, sampling.Trust), nil
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER=%.64q: want always_on, always_off or "+
		"traceidratio, alone or with the prefix parentbased_", name)
}

func ratioSampler(arg string) (sdktrace.Sampler, error) {
	if arg == "" {
		return sdktrace.TraceIDRatioBased(1), nil
	}
	// Written so that NaN fails too.
	if ratio, err := strconv.ParseFloat(arg, 64); err == nil && ratio >= 0 && ratio <= 1 {
		return sdktrace.TraceIDRatioBased(ratio), nil
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG=%.64q: want a ratio from 0 to 1", arg)
}

func queueSize(configured int, env string) (int, error) {
	if env != "" {
		n, err := strconv.Atoi(env)
		if err != nil || n <= 0 || n > 1<<20 {
			return 0, fmt.Errorf(
				"OTEL_BSP_MAX_QUEUE_SIZE=%.64q: want a number from 1 to %d", env, 1<<20)
		}
		return n, nil
	}
	if configured > 0 {
		return configured, nil
	}
	return sdktrace.DefaultMaxQueueSize, nil
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, and says so
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
