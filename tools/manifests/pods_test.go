package manifests

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// What admission asks for by the labels of the namespace, by its own rules; and what it does not.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	objects := demo(t)
	for _, w := range workloads(objects) {
		if refused := admission(t, objects, w); refused != "" {
			t.Errorf("%s: admission refuses its pods: %s", w.name, refused)
		}
		spec := w.template.Spec
		if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			t.Errorf("%s: has a token for the API server", w.name)
		}
		for _, c := range spec.Containers {
			s := c.SecurityContext
			if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
				t.Errorf("%s: container security context %+v, want a read-only file system", w.name, s)
			}
		}
	}
}

func TestAdmissionRefuses(t *testing.T) {
	t.Parallel()
	objects := demo(t)
	w := workloads(objects)[0]
	w.template.Spec.Containers[0].SecurityContext.Privileged = new(true)
	want := `container "` + w.template.Spec.Containers[0].Name +
		`" must not set securityContext.privileged=true`
	if got := admission(t, objects, w); !strings.Contains(got, want) {
		t.Errorf("%s, privileged: admission says %q, want %q", w.name, got, want)
	}
}

// admission is what pod security would say against the pods of w: nothing, or why not.
func admission(t *testing.T, objects []runtime.Object, w workload) string {
	t.Helper()
	latest := api.Policy{Enforce: api.LevelVersion{
		Level: api.LevelPrivileged, Version: api.LatestVersion(), // the API server's defaults
	}}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		ns, ok := object.(*corev1.Namespace)
		if !ok {
			continue
		}
		level, errs := api.PolicyToEvaluate(ns.Labels, latest)
		if len(errs) > 0 || level.Enforce.Level != api.LevelRestricted {
			t.Fatalf("namespace %s enforces %v, %v, want restricted", ns.Name, level.Enforce, errs)
		}
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level.Enforce,
			&w.template.ObjectMeta, &w.template.Spec))
		return result.ForbiddenDetail()
	}
	t.Fatal("no namespace")
	return ""
}

// Replicas are to be on different nodes. A constraint without a selector counts no pods, and one
// that counts those of other workloads lets two of its own be together.
func TestReplicasAreSpread(t *testing.T) {
	t.Parallel()
	all := workloads(demo(t))
	for _, w := range all {
		if w.replicas < 2 {
			continue
		}
		spread := w.template.Spec.TopologySpreadConstraints
		if len(spread) != 1 {
			t.Errorf("%s: %d constraints on where its pods are, want 1", w.name, len(spread))
			continue
		}
		// A nil selector matches nothing.
		selector, err := metav1.LabelSelectorAsSelector(spread[0].LabelSelector)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range spread[0].MatchLabelKeys { // as the API server merges them
			if value, ok := w.template.Labels[key]; ok {
				same, err := labels.NewRequirement(key, selection.Equals, []string{value})
				if err != nil {
					t.Fatal(err)
				}
				selector = selector.Add(*same)
			}
		}
		if found := matching(all, selector); len(found) != 1 || found[0].name != w.name {
			t.Errorf("%s: spread by %q, which counts the pods of %d workloads, want its own", w.name,
				selector, len(found))
		}
	}
}

// A pod gets SIGTERM while nodes still send to it, and has to serve until they know. Then it needs
// the time to stop that it had before.
func TestPodsStopAfterTheirEndpoint(t *testing.T) {
	t.Parallel()
	for _, w := range workloads(demo(t)) {
		if w.replicas < 2 {
			continue
		}
		c, grace := w.template.Spec.Containers[0], w.template.Spec.TerminationGracePeriodSeconds
		if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
			t.Errorf("%s: SIGTERM comes at once: lifecycle %v", w.name, c.Lifecycle)
			continue
		}
		sleep := c.Lifecycle.PreStop.Sleep.Seconds
		if sleep < 5 || grace == nil || *grace < sleep+25 {
			t.Errorf("%s: sleeps %d s of %v s, want 5 or more, and 25 left", w.name, sleep, grace)
		}
	}
}
