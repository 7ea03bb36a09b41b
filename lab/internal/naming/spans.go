package naming

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// spanRules returns what is wrong with a span beyond the spelling of names.
func spanRules(s ptrace.Span) []string {
	var wrong []string
	has := func(key string) bool {
		_, ok := s.Attributes().Get(key)
		return ok
	}
	if text := kindRule(s.Kind(), has); text != "" {
		wrong = append(wrong, text)
	}
	if text := routeRule(s, has); text != "" {
		wrong = append(wrong, text)
	}
	// General attributes, error.type: set if, and only if, the operation has failed.
	failed := s.Status().Code() == ptrace.StatusCodeError
	if failed != has(string(semconv.ErrorTypeKey)) {
		wrong = append(wrong, fmt.Sprintf("status %s, error.type %v: want both or none",
			s.Status().Code(), !failed))
	}
	return wrong
}

// kindRule holds the kind against what the span describes.
func kindRule(kind ptrace.SpanKind, has func(string) bool) string {
	var what string
	var want []ptrace.SpanKind
	switch {
	case has(string(semconv.DBSystemNameKey)):
		what, want = "db.*", []ptrace.SpanKind{ptrace.SpanKindClient}
	case has(string(semconv.MessagingSystemKey)):
		// Messaging spans, Span kind: send and create are PRODUCER, receive and settle CLIENT,
		// process is CONSUMER.
		what, want = "messaging.*", []ptrace.SpanKind{
			ptrace.SpanKindProducer, ptrace.SpanKindConsumer, ptrace.SpanKindClient}
	case has(string(semconv.HTTPRequestMethodKey)):
		what, want = "http.*", []ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient}
	case has(string(semconv.RPCSystemNameKey)):
		what, want = "rpc.*", []ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient}
	default:
		what, want = "work inside a process", []ptrace.SpanKind{ptrace.SpanKindInternal}
	}
	if slices.Contains(want, kind) {
		return ""
	}
	return fmt.Sprintf("kind %s for %s, want one of %v", kind, what, want)
}

// routeRule wants the route of a SERVER span in its name and its attribute, or in neither: a
// request that no route matched has a name of the method alone (HTTP spans, Name).
func routeRule(s ptrace.Span, has func(string) bool) string {
	if s.Kind() != ptrace.SpanKindServer || !has(string(semconv.HTTPRequestMethodKey)) {
		return ""
	}
	_, inName, _ := strings.Cut(s.Name(), " ")
	route := ""
	if v, ok := s.Attributes().Get(string(semconv.HTTPRouteKey)); ok {
		route = v.AsString()
	}
	if route == inName {
		return ""
	}
	return fmt.Sprintf("route %q in the name, http.route %q", inName, route)
}
