package score

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// rule is one of the specification's. judge tells what breaks it.
type rule struct {
	id          string
	impact      Impact
	description string
	judge       func(*Scorer, findings)
}

// The limits that the rules name.
const (
	maxInternal      = 10                   // SPA-001: INTERNAL spans of one service in a trace
	maxShort         = 20                   // SPA-005: short spans in a trace
	shortSpan        = 5 * time.Millisecond // SPA-005
	maxNamesOfAShape = 10                   // SPA-003, ours
	maxValues        = 10_000               // MET-001: values of an attribute within an hour
	maxDebug         = 14 * 24 * time.Hour  // LOG-001
)

// rules returns the specification's rules. Where it leaves a choice:
//
//   - RES-005 wants a service.name that is not empty. "unknown_service" and
//     "unknown_service:NAME" are what SDKs write when there is none (Resource
//     semantic conventions, Service), so they are taken as none.
//   - SPA-003 has no criterion yet. Here: of the names of a service's spans that
//     differ only in words with digits, there may be ten. An id, a card or a
//     literal in a name makes as many names as there are ids.
//   - SPA-005 counts "spans with a duration of less than 5 milliseconds", and
//     says in its rationale that it is about INTERNAL ones. It is taken by the
//     rationale: a SERVER span of 1 ms is no instrumentation overhead. The trace
//     is what is counted; each service with such spans in it answers for it.
//   - SPA-002 counts a span whose parent never arrived, also where the parent is
//     that of a caller whom nobody here observes.
//   - MET-005 does not take annotations ({request}) for units: UCUM doesn't.
//   - LOG-002 goes by its description: the severity number is set.
//   - SDK-001 is judged for Go, from telemetry.sdk.version and
//     process.runtime.version; for other languages there is no table here.
func rules() []rule {
	return []rule{
		{"RES-001", Normal, "service.instance.id is present", instancePresent},
		{"RES-002", Important, "service.instance.id is unique across logical resources",
			instanceUnique},
		{"RES-003", Important, "k8s.pod.uid is present on what runs in Kubernetes", podUID},
		{"RES-004", Important, "attributes are used at the right level", levels},
		{"RES-005", Critical, "service.name is present", namePresent},
		{"SPA-001", Normal, "a trace has few INTERNAL spans of a service", fewInternal},
		{"SPA-002", Normal, "traces have no orphan spans", noOrphans},
		{"SPA-003", Important, "span names have bound cardinality", boundNames},
		{"SPA-004", Important, "root spans are not CLIENT spans", noClientRoots},
		{"SPA-005", Important, "a trace has few short INTERNAL spans", fewShort},
		{"MET-001", Important, "metric attributes have bound cardinality", boundAttributes},
		{"MET-002", Important, "metrics have useful units", usefulUnits},
		{"MET-003", Important, "a metric has the same unit everywhere", sameUnit},
		{"MET-004", Normal, "a histogram has the same buckets everywhere", sameBuckets},
		{"MET-005", Normal, "metric names do not contain the unit", unitNotInName},
		{"MET-006", Important, "metric names are no attribute keys", nameIsNoAttribute},
		{"LOG-001", Important, "DEBUG is not on in production for more than 14 days", debugInProduction},
		{"LOG-002", Important, "log records have a severity number", severitySet},
		{"SDK-001", Low, "language and runtime are supported by the SDK", supportedRuntime},
	}
}

func instancePresent(s *Scorer, f findings) {
	for _, r := range s.resources {
		if r.attributes["service.instance.id"] == "" {
			f.add(r.service, "resource %s", r)
		}
	}
}

// instanceUnique holds instances against what tells two workloads apart.
func instanceUnique(s *Scorer, f findings) {
	for _, key := range []string{"k8s.pod.uid", "k8s.pod.name", "container.id", "host.id", "host.name"} {
		first := make(map[[2]string]string)
		for _, r := range s.resources {
			id, value := r.attributes["service.instance.id"], r.attributes[key]
			if id == "" || value == "" {
				continue
			}
			instance := [2]string{r.service, id}
			switch other, ok := first[instance]; {
			case !ok:
				first[instance] = value
			case other != value:
				f.add(r.service, "service.instance.id %q is of %s %q and %q", id, key, other, value)
			}
		}
	}
}

func podUID(s *Scorer, f findings) {
	for _, r := range s.resources {
		if r.attributes["k8s.pod.uid"] != "" {
			continue
		}
		for key := range r.attributes {
			if strings.HasPrefix(key, "k8s.pod.") || strings.HasPrefix(key, "k8s.container.") {
				f.add(r.service, "resource %s has %s and no k8s.pod.uid", r, key)
				break
			}
		}
	}
}

func namePresent(s *Scorer, f findings) {
	for _, r := range s.resources {
		if r.service == "" || strings.HasPrefix(r.service, "unknown_service") {
			f.add(r.service, "resource %s", r)
		}
	}
}

func levels(s *Scorer, f findings) {
	for _, where := range slices.SortedFunc(maps.Keys(s.misplaced), func(a, b place) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.level, b.level))
	}) {
		f.add(where.service, "%s on a %s (%d times)", where.key, where.level, s.misplaced[where])
	}
}

// leastGo returns the `go` line of a release of go.opentelemetry.io/otel: the oldest
// Go that builds it. Releases between two lines are as the one before.
func leastGo() []struct{ sdk, language version } {
	return []struct{ sdk, language version }{
		{version{1, 30}, version{1, 22}}, {version{1, 36}, version{1, 23}},
		{version{1, 40}, version{1, 24}}, {version{1, 42}, version{1, 25}},
		{version{1, 47}, version{1, 26}},
	}
}

func supportedRuntime(s *Scorer, f findings) {
	for _, r := range s.resources {
		sdk, okSDK := parseVersion(r.attributes["telemetry.sdk.version"])
		have, okGo := parseVersion(strings.TrimPrefix(r.attributes["process.runtime.version"], "go"))
		if r.attributes["telemetry.sdk.language"] != "go" || !okSDK || !okGo {
			continue
		}
		var want version
		for _, row := range leastGo() {
			if !sdk.less(row.sdk) {
				want = row.language
			}
		}
		if have.less(want) {
			f.add(r.service, "go%s with SDK %s, which wants go%s", have,
				r.attributes["telemetry.sdk.version"], want)
		}
	}
}

type version struct{ major, minor int }

func (v version) less(o version) bool {
	return v.major < o.major || v.major == o.major && v.minor < o.minor
}

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func parseVersion(text string) (v version, ok bool) {
	n, err := fmt.Sscanf(text, "%d.%d", &v.major, &v.minor)
	return v, err == nil && n == 2
}
