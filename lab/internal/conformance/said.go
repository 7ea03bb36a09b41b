package conformance

import (
	"cmp"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// said is what headers say, by the names of the parts, in no dialect.
func said(headers propagation.MapCarrier) map[string]string {
	parts := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			parts[name] = value
		}
	}
	if ids := strings.Split(headers["traceparent"], "-"); len(ids) == 4 {
		set("trace id", ids[1])
		set("span id", ids[2])
		set("decision", map[bool]string{true: "accept", false: "deny"}[strings.HasSuffix(ids[3], "1") ||
			strings.HasSuffix(ids[3], "3")])
		set("random flag", map[bool]string{true: "set"}[ids[3] >= "02"])
	}
	set("tracestate", headers["tracestate"])
	set("baggage", headers["baggage"])
	set("trace id", headers["x-b3-traceid"])
	set("span id", headers["x-b3-spanid"])
	set("parent span id", headers["x-b3-parentspanid"])
	decision := cmp.Or(headers["x-b3-sampled"], map[string]string{"1": "d"}[headers["x-b3-flags"]])
	fields := strings.Split(headers["b3"], "-")
	if len(fields) == 1 {
		fields = []string{"", "", fields[0]}
	}
	fields = append(fields, "", "")
	set("trace id", fields[0])
	set("span id", fields[1])
	set("parent span id", fields[3])
	decision = cmp.Or(decision, fields[2])
	set("decision", map[string]string{"1": "accept", "0": "deny", "d": "debug"}[decision])
	return parts
}

// changed tells what arrived says otherwise than sent, or not at all.
func changed(sent, arrived propagation.MapCarrier) string {
	before, after := said(sent), said(arrived)
	var differs []string
	for _, part := range []string{
		"trace id", "span id", "parent span id", "decision", "random flag", "tracestate", "baggage",
	} {
		switch was, is := before[part], after[part]; {
		case was == is:
		case is == "":
			differs = append(differs, part+" lost")
		case was == "":
			differs = append(differs, part+" added: "+short(is))
		default:
			differs = append(differs, part+" is now "+short(is))
		}
	}
	return strings.Join(differs, ", ")
}

var made = regexp.MustCompile(`\b([0-9a-f]{32}|[0-9a-f]{16})\b`)

// short cuts the ids of the cases to their last two digits. Others were made up by the code, and
// differ from run to run.
func short(text string) string {
	text = strings.NewReplacer(
		traceID, "…36", traceID[16:], "…36", spanID, "…b7", b3Span, "…90").Replace(text)
	return made.ReplaceAllStringFunc(text, func(id string) string {
		if strings.Trim(id, "0") == "" {
			return id
		}
		return "new"
	})
}
