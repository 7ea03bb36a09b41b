package outbox

import (
	"context"
	"testing"
)

// Whatever was stored as context, the event is sent once, and the relay links to
// exactly what the PRODUCER has as parent.
func FuzzDispatch(f *testing.F) {
	f.Add(parent, "congo=1", "tenant=blue")
	f.Add("", "", "")
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", ",,=", "%zz;=")
	f.Fuzz(func(t *testing.T, parent, state, bag string) {
		tracer, spans := exampleTracer()
		relay, called := relay(tracer), 0
		events := []Event{{Context: map[string]string{
			"traceparent": parent, "tracestate": state, "baggage": bag,
		}}}
		err := relay.Run(t.Context(), events, func(ctx context.Context, event Event) error {
			return relay.Dispatch(ctx, destination, event,
				func(context.Context, map[string]any) (string, error) {
					called++
					return "", nil
				})
		})
		if err != nil || called != 1 {
			t.Fatalf("Run = %v after %d sends", err, called)
		}
		send, links := spans.Ended()[0], spans.Ended()[1].Links()
		if len(links) == 0 != !send.Parent().IsValid() {
			t.Errorf("parent %v with links %v", send.Parent(), links)
		}
		if len(links) == 1 && !links[0].SpanContext.Equal(send.Parent()) {
			t.Errorf("link %v, want the parent %v", links[0].SpanContext, send.Parent())
		}
	})
}
