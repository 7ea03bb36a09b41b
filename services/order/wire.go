package order

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/rpcspan"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/wire"
	"example.com/throughline/services/payment/paymentv1"
)

// Wire makes the parts of an order service, and its faults, all off.
func Wire(cfg Config, tel *telemetry.Telemetry) (Deps, error) {
	payment, err := dialPayment(cfg.PaymentAddr, tel)
	if err != nil {
		return Deps{}, fmt.Errorf("order: payment client: %w", err)
	}
	faults := &fault.Set{}
	client := redisclient.New(tel, cfg.RedisAddr)
	listening := eventsClient(client)
	pricing := pricingClient(tel, faults)
	customers, err := webhookClient(cfg, tel)
	if err != nil {
		return Deps{}, errors.Join(fmt.Errorf("order: %w", err), payment.Close(), client.Close(),
			listening.Close())
	}
	return Deps{
		Telemetry:  tel,
		Redis:      client,
		Events:     listening,
		Pricing:    pricing,
		Payment:    paymentv1.NewPaymentServiceClient(payment),
		Webhook:    customers,
		Handoff:    handoff(faults),
		Middleware: middleware(faults),
		Faults:     faults,
		Close: func() error {
			pricing.CloseIdleConnections()
			customers.Close()
			return errors.Join(payment.Close(), client.Close(), listening.Close())
		},
	}, nil
}

// dialPayment makes the gRPC client: it connects when it is first used, and comes back within
// two seconds when payment was away.
func dialPayment(addr string, tel *telemetry.Telemetry) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(rpcspan.Client(tel)),
		grpc.WithStatsHandler(wire.SentMetadata(tel.Logger)),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: time.Second,
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, MaxDelay: 2 * time.Second,
			},
		}),
	)
}
