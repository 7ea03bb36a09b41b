package naming

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Logs checks log records: their resources, names and attributes, and what every record has.
func (c *Checker) Logs(data plog.Logs) {
	for _, resource := range data.ResourceLogs().All() {
		c.attributes(resource.Resource().Attributes(), "resource of logs")
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				c.record(record)
			}
		}
	}
}

func (c *Checker) record(r plog.LogRecord) {
	at := fmt.Sprintf("log record %q", r.Body().AsString())
	c.attributes(r.Attributes(), at)
	if name := r.EventName(); name != "" {
		c.known(c.Vocabulary.Events, "event", name, at)
	}
	for _, text := range recordRules(r) {
		c.report("%s: %s", at, text)
	}
}

// recordRules returns what is wrong with a record beyond the spelling of names: Logs Data Model,
// sections on Body, SeverityNumber and Trace Context Fields.
func recordRules(r plog.LogRecord) (wrong []string) {
	if r.Body().Type() != pcommon.ValueTypeStr || r.Body().Str() == "" {
		wrong = append(wrong, "no text for a body")
	}
	levels := map[plog.SeverityNumber]string{
		plog.SeverityNumberDebug: "DEBUG", plog.SeverityNumberInfo: "INFO",
		plog.SeverityNumberWarn: "WARN", plog.SeverityNumberError: "ERROR",
	}
	if text, ok := levels[r.SeverityNumber()]; !ok || text != r.SeverityText() {
		wrong = append(wrong, fmt.Sprintf("severity %d with the text %q",
			r.SeverityNumber(), r.SeverityText()))
	}
	if r.TraceID().IsEmpty() != r.SpanID().IsEmpty() {
		wrong = append(wrong, "one of trace id and span id without the other")
	}
	if r.Timestamp() == 0 {
		wrong = append(wrong, "no time")
	}
	_, message := r.Attributes().Get("exception.message")
	_, kind := r.Attributes().Get("exception.type")
	if message != kind {
		wrong = append(wrong, "one of exception.message and exception.type without the other")
	}
	return wrong
}
