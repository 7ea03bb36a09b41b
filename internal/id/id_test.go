package id_test

import (
	"strings"
	"testing"

	"example.com/throughline/internal/id"
)

func TestValid(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "A", "a/b", "a b", "é", "a:b", "{x}", strings.Repeat("a", 65)} {
		if id.Valid(bad) {
			t.Errorf("Valid(%q) = true, want false", bad)
		}
	}
	for _, good := range []string{"a", "0", strings.Repeat("z", 64), id.New()} {
		if !id.Valid(good) {
			t.Errorf("Valid(%q) = false, want true", good)
		}
	}
}

func TestNewIsFresh(t *testing.T) {
	t.Parallel()
	if a, b := id.New(), id.New(); a == b || len(a) != 26 {
		t.Errorf("New() = %q, then %q, want two different ids of 26 characters", a, b)
	}
}

func TestSecretsAreNoIDs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"4111111111111111", "6164614063616e6172792e6578616d706c65"} {
		if id.Valid(s) {
			t.Errorf("%q is valid, want a card number and a text refused", s)
		}
	}
	for range 1000 {
		if s := id.New(); !id.Valid(s) {
			t.Errorf("%q is not valid", s)
		}
	}
}
