package clientreturned

import (
	"strings"
	"testing"
)

// Two instances at different points of a rotation. What one of them signs the
// other accepts, as long as no step is left out.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	old, fresh := []byte(strings.Repeat("o", minKey)), []byte(strings.Repeat("f", minKey))
	with := func(keys ...[]byte) *Signer {
		s := newSigner()
		s.Keys = keys
		return s
	}
	steps := []*Signer{with(old), with(old, fresh), with(fresh, old), with(fresh)}
	for i, signer := range steps {
		for j, verifier := range steps {
			_, _, err := verifier.Verify(t.Context(), sign(t, signer, exampleSpanContext(), 1),
				workflow)
			near := i-j <= 1 && j-i <= 1
			if near && err != nil {
				t.Errorf("signed at step %d, verified at step %d: %v", i, j, err)
			}
			if i == 0 && j == 3 && Reason(err) != "forged" {
				t.Errorf("a key that was removed still verifies: %v", err)
			}
		}
	}
	// The shortcut, new key in and old one out at once, refuses whom the other
	// instance has served.
	refuse(t, with(old), sign(t, with(fresh, old), exampleSpanContext(), 1), workflow,
		ErrForged, Claims{})
}

// Which key it was does not change what is signed: every one of eight is tried.
func TestEveryKeyVerifies(t *testing.T) {
	t.Parallel()
	all := newSigner()
	all.Keys = nil
	for i := range maxKeys {
		all.Keys = append(all.Keys, []byte(strings.Repeat(string(rune('a'+i)), minKey)))
	}
	for i := range all.Keys {
		one := newSigner()
		one.Keys = all.Keys[i : i+1]
		_, parent, err := all.Verify(t.Context(), sign(t, one, exampleSpanContext(), 1), workflow)
		if err != nil || !parent.IsValid() {
			t.Errorf("key %d: %v", i, err)
		}
	}
}
