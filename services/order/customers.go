package order

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/webhook"
)

// webhookClient calls third parties, with a propagator for third parties.
func webhookClient(cfg Config, tel *telemetry.Telemetry, faults *fault.Set) (Webhook, error) {
	secret := cfg.WebhookSecret
	if len(secret) == 0 {
		if len(cfg.WebhookHosts)+len(cfg.WebhookPrivateHosts) > 0 {
			tel.Logger.Warn("ORDER_WEBHOOK_SECRET is not set: the secret is generated, " +
				"so that nobody can verify our webhooks")
		}
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // it never fails, says its documentation
	}
	good, err := webhook.New(webhook.Options{
		Hosts: cfg.WebhookHosts, PrivateHosts: cfg.WebhookPrivateHosts, Secret: secret,
		TracerProvider: tel.TracerProvider, MeterProvider: tel.MeterProvider,
	})
	if err != nil {
		return nil, err
	}
	return careless{
		Client: good, secret: secret,
		shared: faults.Declare("baggage-to-third-party",
			"order calls customers' servers with the client that is for services of its own."),
		ours: httpclient.New(tel, httpclient.Options{}),
		told: pii(faults),
		whole: httpclient.New(tel, httpclient.Options{
			Propagator: webhook.ThirdParty{}, Base: urlOnSpan(httpclient.NewTransport()),
		}),
	}, nil
}

// careless is a fault: while it is on, customers' servers are called with a client that was made
// for something else.
type careless struct {
	*webhook.Client
	secret       []byte
	shared, told *fault.Switch
	ours, whole  *http.Client
}

func (c careless) Post(ctx context.Context, target string, body []byte) (status int, err error) {
	client := fault.Pick(c.shared, fault.Pick(c.told, nil, c.whole), c.ours)
	if client == nil || c.Check(target) != nil {
		return c.Client.Post(ctx, target, body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(webhook.SignatureHeader, webhook.Sign(c.secret, body, time.Now()))
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	if err := response.Body.Close(); err != nil || response.StatusCode/100 != 2 {
		return response.StatusCode, fmt.Errorf("webhook: status %d: %w",
			response.StatusCode, webhook.ErrStatus)
	}
	return response.StatusCode, nil
}

func (c careless) Close() {
	c.Client.Close()
	c.ours.CloseIdleConnections()
	c.whole.CloseIdleConnections()
}

// urlOnSpan is a fault: somebody wants to see which customer a call was for.
func urlOnSpan(next http.RoundTripper) http.RoundTripper {
	return fault.RoundTripper(func(r *http.Request) (*http.Response, error) {
		trace.SpanFromContext(r.Context()).SetAttributes(semconv.URLFull(r.URL.String()))
		return next.RoundTrip(r)
	})
}
