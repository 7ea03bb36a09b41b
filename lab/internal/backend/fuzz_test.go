package backend

import (
	"os"
	"path/filepath"
	"testing"

	"example.com/throughline/internal/tracetree"
)

// Whatever a backend answers is an error or spans, and never a panic.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/every-field/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
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
