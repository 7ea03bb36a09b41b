package clientreturned

import (
	"net/http"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	signer, sc := newSigner(), exampleSpanContext()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Sign(sc, workflow, Claims{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	signer := newSigner()
	signed := sign(b, signer, exampleSpanContext(), 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := signer.Verify(b.Context(), signed, workflow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInject(b *testing.B) {
	signed, header := sign(b, newSigner(), exampleSpanContext(), 1), http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		Return(header, signed)
	}
}

func BenchmarkExtract(b *testing.B) {
	header := http.Header{}
	Return(header, sign(b, newSigner(), exampleSpanContext(), 1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Extract(header); err != nil {
			b.Fatal(err)
		}
	}
}
