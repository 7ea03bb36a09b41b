package pricing

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
)

// partnerCode is a discount code of a partner, whose system is slow to wake up. Like the card
// tokens of a payment provider's sandbox it is for trying things out: the first answer about each
// order is a 503, every later one is right.
const partnerCode = "PARTNER15"

// partner remembers which orders the partner has been asked about.
type partner struct {
	redis  *redis.Client
	prefix string
}

// check returns a 503 problem when the partner is asked about an order for the first time.
func (p partner) check(ctx context.Context, code, reference string) error {
	if code != partnerCode {
		return nil
	}
	if !id.Valid(reference) {
		return problem.New(422, "invalid-id", "reference %.64q: want 1 to 64 characters a-z, 0-9",
			reference)
	}
	first, err := p.redis.SetNX(ctx, p.prefix+reference, 1, time.Hour).Result()
	if err != nil {
		return problem.New(503, "unavailable", "discounts cannot be reached, try again").Because(err)
	}
	if first {
		return problem.New(503, "partner-unavailable",
			"the partner who gives %s does not answer, try again", partnerCode)
	}
	return nil
}
