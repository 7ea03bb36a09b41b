package gateway_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

// A context that a client brings back too late is ours and is not continued: a new root, linked to
// what the client brought, that says why. The request is served.
func TestAContextThatExpiredIsALink(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	var late atomic.Int64
	service := serveGateway(t, tel, configured(t), func() time.Time {
		return time.Now().Add(time.Duration(late.Load()))
	})
	base := service.URL()

	created := request(t, http.MethodPost, base+"/checkouts",
		`{"customer":"c-1","continuation":"client"}`, http.Header{})
	path := base + "/checkouts/" + created.id
	inTime := request(t, http.MethodGet, path, "", created.header)
	// It expires a minute after the first turn, however late the last one was; the very moment is
	// too late.
	late.Store(int64(time.Minute))
	tooLate := request(t, http.MethodGet, path, "", inTime.header)
	after := request(t, http.MethodGet, path, "", tooLate.header)

	turns := serverSpans(t, tel, service)
	if len(turns) != 4 {
		t.Fatalf("got %d SERVER spans, want 4", len(turns))
	}
	if turns[1].Parent.SpanID() != turns[0].SpanContext.SpanID() {
		t.Errorf("in time: parent %s, want turn 1", turns[1].Parent.SpanID())
	}
	expired := turns[2]
	attrs := telemetrytest.Attributes(expired)
	if expired.Parent.IsValid() || attrs[string(shop.ContinuationRejected)] != "expired" {
		t.Errorf("too late: parent %v, %v, want a root that was rejected as expired",
			expired.Parent, attrs)
	}
	if len(expired.Links) != 1 ||
		expired.Links[0].SpanContext.SpanID() != turns[1].SpanContext.SpanID() {
		t.Errorf("too late: links %v, want one to the span before", expired.Links)
	}
	if turns[3].Parent.SpanID() != expired.SpanContext.SpanID() {
		t.Errorf("after: parent %s, want the new root", turns[3].Parent.SpanID())
	}
	if after.id != created.id {
		t.Errorf("got order %q, want %q", after.id, created.id)
	}
}
