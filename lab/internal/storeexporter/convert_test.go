package storeexporter

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"example.com/throughline/internal/tracetree"
)

// The three states of the two flag bits about the parent: a sender that does
// not say must not be read as one that says "local" or "remote".
func TestParentRemote(t *testing.T) {
	t.Parallel()
	for flags, want := range map[uint32]bool{
		0x001: false, // not said
		0x201: false, // half said: the second bit has no meaning alone
		0x101: false, // local
		0x301: true,  // remote
		0x303: true,  // remote, of a trace with a random id
	} {
		data := ptrace.NewTraces()
		span := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetFlags(flags)
		got := Spans(data)[0]
		if got.ParentRemote != want || got.Flags != flags&3 {
			t.Errorf("flags %#x: parent remote %t, W3C flags %#x; want %t, %#x",
				flags, got.ParentRemote, got.Flags, want, flags&3)
		}
	}
}

func TestEmptySpan(t *testing.T) {
	t.Parallel()
	data := ptrace.NewTraces()
	data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	want := []tracetree.Span{{Kind: "unspecified", Status: "unset",
		Start: time.Unix(0, 0).UTC(), End: time.Unix(0, 0).UTC()}}
	if diff := cmp.Diff(want, Spans(data)); diff != "" {
		t.Error(diff)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	data := ptrace.NewTraces()
	span := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	link := span.Links().AppendEmpty()
	link.SetTraceID(pcommon.TraceID{1})
	link.SetSpanID(pcommon.SpanID{2})
	link.TraceState().FromRaw("congo=t61rcWkgMzE")
	link.Attributes().PutStr("shop.link.type", "origin")
	want := []tracetree.Link{{TraceID: "01000000000000000000000000000000",
		SpanID: "0200000000000000", TraceState: "congo=t61rcWkgMzE",
		Attributes: map[string]any{"shop.link.type": "origin"}}}
	if diff := cmp.Diff(want, Spans(data)[0].Links); diff != "" {
		t.Error(diff)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	data := plog.NewLogs()
	resource := data.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "order")
	resource.Resource().Attributes().PutStr("service.instance.id", "i-1")
	record := resource.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(7, 0)))
	record.SetSeverityText("WARN")
	record.Body().SetStr("declined")
	record.SetTraceID(pcommon.TraceID{1})
	record.SetSpanID(pcommon.SpanID{2})
	record.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	record.Attributes().PutInt("n", 3)
	// A record outside any span has no ids, rather than ids of zeros.
	resource.ScopeLogs().At(0).LogRecords().AppendEmpty().Body().SetStr("started")

	want := []tracetree.Log{
		{Time: time.Unix(7, 0).UTC(), Service: "order", Instance: "i-1", Severity: "WARN",
			Body: "declined", TraceID: "01000000000000000000000000000000",
			SpanID: "0200000000000000", Flags: 1, Attributes: map[string]any{"n": int64(3)}},
		{Time: time.Unix(0, 0).UTC(), Service: "order", Instance: "i-1", Body: "started"},
	}
	if diff := cmp.Diff(want, Logs(data)); diff != "" {
		t.Error(diff)
	}
}
