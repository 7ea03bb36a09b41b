package payment_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/throughline/internal/telemetry/telemetrytest"
	"example.com/throughline/services/payment"
	"example.com/throughline/services/payment/paymentv1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A message or metadata that is too large is refused before a handler sees it, and the next call is
// served.
func TestLargeCallsAreRefused(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	client := paymentv1.NewPaymentServiceClient(dial(t, serve(t, tel)))
	get := func(ctx context.Context, id string) codes.Code {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := client.GetPayment(ctx, &paymentv1.GetPaymentRequest{OrderId: id})
		return status.Code(err)
	}
	if got := get(t.Context(), strings.Repeat("x", 64<<10)); got != codes.ResourceExhausted {
		t.Errorf("message of 64 KiB and more: %v, want ResourceExhausted", got)
	}
	large := metadata.AppendToOutgoingContext(t.Context(), "tracestate", strings.Repeat("x", 32<<10))
	if got := get(large, "o1"); got == codes.OK || got == codes.NotFound {
		t.Errorf("metadata of 32 KiB: %v, want a refusal", got)
	}
	if got := get(t.Context(), "o1"); got != codes.NotFound {
		t.Errorf("an ordinary call: %v, want NotFound", got)
	}
	for _, span := range tel.Spans() {
		for key, value := range telemetrytest.Attributes(span) {
			if len(value) > 1024 {
				t.Errorf("%s: attribute %s has %d bytes", span.Name, key, len(value))
			}
		}
	}
}

func serve(t *testing.T, tel *telemetrytest.Recorder) *payment.Service {
	t.Helper()
	cfg := payment.Config{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", RedisAddr: miniredis.RunT(t).Addr(),
		KeyPrefix: "test:", Consumer: "payment-1", RetryAfter: time.Second,
	}
	service, err := payment.New(cfg, payment.Wire(cfg, tel.Telemetry))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- service.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return service
}

func dial(t *testing.T, service *payment.Service) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+service.Addr(),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
