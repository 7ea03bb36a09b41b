package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/throughline/internal/env"
	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/embedded"
	"example.com/throughline/platform"
	"example.com/throughline/services/order"
)

// besideFlags are those of `lab up` for services that run elsewhere.
type besideFlags struct {
	services            services
	customer, collector string
}

func newBesideFlags() besideFlags { return besideFlags{services: services{}} }

func (b *besideFlags) register(f *flags) {
	f.Var(b.services, "service", "`NAME=URL` of a service that runs elsewhere; all of\n"+
		strings.Join(serviceNames(), ", "))
	f.StringVar(&b.customer, "customer-url", "",
		"with --service: the `URL` at which order reaches --port customer=")
	f.StringVar(&b.collector, "collector", "",
		"with --service: `HOST:PORT` of their Collector, OTLP/gRPC, for the jobs")
}

// services is the value of --service flags.
type services map[string]string

// String is what help shows as the default.
func (s services) String() string { return "" }

// Set reads one flag.
func (s services) Set(text string) error {
	name, base, found := strings.Cut(text, "=")
	if !found || !slices.Contains(serviceNames(), name) {
		return fmt.Errorf("want NAME=URL with a name of %s", strings.Join(serviceNames(), ", "))
	}
	r := env.New(func(string) string { return base })
	s[name] = r.RequiredURL("--service " + name)
	return r.Err()
}

func serviceNames() []string {
	return []string{
		"gateway", "gateway-trusted", "order", "pricing", "rating",
		"gateway-admin", "order-admin", "pricing-admin", "payment-admin",
	}
}

// standBeside fills in cfg.Beside when --service was given.
func (u *upFlags) standBeside(cfg *embedded.Config, c console) error {
	b := u.beside
	if len(b.services) == 0 {
		return nil
	}
	for _, name := range serviceNames() {
		if b.services[name] == "" {
			return usagef("lab up: --service %s=URL is missing: want all of %s", name,
				strings.Join(serviceNames(), ", "))
		}
	}
	if b.customer == "" || b.collector == "" || u.run {
		return usagef("lab up: --service wants --customer-url and --collector, and not --run")
	}
	shop, err := order.ConfigFrom(c.getenv)
	if err != nil {
		return usageError{err}
	}
	if len(shop.WebhookSecret) == 0 {
		return usagef("lab up: --service wants ORDER_WEBHOOK_SECRET, as order has it")
	}
	cfg.Beside = &embedded.Beside{
		Services:  b.services.fleet(),
		Customer:  platform.Customer{URL: b.customer, Secret: shop.WebhookSecret},
		Collector: b.collector, KeyPrefix: shop.KeyPrefix,
	}
	return nil
}

func (s services) fleet() scenario.Fleet {
	fleet := scenario.Fleet{Targets: map[string]string{}, Admin: map[string]string{}}
	for name, base := range maps.All(s) {
		if service, found := strings.CutSuffix(name, "-admin"); found {
			fleet.Admin[service] = base
		} else {
			fleet.Targets[name] = base
		}
	}
	return fleet
}
