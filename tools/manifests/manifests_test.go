package manifests

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

const deploy = "../../deploy/k8s/"

// demo holds everything: it includes the other two.
func demo(t *testing.T) []runtime.Object {
	t.Helper()
	objects, err := Render(deploy + "demo")
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestEachKustomizationRenders(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(deploy + "*/kustomization.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d kustomizations, %v", len(files), err)
	}
	for _, file := range files {
		if objects, err := Render(filepath.Dir(file)); err != nil || len(objects) == 0 {
			t.Errorf("%s: %d objects, %v", file, len(objects), err)
		}
	}
}

// A check that cannot fail is none: mistakes that kubectl would only find in a cluster.
func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	for mistake, want := range map[string]string{
		"replcas: 2":                             `unknown field "spec.replcas"`,
		"replicas: two":                          "replicas",
		"template: {spec: {containers: {a: b}}}": "containers",
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"kustomization.yaml": "resources: [a.yaml]\n",
			"a.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  " +
				mistake + "\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Render(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", mistake, err, want)
		}
	}
}

// workload is what Deployments and StatefulSets have in common.
type workload struct {
	name     string
	replicas int32
	selector *metav1.LabelSelector
	template corev1.PodTemplateSpec
}

func workloads(objects []runtime.Object) []workload {
	var all []workload
	for _, object := range objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			all = append(all, workload{o.Name, replicas(o.Spec.Replicas), o.Spec.Selector, o.Spec.Template})
		case *appsv1.StatefulSet:
			all = append(all, workload{o.Name, replicas(o.Spec.Replicas), o.Spec.Selector, o.Spec.Template})
		}
	}
	return all
}

func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func (w workload) service() bool {
	return w.template.Labels["app.kubernetes.io/component"] == "service"
}

func TestWorkloads(t *testing.T) {
	t.Parallel()
	var names []string
	for _, w := range workloads(demo(t)) {
		names = append(names, w.name)
		if selector, err := metav1.LabelSelectorAsSelector(w.selector); err != nil ||
			selector.Empty() || !selector.Matches(labels.Set(w.template.Labels)) {
			t.Errorf("%s: its selector %v does not match its own pods %v", w.name, w.selector,
				w.template.Labels)
		}
		if w.name != "redis" && w.replicas < 2 {
			t.Errorf("%s: %d replicas, want 2 or more", w.name, w.replicas)
		}
		for _, c := range w.template.Spec.Containers {
			checkContainer(t, w, c)
		}
	}
	slices.Sort(names)
	want := []string{"collector", "collector-sampling", "gateway", "order", "payment", "pricing", "redis"}
	if !slices.Equal(names, want) {
		t.Errorf("workloads %v, want %v", names, want)
	}
}

func checkContainer(t *testing.T, w workload, c corev1.Container) {
	t.Helper()
	if c.LivenessProbe == nil || c.ReadinessProbe == nil {
		t.Errorf("%s: liveness %v, readiness %v, want both", w.name, c.LivenessProbe, c.ReadinessProbe)
	}
	limit, request := c.Resources.Limits.Memory(), c.Resources.Requests.Memory()
	if limit.IsZero() || request.IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("%s: memory %v of %v, cpu %v: want a limit on memory and requests of both", w.name,
			request, limit, c.Resources.Requests.Cpu())
	}
	if w.service() && limit.Value() > 64<<20 {
		t.Errorf("%s: limit %v, want at most 64Mi", w.name, limit)
	}
	// Without a tag it would be the latest, which a node asks a registry for each time.
	if strings.HasSuffix(c.Image, ":latest") || !strings.Contains(c.Image, ":") {
		t.Errorf("%s: image %q is not pinned", w.name, c.Image)
	}
	if w.service() && c.ImagePullPolicy != corev1.PullIfNotPresent {
		t.Errorf("%s: pulls %q, want IfNotPresent: the default is Always once there was no tag",
			w.name, c.ImagePullPolicy)
	}
	ports := make(map[string]bool)
	for _, p := range c.Ports {
		ports[p.Name] = true
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe != nil && probe.HTTPGet != nil && !ports[probe.HTTPGet.Port.StrVal] {
			t.Errorf("%s: a probe asks port %v, of %v", w.name, probe.HTTPGet.Port, ports)
		}
	}
}

// Each Service leads to pods that exist, by a port that they have; each disruption budget is of some.
func TestSelectorsFindPods(t *testing.T) {
	t.Parallel()
	objects := demo(t)
	pods := workloads(objects)
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			found := matching(pods, labels.SelectorFromSet(o.Spec.Selector))
			if len(found) != 1 {
				t.Errorf("service %s selects %d workloads, want 1", o.Name, len(found))
				continue
			}
			for _, p := range o.Spec.Ports {
				if !hasPort(found[0], p.TargetPort.StrVal) {
					t.Errorf("service %s: %s has no port %q", o.Name, found[0].name, p.TargetPort.StrVal)
				}
			}
		case *policyv1.PodDisruptionBudget:
			selector, err := metav1.LabelSelectorAsSelector(o.Spec.Selector)
			if err != nil || len(matching(pods, selector)) != 1 {
				t.Errorf("disruption budget %s: selects %d workloads, %v", o.Name,
					len(matching(pods, selector)), err)
			}
		}
	}
}

func matching(all []workload, selector labels.Selector) []workload {
	var found []workload
	for _, w := range all {
		if selector.Matches(labels.Set(w.template.Labels)) {
			found = append(found, w)
		}
	}
	return found
}

func hasPort(w workload, name string) bool {
	for _, c := range w.template.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name {
				return true
			}
		}
	}
	return false
}

// Each Collector is given files that its ConfigMap has.
func TestCollectorsHaveTheirFiles(t *testing.T) {
	t.Parallel()
	objects := demo(t)
	files := make(map[string]map[string]string)
	for _, object := range objects {
		if c, ok := object.(*corev1.ConfigMap); ok {
			files[c.Name] = c.Data
		}
	}
	for _, w := range workloads(objects) {
		if w.template.Labels["app.kubernetes.io/component"] != "collector" {
			continue
		}
		have := files[w.template.Spec.Volumes[0].ConfigMap.Name]
		args := w.template.Spec.Containers[0].Args
		if len(args) < 4 {
			t.Errorf("%s: arguments %v", w.name, args)
		}
		for _, arg := range args {
			name, ok := strings.CutPrefix(arg, "--config=/etc/otelcol/")
			if !ok || have[name] == "" {
				t.Errorf("%s: %s: no such file in the ConfigMap; have %v", w.name, arg,
					slices.Sorted(maps.Keys(have)))
			}
		}
	}
}

// Keys are given by whoever deploys it; an instance is a consumer of its own; a span tells its pod.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	objects := demo(t)
	for _, object := range objects {
		if s, ok := object.(*corev1.Secret); ok {
			t.Errorf("secret %s is in the repository", s.Name)
		}
	}
	for _, w := range workloads(objects) {
		if !w.service() {
			continue
		}
		env := make(map[string]corev1.EnvVar)
		for _, e := range w.template.Spec.Containers[0].Env {
			env[e.Name] = e
		}
		if !strings.Contains(env["OTEL_RESOURCE_ATTRIBUTES"].Value, "k8s.pod.uid=$(POD_UID)") {
			t.Errorf("%s: OTEL_RESOURCE_ATTRIBUTES=%q, want k8s.pod.uid", w.name,
				env["OTEL_RESOURCE_ATTRIBUTES"].Value)
		}
		for name, e := range env {
			secret := strings.HasSuffix(name, "_KEYS") || strings.HasSuffix(name, "_SECRET")
			if secret && (e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil) {
				t.Errorf("%s: %s is not from a secret", w.name, name)
			}
			if strings.HasSuffix(name, "_CONSUMER") &&
				(e.ValueFrom == nil || e.ValueFrom.FieldRef == nil) {
				t.Errorf("%s: %s is the same in all pods", w.name, name)
			}
		}
	}
}
