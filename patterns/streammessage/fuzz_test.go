package streammessage

import (
	"context"
	"testing"
)

// Whatever stands in the fields, the message is processed, and what it is linked
// to is its parent.
func FuzzProcess(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "congo=1", "tenant=blue")
	f.Add("", "", "")
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", ",,=", "%zz;=")
	f.Fuzz(func(t *testing.T, parent, state, bag string) {
		tracer, spans := exampleTracer()
		called := false
		err := consumer(tracer).Process(t.Context(), destination, message(map[string]any{
			"traceparent": parent, "tracestate": state, "baggage": bag,
		}), func(context.Context) error {
			called = true
			return nil
		})
		if err != nil || !called {
			t.Fatalf("Process = %v, handle called %t", err, called)
		}
		span := spans.Ended()[0]
		if len(span.Links()) == 0 != !span.Parent().IsValid() {
			t.Errorf("parent %v with links %v", span.Parent(), span.Links())
		}
		for _, link := range span.Links() {
			if !link.SpanContext.Equal(span.Parent()) {
				t.Errorf("link %v, want the parent %v", link.SpanContext, span.Parent())
			}
		}
	})
}
