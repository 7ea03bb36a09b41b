package tracetree

import (
	"strconv"
	"strings"
)

// hops are what each span's service logged of the headers that it received and sent, by span.
type hops map[spanKey][]Log

// isHop recognises the records of internal/wire, which carry one attribute per propagation header.
func isHop(l *Log) bool {
	return (l.Body == "received" || l.Body == "sent") &&
		l.Attributes["shop.wire.direction"] == l.Body
}

func newHops(logs []Log) hops {
	h := make(hops)
	for i := range logs {
		l := &logs[i]
		if isHop(l) {
			key := spanKey{l.TraceID, l.SpanID}
			h[key] = append(h[key], *l)
		}
	}
	return h
}

// headerOrder is the order in which headers are shown. Of baggage only names are recorded.
func headerOrder() []string {
	return []string{
		"traceparent", "tracestate",
		"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
		"baggage",
	}
}

// lines returns a comment for each header of a span's hop, and one for a hop that carried none:
// where nothing was sent nothing can continue. Spans that logged no hop have no comment.
func (h hops) lines(a *actual) []string {
	var out []string
	for _, l := range h[spanKey{a.traceID, a.span.SpanID}] {
		carried := false
		for _, name := range headerOrder() {
			if v, ok := l.header(name); ok {
				carried = true
				out = append(out, "# "+l.Body+" "+name+": "+oneLine(v))
			}
		}
		if !carried {
			out = append(out, "# "+l.Body+" no trace context")
		}
	}
	return out
}

// Headers returns the propagation headers of a log record that tells of a hop, by name; ok is
// false for other records. Of baggage the value is the names of its members.
func (l Log) Headers() (headers map[string]string, ok bool) {
	if !isHop(&l) {
		return nil, false
	}
	headers = make(map[string]string)
	for _, name := range headerOrder() {
		if v, found := l.header(name); found {
			headers[name] = v
		}
	}
	return headers, true
}

// header returns the value of a propagation header, several as one with commas (RFC 9110, section
// 5.3), of a record that tells of a hop. The header may be one of HTTP or metadata of gRPC.
func (l *Log) header(name string) (string, bool) {
	if !isHop(l) {
		return "", false
	}
	keys := []string{"http.request.header." + name, "rpc.request.metadata." + name}
	if name == "baggage" {
		keys = []string{"shop.baggage.members"}
	}
	for _, key := range keys {
		list, ok := l.Attributes[key].([]any)
		if !ok {
			continue
		}
		values := make([]string, len(list))
		for i, v := range list {
			values[i] = ValueText(v)
		}
		return strings.Join(values, ", "), true
	}
	return "", false
}

// oneLine quotes text that would not stay on its line.
func oneLine(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return quote(s)
	}
	return s
}
