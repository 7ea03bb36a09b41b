// Package storeexporter is the Collector exporter `lab`: the end of the
// pipelines in deploy/collector/lab.yaml. It hands what arrives to the lab's
// store and, when asked, writes it to files exactly as it arrived.
//
// [NewFactory] makes the component; convert.go turns OTLP into the neutral
// spans, logs and points of internal/tracetree; dump.go writes the files.
package storeexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"example.com/throughline/internal/tracetree"
)

// Type is the name of the exporter in configuration files.
const Type = "lab"

// Sink takes what has arrived. Its methods may be called at the same time from
// several pipelines. *tracetree.Store is one.
type Sink interface {
	AddSpans(spans ...tracetree.Span)
	AddLogs(logs ...tracetree.Log)
	AddPoints(points ...tracetree.Point)
}

// NewFactory returns the factory of an exporter that hands spans, logs and metrics
// to sink and to dump. A nil dump writes nothing.
func NewFactory(sink Sink, dump *Dump) exporter.Factory {
	to := destination{sink: sink, dump: dump}
	return exporter.NewFactory(
		component.MustNewType(Type),
		func() component.Config { return &struct{}{} },
		exporter.WithTraces(to.traces, component.StabilityLevelStable),
		exporter.WithLogs(to.logs, component.StabilityLevelStable),
		exporter.WithMetrics(to.metrics, component.StabilityLevelStable),
	)
}

type destination struct {
	sink Sink
	dump *Dump
}

// signal is the lifecycle of an exporter that has nothing to start or stop: the
// store and the files outlive the Collector and belong to who made them.
type signal struct {
	component.StartFunc
	component.ShutdownFunc
}

func (signal) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

type traces struct {
	signal
	destination
}

func (d destination) traces(
	context.Context, exporter.Settings, component.Config,
) (exporter.Traces, error) {
	return traces{destination: d}, nil
}

func (t traces) ConsumeTraces(_ context.Context, data ptrace.Traces) error {
	// Into the file first: who has seen a span in the store may read the file.
	err := t.dump.traces(data)
	t.sink.AddSpans(Spans(data)...)
	return err
}

type logs struct {
	signal
	destination
}

func (d destination) logs(
	context.Context, exporter.Settings, component.Config,
) (exporter.Logs, error) {
	return logs{destination: d}, nil
}

func (l logs) ConsumeLogs(_ context.Context, data plog.Logs) error {
	err := l.dump.logs(data)
	l.sink.AddLogs(Logs(data)...)
	return err
}

type metrics struct {
	signal
	destination
}

func (d destination) metrics(
	context.Context, exporter.Settings, component.Config,
) (exporter.Metrics, error) {
	return metrics{destination: d}, nil
}

func (m metrics) ConsumeMetrics(_ context.Context, data pmetric.Metrics) error {
	err := m.dump.metrics(data)
	m.sink.AddPoints(Points(data)...)
	return err
}
