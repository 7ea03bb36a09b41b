// Package sampling decides once per trace, at its root, and keeps to it.
//
// # Problem
//
// A sampler that every service applies for itself makes holes: at 10 % in three
// services, one trace in a thousand is whole. And who believes the sampled flag
// of everybody lets a caller turn recording on, at our cost, or off, and be seen
// by nobody.
//
// # Use
//
// [New] in every service. Behind the edge, with [Trust]: the parent's decision
// stands, and the given sampler is for roots. At the public edge start a new root
// with a link; where the trace must go on but the caller's decision must not
// count, [Decide]:
//
//	sdktrace.WithSampler(sampling.New(sdktrace.TraceIDRatioBased(0.1), sampling.Trust))
//
// # Don't use
//
// Decide in more than one service of a trace with different samplers: each makes
// its own holes. TraceIDRatioBased with the same ratio agrees with itself; a
// caller that chooses its trace ids chooses then, too. To keep errors and slow
// traces, head sampling is too early to know: record all, and let the Collector's
// tail_sampling processor decide when a trace is complete. It needs all spans of
// a trace in one instance (route by trace id in front of it) and memory for
// decision_wait; what a head sampler dropped it never sees.
//
// # Spec
//
// OpenTelemetry Trace SDK, "Sampling", "ParentBased"; W3C Trace Context, 3.2.2.5
// (flags are recommendations: "an untrusted caller may be able to abuse").
package sampling

import sdktrace "go.opentelemetry.io/otel/sdk/trace"

// FromRemote says what becomes of the decision of a remote parent.
type FromRemote uint8

// The zero value is Trust, the default of OpenTelemetry.
const (
	Trust  FromRemote = iota // it stands
	Decide                   // the root's sampler decides again
)

// New returns a sampler that asks root for spans without a parent. Children of
// local spans always follow their parent, so a process never has half a trace of
// its own. A nil root is sdktrace.AlwaysSample.
func New(root sdktrace.Sampler, remote FromRemote) sdktrace.Sampler {
	if root == nil {
		root = sdktrace.AlwaysSample()
	}
	if remote != Decide {
		return sdktrace.ParentBased(root)
	}
	return sdktrace.ParentBased(root,
		sdktrace.WithRemoteParentSampled(root),
		sdktrace.WithRemoteParentNotSampled(root))
}
