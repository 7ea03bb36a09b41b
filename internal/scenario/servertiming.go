package scenario

import (
	"fmt"
	"net/http"

	"example.com/throughline/patterns/responsecontext"
)

// servedBy returns the traceparent of the span that served an answer, and an empty string when the
// answer does not tell.
func servedBy(h http.Header) string {
	sc, ok := responsecontext.Parse(h)
	if !ok {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags())
}
