package payment

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/document"
)

// The states of an account. A declined payment may be tried again with another card.
const (
	stateAuthorised = "authorised"
	stateDeclined   = "declined"
	stateCaptured   = "captured"
	stateSettled    = "settled"
)

// errState says that an account is not in a state that allows the change.
var errState = errors.New("payment is in another state")

// account is the payment of one order.
type account struct {
	OrderID       string `json:"order_id"`
	Amount        int64  `json:"amount"` // minor units
	Currency      string `json:"currency"`
	State         string `json:"state"`
	DeclineReason string `json:"decline_reason,omitempty"`
}

// accounts keeps the payments in Redis, one document an order.
type accounts struct {
	docs document.Collection[account]
}

func newAccounts(cfg Config, deps Deps) *accounts {
	return &accounts{docs: document.Collection[account]{
		Client: deps.Redis, Prefix: cfg.KeyPrefix + "payment:", TTL: 30 * 24 * time.Hour,
	}}
}

func (a *accounts) get(ctx context.Context, orderID string) (account, error) {
	return a.docs.Get(ctx, orderID)
}

// authorise records the decision on a card. An authorisation of the same amount stands; a decline,
// or an authorisation of another amount, gives way.
func (a *accounts) authorise(ctx context.Context, decided account) (account, error) {
	err := a.docs.Create(ctx, decided.OrderID, decided)
	if err == nil {
		return decided, nil
	}
	if !errors.Is(err, document.ErrExists) {
		return account{}, err
	}
	return a.docs.Update(ctx, decided.OrderID, func(acc *account, _ redis.Pipeliner) error {
		switch {
		case acc.State == stateCaptured || acc.State == stateSettled:
			return errState
		case acc.State == stateDeclined || acc.Amount != decided.Amount:
			*acc = decided
		}
		return nil
	})
}

// capture promises an authorised amount to the shop. Idempotent.
func (a *accounts) capture(ctx context.Context, orderID string) (account, error) {
	return a.advance(ctx, orderID, stateAuthorised, stateCaptured, stateSettled)
}

// settle moves the money of a captured payment. Idempotent: settling twice moves it once.
func (a *accounts) settle(ctx context.Context, orderID string) (account, error) {
	return a.advance(ctx, orderID, stateCaptured, stateSettled)
}

// advance takes an account from one state to the next; in the next state, or one of beyond,
// there is nothing left to do.
func (a *accounts) advance(
	ctx context.Context, orderID, from, to string, beyond ...string,
) (account, error) {
	return a.docs.Update(ctx, orderID, func(acc *account, _ redis.Pipeliner) error {
		for _, done := range append(beyond, to) {
			if acc.State == done {
				return nil
			}
		}
		if acc.State != from {
			return errState
		}
		acc.State = to
		return nil
	})
}
