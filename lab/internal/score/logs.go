package score

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// interval is from the first to the last of some log records.
type interval struct{ from, to time.Time }

// Logs takes log records and their resources.
func (s *Scorer) Logs(data plog.Logs) {
	for _, resource := range data.ResourceLogs().All() {
		name := s.resource(resource.Resource())
		production := isProduction(resource.Resource())
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				s.record(name, production, record)
			}
		}
	}
}

// isProduction goes by the values that name it in the wild.
func isProduction(resource pcommon.Resource) bool {
	value, ok := resource.Attributes().Get("deployment.environment.name")
	if !ok {
		return false
	}
	switch strings.ToLower(value.AsString()) {
	case "production", "prod", "live":
		return true
	}
	return false
}

func (s *Scorer) record(service string, production bool, record plog.LogRecord) {
	s.services[service].logs++
	s.notResource(service, "log record", record.Attributes())
	if record.SeverityNumber() == plog.SeverityNumberUnspecified {
		if s.unset == nil {
			s.unset = make(map[string]int)
		}
		s.unset[service]++
	}
	debug := record.SeverityNumber() >= plog.SeverityNumberDebug &&
		record.SeverityNumber() <= plog.SeverityNumberDebug4
	if !production || !debug {
		return
	}
	if s.debug == nil {
		s.debug = make(map[string]interval)
	}
	at := record.Timestamp().AsTime()
	span, ok := s.debug[service]
	if !ok || at.Before(span.from) {
		span.from = at
	}
	if !ok || at.After(span.to) {
		span.to = at
	}
	s.debug[service] = span
}

func debugInProduction(s *Scorer, f findings) {
	for service, span := range s.debug {
		if span.to.Sub(span.from) > maxDebug {
			f.add(service, "DEBUG records in production from %s to %s",
				span.from.Format(time.DateOnly), span.to.Format(time.DateOnly))
		}
	}
}

func severitySet(s *Scorer, f findings) {
	for service, n := range s.unset {
		f.add(service, "%d log records without a severity number", n)
	}
}
