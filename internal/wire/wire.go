// Package wire shows what propagation looks like on the wire: the headers that carry trace
// context and baggage, as log attributes.
//
// A service logs them at DEBUG for every request it receives and sends, inside the span of that
// request, so that a learner sees the carrier beside the span it came from or went into.
package wire

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/internal/shop"
)

// Direction is also the message of the log record.
type Direction string

// The two directions. Received is logged inside the SERVER span, Sent inside the CLIENT span.
const (
	Received Direction = "received"
	Sent     Direction = "sent"
)

// What the semantic conventions put before the name of a header: it becomes the key of an attribute
// whose value is a list.
const (
	headerPrefix   = "http.request.header."
	metadataPrefix = "rpc.request.metadata."
)

// maxValue bounds a logged value, in bytes: a header may be large, and anyone may send it.
const maxValue = 512

// Log writes the DEBUG record of one hop. attrs say where it goes to or came in, see [Route],
// [Server] and [Method], and what it carried, see [Headers] and [Metadata].
func Log(ctx context.Context, logger *slog.Logger, d Direction, attrs []slog.Attr) {
	logger.LogAttrs(ctx, slog.LevelDebug, string(d),
		append(attrs, slog.String(string(shop.WireDirection), string(d)))...)
}

// Enabled reports whether Log would write anything, for callers that want to save the attributes.
func Enabled(ctx context.Context, logger *slog.Logger) bool {
	return logger.Enabled(ctx, slog.LevelDebug)
}

// Route says in which route a request came in, such as "POST /checkouts/{id}"; "" is none.
func Route(route string) []slog.Attr {
	method, path, ok := strings.Cut(route, " ")
	switch {
	case route == "":
		return nil
	case !ok:
		return []slog.Attr{slog.String(string(semconv.HTTPRouteKey), route)}
	}
	return []slog.Attr{slog.String(string(semconv.HTTPRequestMethodKey), method),
		slog.String(string(semconv.HTTPRouteKey), path)}
}

// Server says where a request is sent.
func Server(r *http.Request) []slog.Attr {
	attrs := []slog.Attr{slog.String(string(semconv.HTTPRequestMethodKey), r.Method),
		slog.String(string(semconv.ServerAddressKey), bound(r.URL.Hostname()))}
	if port, err := strconv.Atoi(r.URL.Port()); err == nil {
		attrs = append(attrs, slog.Int(string(semconv.ServerPortKey), port))
	}
	return attrs
}

// Method names a gRPC method, which gRPC itself writes with a slash before it.
func Method(full string) slog.Attr {
	return slog.String(string(semconv.RPCMethodKey), strings.TrimPrefix(full, "/"))
}

// Headers returns one attribute per propagation header present: a list of its values, named like the
// header in lower case, as the semantic conventions have it (http.request.header.traceparent). Of
// baggage only the member names are shown, for values are anybody's data. Values are cut at 512
// bytes.
func Headers(h http.Header) []slog.Attr { return attrs(headerPrefix, h.Values) }

// Metadata is [Headers] for gRPC metadata (rpc.request.metadata.traceparent), whose keys are in
// lower case.
func Metadata(md map[string][]string) []slog.Attr {
	return attrs(metadataPrefix, func(name string) []string { return md[name] })
}

func attrs(prefix string, values func(name string) []string) []slog.Attr {
	var list []slog.Attr
	for _, name := range [...]string{
		"traceparent", "tracestate", "root-traceparent",
		"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
	} {
		if v := values(name); len(v) > 0 {
			list = append(list, slog.Any(prefix+name, bounded(v)))
		}
	}
	if v := values("baggage"); len(v) > 0 {
		names := memberNames(strings.Join(v, ","))
		list = append(list, slog.Any(string(shop.BaggageMembers), bounded(names)))
	}
	return list
}

// memberNames returns the names of a baggage header's members (W3C Baggage 3.3.1), also of one
// that no parser would accept; what has no "=" is not a member, and may be a value. They are sorted:
// their order means nothing, and Go's SDK sends them in a different one each time.
func memberNames(header string) []string {
	names := []string{}
	for member := range strings.SplitSeq(header, ",") {
		name, _, ok := strings.Cut(member, "=")
		name = strings.TrimSpace(name)
		if ok && name != "" && !strings.Contains(name, ";") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// bounded returns as many values as fit, the first one cut if need be.
func bounded(values []string) []string {
	list, left := []string{}, maxValue
	for _, v := range values {
		if v = bound(v); len(v) > left {
			break
		}
		list, left = append(list, v), left-len(v)
	}
	return list
}

func bound(v string) string {
	if len(v) > maxValue {
		v = v[:maxValue-3] + "..."
	}
	return strings.ToValidUTF8(v, "?")
}
