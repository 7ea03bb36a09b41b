// Package manifests renders a kustomization, as `kubectl kustomize` does, and
// reads what comes of it into Kubernetes' own types, strictly: a field that the
// API does not have, or a value of the wrong type, is an error that names it.
//
// It needs no cluster and no network. What only an API server knows, such as
// required fields and allowed values, is checked by the tests for what matters
// here: probes, limits, pod security, network policies.
package manifests

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Render returns the objects of the kustomization in dir, in their order.
func Render(dir string) ([]runtime.Object, error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).
		Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", dir, err)
	}
	decode, err := decoder()
	if err != nil {
		return nil, err
	}
	var objects []runtime.Object
	var errs []error
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("kustomize %s: %s: %w", dir, r.CurId(), err)
		}
		object, _, err := decode.Decode(text, nil, nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", dir, r.CurId(), err))
			continue
		}
		objects = append(objects, object)
	}
	return objects, errors.Join(errs...)
}

func decoder() (runtime.Decoder, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(), nil
}
