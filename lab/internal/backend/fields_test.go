package backend

import (
	"bytes"
	"encoding/json"
	"testing"

	"example.com/throughline/internal/tracetree"
)

func TestSame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b any
		want bool
	}{
		{"42", int64(42), false},
		{int64(42), float64(42), false},
		{int64(42), int64(42), true},
		{true, "true", false},
		{"x", nil, false},
		{[]any{"a", int64(1)}, []any{"a", int64(1)}, true},
		{[]any{"a", "b"}, []any{"b", "a"}, false},
		{[]any{"a"}, []any{"a", "a"}, false},
		{[]any{"a"}, "a", false},
		{map[string]any{"n": int64(1)}, map[string]any{"n": int64(1)}, true},
		{map[string]any{"n": int64(1)}, map[string]any{"m": int64(1)}, false},
		{map[string]any{"n": int64(1)}, map[string]any{"n": int64(1), "m": "x"}, false},
		{[]byte{0, 255}, []byte{0, 255}, true},
		{[]byte{0, 255}, []byte{0, 254}, false},
		// As a running lab tells it.
		{json.Number("4611686018427387905"), int64(4611686018427387905), true},
		{json.Number("4611686018427387905"), int64(4611686018427387904), false},
		{json.Number("42"), float64(42), true},
		{json.Number("1e-9"), 1e-9, true},
		{json.Number("42"), "42", false},
		{json.Number("0.5"), int64(0), false},
		{[]any{json.Number("1")}, []any{int64(1)}, true},
		{"AP8=", []byte{0, 255}, true},
		{"AP8=", []byte{0, 254}, false},
	} {
		if got := same(tc.a, tc.b); got != tc.want {
			t.Errorf("%#v and %#v: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		`"42"`: "42", "42": int64(42), "42.0": float64(42), "0.5": 0.5, "true": true, "none": word(""),
		`""`: "", "bytes AP8=": []byte{0, 255}, `["a",1]`: []any{"a", int64(1)}, "w": word("w"),
	} {
		if got := text(v); got != want {
			t.Errorf("%#v: %s, want %s", v, got, want)
		}
	}
}

// What a running lab tells of a span is the same span.
func TestSpansSurviveTheControlListener(t *testing.T) {
	t.Parallel()
	all := sent(t, "testdata/every-field")
	encoded, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var told []tracetree.Span
	if err := decoder.Decode(&told); err != nil {
		t.Fatal(err)
	}
	if c := compare(JaegerName, told, all); c.equal != len(all) || c.diff() != "" {
		t.Errorf("%d of %d spans are equal:\n%s", c.equal, len(all), c.diff())
	}
}
