package payment

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/document"
	"example.com/throughline/patterns/spancontextpayload"
	"example.com/throughline/patterns/streammessage"
)

// The states of an account. A declined payment may be tried again with another card.
const (
	stateAuthorised = "authorised"
	stateDeclined   = "declined"
	stateCaptured   = "captured"
	stateSettled    = "settled"
)

// errState says that an account is not in a state that allows the change.
var errState error = kind{"wrong_state", "payment is in another state"}

// account is the payment of one order.
type account struct {
	OrderID       string `json:"order_id"`
	Amount        int64  `json:"amount"` // minor units
	Currency      string `json:"currency"`
	State         string `json:"state"`
	DeclineReason string `json:"decline_reason,omitempty"`
	CardToken     string `json:"card_token,omitempty"` // only until it is settled
	Attempts      int    `json:"attempts,omitempty"`   // of settling it

	// Captured is the span that captured the payment: the way back to the order's trace for
	// whoever settles it without a message.
	Captured spancontextpayload.SpanContext `json:"captured,omitzero"`
}

// accounts keeps the payments in Redis, one document an order.
type accounts struct {
	docs     document.Collection[account]
	producer streammessage.Producer
	stream   string // key of the stream payments.settled
	// unsettled is the key of a sorted set: the orders whose payment is captured and not
	// settled, by the time of the capture. It changes in the transaction that changes the state.
	unsettled string
}

func newAccounts(cfg Config, deps Deps) *accounts {
	return &accounts{
		docs: document.Collection[account]{
			Client: deps.Redis, Prefix: cfg.KeyPrefix + "payment:", TTL: 30 * 24 * time.Hour,
		},
		producer: streammessage.Producer{
			Tracer:     deps.Telemetry.TracerProvider.Tracer(scope),
			Propagator: deps.Telemetry.Propagator,
		},
		stream:    cfg.KeyPrefix + settled,
		unsettled: cfg.KeyPrefix + "payments.captured",
	}
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
	now := time.Now()
	return a.docs.Update(ctx, orderID, func(acc *account, also redis.Pipeliner) error {
		switch acc.State {
		case stateAuthorised:
			acc.State = stateCaptured
			acc.Captured = spancontextpayload.Encode(ctx)
			also.ZAdd(ctx, a.unsettled, redis.Z{
				Score: float64(now.UnixMilli()), Member: orderID,
			})
			return nil
		case stateCaptured, stateSettled:
			return nil
		default:
			return errState
		}
	})
}

// attempt counts one more attempt to settle a captured payment and returns it.
func (a *accounts) attempt(ctx context.Context, orderID string) (account, error) {
	return a.docs.Update(ctx, orderID, func(acc *account, _ redis.Pipeliner) error {
		switch acc.State {
		case stateCaptured:
			acc.Attempts++
			return nil
		case stateSettled:
			return nil
		default:
			return errState
		}
	})
}

// captured returns the orders whose payment was captured before the given time and is not
// settled, the oldest first.
func (a *accounts) captured(ctx context.Context, before time.Time) ([]string, error) {
	return a.docs.Client.ZRangeByScore(ctx, a.unsettled, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(before.UnixMilli(), 10),
	}).Result()
}

// forget takes an order off the list of what is to be settled, for there is no such payment.
func (a *accounts) forget(ctx context.Context, orderID string) error {
	return a.docs.Client.ZRem(ctx, a.unsettled, orderID).Err()
}

// settled records that the money has moved and says so on the stream payments.settled, in one
// transaction. Idempotent: what is settled already is not said again.
func (a *accounts) settled(ctx context.Context, orderID string) error {
	fields := map[string]any{"order_id": orderID}
	return a.producer.Send(ctx, settled, fields, func(
		ctx context.Context, fields map[string]any,
	) (string, error) {
		var added *redis.StringCmd
		_, err := a.docs.Update(ctx, orderID, func(acc *account, also redis.Pipeliner) error {
			added = nil
			if acc.State == stateSettled {
				return nil
			}
			acc.State = stateSettled
			acc.CardToken = "" // nobody needs it any more
			also.ZRem(ctx, a.unsettled, orderID)
			added = also.XAdd(ctx, &redis.XAddArgs{
				Stream: a.stream, MaxLen: 100_000, Approx: true, Values: fields,
			})
			return nil
		})
		if err != nil || added == nil {
			return "", err
		}
		return added.Val(), nil
	})
}
