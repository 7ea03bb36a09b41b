package order

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/rpcspan"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/wire"
)

// Wire makes the parts of an order service, and its faults, all off. The spans of tel come under
// their control.
func Wire(cfg Config, tel *telemetry.Telemetry) (Deps, error) {
	faults := &fault.Set{}
	tel.TracerProvider = tracing(tel, faults)
	payment, err := dialPayment(cfg.PaymentAddr, tel)
	if err != nil {
		return Deps{}, fmt.Errorf("order: payment client: %w", err)
	}
	client := redisclient.New(tel, cfg.RedisAddr)
	listening := eventsClient(client)
	pricing := pricingClient(tel, faults)
	customers, err := webhookClient(cfg, tel, faults)
	if err != nil {
		return Deps{}, errors.Join(fmt.Errorf("order: %w", err), payment.Close(), client.Close(),
			listening.Close())
	}
	return Deps{
		Telemetry:  tel,
		Redis:      client,
		Events:     listening,
		Pricing:    pricing,
		Payment:    paymentClient(payment, faults),
		Webhook:    customers,
		Handoff:    handoff(tel, faults),
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
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<10)),
		grpc.WithMaxHeaderListSize(16<<10),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 5 * time.Second, // while calls are under way
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: time.Second,
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, MaxDelay: 2 * time.Second,
			},
		}),
	)
}
