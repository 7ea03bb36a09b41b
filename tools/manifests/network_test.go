package manifests

import (
	"maps"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Nothing is open but what somebody is named for, and nobody at all for the admin port.
func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	objects := demo(t)
	denied, covered := false, make(map[string]bool)
	for _, object := range objects {
		p, ok := object.(*networkingv1.NetworkPolicy)
		if !ok {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			t.Fatal(err)
		}
		denied = denied || selector.Empty() && len(p.Spec.Ingress)+len(p.Spec.Egress) == 0 &&
			len(p.Spec.PolicyTypes) == 2
		for _, rule := range p.Spec.Ingress {
			if len(rule.Ports) == 0 {
				t.Errorf("policy %s opens every port", p.Name)
			}
			for _, port := range rule.Ports {
				if port.Port == nil || port.Port.IntValue() == 9080 {
					t.Errorf("policy %s opens port %v", p.Name, port.Port)
				}
			}
			if len(rule.From) == 0 && p.Name != "gateway" {
				t.Errorf("policy %s lets everybody in; only the public edge may", p.Name)
			}
		}
		if !selector.Empty() {
			for _, w := range matching(workloads(objects), selector) {
				covered[w.name] = covered[w.name] || len(p.Spec.Ingress) > 0
			}
		}
	}
	if !denied {
		t.Error("no policy denies what the others do not allow")
	}
	for _, w := range workloads(objects) {
		if !covered[w.name] {
			t.Errorf("%s: no policy lets anybody in; have %v", w.name, slices.Sorted(maps.Keys(covered)))
		}
	}
}

// To some network plugins a range of addresses is what is outside of the cluster. What may be a pod
// as well, Redis or a backend, has to be let through as a pod too.
func TestRangesAreOfPodsToo(t *testing.T) {
	t.Parallel()
	for _, object := range demo(t) {
		p, ok := object.(*networkingv1.NetworkPolicy)
		if !ok {
			continue
		}
		for _, rule := range p.Spec.Egress {
			anywhere, pods := false, false
			for _, to := range rule.To {
				// The one with exceptions, for webhooks, leads outside by intention.
				anywhere = anywhere || to.IPBlock != nil && len(to.IPBlock.Except) == 0
				pods = pods || to.PodSelector != nil || to.NamespaceSelector != nil
			}
			if anywhere && !pods {
				t.Errorf("policy %s: %v is open for addresses, but for no pods", p.Name, rule.Ports)
			}
		}
	}
}
