package retry

import (
	"testing"
	"time"
)

// No header makes anybody wait for less than nothing.
func FuzzAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "120", "-1", "9223372036854775807", "99999999999999999999", "1.5",
		"Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		delay, ok := After(value, time.Unix(1767225600, 0))
		if delay < 0 || !ok && delay != 0 {
			t.Errorf("After(%q) = %v, %t", value, delay, ok)
		}
	})
}
