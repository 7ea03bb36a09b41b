package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A customer is told the state of an order, and the trace, but not our baggage.
func Example() {
	secret := []byte("an example: use 32 random bytes!")
	customer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Println("received:", string(body), err)
		fmt.Println("verified:",
			Verify(secret, r.Header.Get(SignatureHeader), body, time.Now()))
		fmt.Println("traceparent:", r.Header.Get("traceparent") != "")
		fmt.Printf("baggage: %q\n", r.Header.Values("baggage"))
	}))
	defer customer.Close()

	tp := sdktrace.NewTracerProvider()
	client, err := New(Options{
		PrivateHosts:   []string{strings.TrimPrefix(customer.URL, "http://")}, // on loopback
		Secret:         secret,
		TracerProvider: tp,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	bag, err := baggage.Parse("customer=c-42")
	if err != nil {
		fmt.Println(err)
	}
	ctx := baggage.ContextWithBaggage(context.Background(), bag)
	ctx, span := tp.Tracer("example").Start(ctx, "notify customer")
	defer span.End()

	status, err := client.Post(ctx, customer.URL+"/hook?key=secret", []byte(`{"order":"shipped"}`))
	fmt.Println(status, err)
	_, err = client.Post(ctx, "http://169.254.169.254/latest/meta-data", nil)
	fmt.Println(err)

	// Output:
	// received: {"order":"shipped"} <nil>
	// verified: <nil>
	// traceparent: true
	// baggage: []
	// 200 <nil>
	// webhook: host "169.254.169.254" is not on the list: webhook target not allowed
}
