package platform_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"example.com/throughline/internal/scenario"
)

// Each log record exists twice: on stdout and over OTLP. Both name the same span, which exists;
// records outside any span name none.
func TestStdoutAndOTLPNameTheSameSpans(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	path := r.quoted(t)
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	r.must(t, "POST", path+"/confirm", "")
	ledgers := r.quiesce(t)
	if err := r.store.Await(t.Context(), ledgers); err != nil {
		t.Fatal(err)
	}
	onStdout := stdoutRecords(t, r.stdout.all())
	var traces []string
	for rec := range onStdout {
		if rec.traceID != "" {
			traces = append(traces, rec.traceID)
		}
	}
	journey, err := r.store.Journey(t.Context(), traces)
	if err != nil {
		t.Fatal(err)
	}
	checkSpansExist(t, journey, onStdout)
	overOTLP := map[record]int{}
	for _, l := range journey.Logs {
		overOTLP[record{msg: l.Body, traceID: l.TraceID, spanID: l.SpanID}]++
	}
	for rec, n := range onStdout {
		if rec.traceID != "" && overOTLP[rec] != n {
			t.Errorf("%+v: %d on stdout, %d over OTLP", rec, n, overOTLP[rec])
		}
	}
	if len(onStdout) < 20 {
		t.Errorf("got %d different records, want the wire records of a whole checkout", len(onStdout))
	}
}

type record struct{ msg, traceID, spanID string }

func stdoutRecords(t *testing.T, lines []string) map[record]int {
	t.Helper()
	traceForm := regexp.MustCompile(`^([0-9a-f]{32})?$`)
	spanForm := regexp.MustCompile(`^([0-9a-f]{16})?$`)
	flagsForm := regexp.MustCompile(`^([0-9a-f]{2})?$`)
	records := map[record]int{}
	for _, line := range lines {
		var fields struct {
			Msg     string `json:"msg"`
			TraceID string `json:"trace_id"`
			SpanID  string `json:"span_id"`
			Flags   string `json:"trace_flags"`
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("stdout %.200q: %v", line, err)
		}
		if !traceForm.MatchString(fields.TraceID) || !spanForm.MatchString(fields.SpanID) ||
			!flagsForm.MatchString(fields.Flags) ||
			(fields.TraceID == "") != (fields.SpanID == "") {
			t.Errorf("stdout %.200q: ids are malformed", line)
		}
		records[record{msg: fields.Msg, traceID: fields.TraceID, spanID: fields.SpanID}]++
	}
	return records
}

func checkSpansExist(t *testing.T, journey scenario.Journey, records map[record]int) {
	t.Helper()
	spans := map[[2]string]bool{}
	for _, s := range journey.Spans {
		spans[[2]string{s.TraceID, s.SpanID}] = true
	}
	for rec := range records {
		if rec.traceID != "" && !spans[[2]string{rec.traceID, rec.spanID}] {
			t.Errorf("%+v: no such span", rec)
		}
	}
}
