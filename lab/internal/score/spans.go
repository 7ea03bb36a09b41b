package score

import (
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// span is what the rules need of a span.
type span struct {
	service    string
	trace      pcommon.TraceID
	id, parent pcommon.SpanID
	kind       ptrace.SpanKind
	name       string
	duration   time.Duration
}

// Traces takes spans and their resources.
func (s *Scorer) Traces(data ptrace.Traces) {
	for _, resource := range data.ResourceSpans().All() {
		name := s.resource(resource.Resource())
		for _, scope := range resource.ScopeSpans().All() {
			for _, from := range scope.Spans().All() {
				s.services[name].spans++
				s.notResource(name, "span", from.Attributes())
				s.spans = append(s.spans, span{
					service: name, trace: from.TraceID(), id: from.SpanID(),
					parent: from.ParentSpanID(), kind: from.Kind(), name: from.Name(),
					duration: from.EndTimestamp().AsTime().Sub(from.StartTimestamp().AsTime()),
				})
			}
		}
	}
}

func (s span) isInternal() bool { return s.kind == ptrace.SpanKindInternal }

func (s span) kindName() string { return strings.ToUpper(s.kind.String()) }

func fewInternal(s *Scorer, f findings) {
	type key struct {
		trace   pcommon.TraceID
		service string
	}
	count := make(map[key]int)
	var order []key
	for _, sp := range s.spans {
		if !sp.isInternal() {
			continue
		}
		k := key{sp.trace, sp.service}
		if count[k]++; count[k] == maxInternal+1 {
			order = append(order, k)
		}
	}
	for _, k := range order {
		f.add(k.service, "trace %s: %d INTERNAL spans, want at most %d", k.trace, count[k], maxInternal)
	}
}

func noOrphans(s *Scorer, f findings) {
	type key struct {
		trace pcommon.TraceID
		id    pcommon.SpanID
	}
	known := make(map[key]bool, len(s.spans))
	for _, sp := range s.spans {
		known[key{sp.trace, sp.id}] = true
	}
	for _, sp := range s.spans {
		if !sp.parent.IsEmpty() && !known[key{sp.trace, sp.parent}] {
			f.add(sp.service, "trace %s: %s span %q (%s): its parent %s never arrived",
				sp.trace, sp.kindName(), sp.name, sp.id, sp.parent)
		}
	}
}

// boundNames counts names that differ only in words with digits.
func boundNames(s *Scorer, f findings) {
	names := make(map[[2]string]map[string]bool)
	for _, sp := range s.spans {
		key := [2]string{sp.service, shape(sp.name)}
		if names[key] == nil {
			names[key] = make(map[string]bool)
		}
		if names[key][sp.name] {
			continue
		}
		names[key][sp.name] = true
		if len(names[key]) == maxNamesOfAShape+1 {
			f.add(sp.service, "more than %d names like %q", maxNamesOfAShape, sp.name)
		}
	}
}

// shape puts # for each word that holds a digit.
func shape(name string) string {
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' }
	var out, word strings.Builder
	flush := func() {
		if strings.ContainsFunc(word.String(), unicode.IsDigit) {
			out.WriteByte('#')
		} else {
			out.WriteString(word.String())
		}
		word.Reset()
	}
	for _, r := range name {
		if isWord(r) {
			word.WriteRune(r)
			continue
		}
		flush()
		out.WriteRune(r)
	}
	flush()
	return out.String()
}

func noClientRoots(s *Scorer, f findings) {
	for _, sp := range s.spans {
		if sp.parent.IsEmpty() && sp.kind == ptrace.SpanKindClient {
			f.add(sp.service, "trace %s: root CLIENT span %q (%s)", sp.trace, sp.name, sp.id)
		}
	}
}

func fewShort(s *Scorer, f findings) {
	inTrace := make(map[pcommon.TraceID]int)
	byService := make(map[pcommon.TraceID]map[string]int)
	var order []pcommon.TraceID
	for _, sp := range s.spans {
		if !sp.isInternal() || sp.duration >= shortSpan {
			continue
		}
		if inTrace[sp.trace]++; inTrace[sp.trace] == 1 {
			byService[sp.trace] = make(map[string]int)
			order = append(order, sp.trace)
		}
		byService[sp.trace][sp.service]++
	}
	for _, trace := range order {
		if inTrace[trace] <= maxShort {
			continue
		}
		for service, n := range byService[trace] {
			f.add(service, "trace %s: %d INTERNAL spans under %v, %d of them here, want at most %d",
				trace, inTrace[trace], shortSpan, n, maxShort)
		}
	}
}
