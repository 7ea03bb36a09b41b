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
	"strings"
)

// Direction is also the message of the log record.
type Direction string

// The two directions. Received is logged inside the SERVER span, Sent inside the CLIENT span.
const (
	Received Direction = "received"
	Sent     Direction = "sent"
)

// maxValue bounds a logged value, in bytes: a header may be large, and anyone may send it.
const maxValue = 512

// Log writes the DEBUG record of one hop. peer is the route of a received request, the host of a
// sent one; attrs come from [Headers] or [Metadata].
func Log(
	ctx context.Context, logger *slog.Logger, d Direction, peer string, attrs []slog.Attr,
) {
	all := make([]slog.Attr, 0, len(attrs)+2)
	all = append(all, slog.String("direction", string(d)), slog.String("peer", bound(peer)))
	logger.LogAttrs(ctx, slog.LevelDebug, string(d), append(all, attrs...)...)
}

// Enabled reports whether Log would write anything, for callers that want to save the attributes.
func Enabled(ctx context.Context, logger *slog.Logger) bool {
	return logger.Enabled(ctx, slog.LevelDebug)
}

// Headers returns one attribute per propagation header present, named like the header in lower
// case. Repeated headers are joined by ", ". Of baggage only the member names are shown, for
// values are anybody's data. Values are cut at 512 bytes.
func Headers(h http.Header) []slog.Attr { return attrs(h.Values) }

// Metadata is [Headers] for gRPC metadata, whose keys are in lower case.
func Metadata(md map[string][]string) []slog.Attr {
	return attrs(func(name string) []string { return md[name] })
}

func attrs(values func(name string) []string) []slog.Attr {
	var list []slog.Attr
	for _, name := range [...]string{
		"traceparent", "tracestate", "root-traceparent",
		"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
	} {
		if v := values(name); len(v) > 0 {
			list = append(list, slog.String(name, bound(strings.Join(v, ", "))))
		}
	}
	if v := values("baggage"); len(v) > 0 {
		list = append(list, slog.String("baggage", bound(memberNames(strings.Join(v, ",")))))
	}
	return list
}

// memberNames returns the names of a baggage header's members (W3C Baggage 3.3.1), also of one
// that no parser would accept; what has no "=" is not a member, and may be a value. They are sorted:
// their order means nothing, and Go's SDK sends them in a different one each time.
func memberNames(header string) string {
	var names []string
	for member := range strings.SplitSeq(header, ",") {
		name, _, ok := strings.Cut(member, "=")
		name = strings.TrimSpace(name)
		if ok && name != "" && !strings.Contains(name, ";") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func bound(v string) string {
	if len(v) > maxValue {
		v = v[:maxValue-3] + "..."
	}
	return strings.ToValidUTF8(v, "?")
}
