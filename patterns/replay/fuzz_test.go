package replay

import (
	"errors"
	"testing"
)

// Whatever is stored, only a finished record of the same request is an answer.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"fingerprint":"f","response":"MjAx","traceparent":"x","tracestate":"="}`), "f")
	f.Add([]byte(`{"fingerprint":"f","owner":"o"}`), "f")
	f.Add([]byte(`{}`), "")
	f.Add([]byte(`null`), "f")
	f.Add([]byte(nil), "f")
	f.Fuzz(func(t *testing.T, stored []byte, fingerprint string) {
		original, err := parse(stored, fingerprint)
		if (err == nil) != (original != nil) {
			t.Errorf("parse = %v, %v", original, err)
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrMismatch) &&
			!errors.Is(err, ErrInProgress) {
			t.Errorf("error = %v", err)
		}
	})
}
