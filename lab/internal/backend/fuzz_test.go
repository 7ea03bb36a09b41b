package backend

import (
	"testing"

	"example.com/throughline/internal/tracetree"
)

// Whatever a backend answers is an error or spans, and never a panic.
func FuzzDecode(f *testing.F) {
	// Short seeds: a long one is minimised for a minute before anything else is tried.
	f.Add([]byte(`{"result":{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"00f067aa0ba902b7",` +
		`"flags":769,"links":[{"spanId":"00f067aa0ba902b7"}],"attributes":[{"key":"n","value":` +
		`{"intValue":"1"}}]}]}]}]}}`))
	f.Add([]byte(`{"result":{"resourceSpans":[{}]}}{"error":{}}`))
	f.Add([]byte(`{"trace":{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"AAAA"}]}]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, decode := range map[string]func([]byte) ([]tracetree.Span, error){
			JaegerName: decodeJaeger, TempoName: decodeTempo,
		} {
			spans, err := decode(text)
			if err != nil && !refused(err) {
				t.Errorf("%s: %v is no refusal", name, err)
			}
			for i := range spans {
				fields(&spans[i])
			}
		}
	})
}
