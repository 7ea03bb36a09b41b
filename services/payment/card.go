package payment

import (
	"errors"
	"fmt"
)

// Errors of the card processor.
var (
	errUnknownToken  = errors.New("card token is not known")
	errProcessorDown = errors.New("card processor cannot be reached")
)

// limit is the highest amount that the processor accepts on one card, in minor units.
const limit = 20_000_00

// charge asks the card processor: a reason for a decline, or none when the card is good. The
// processor is one for tests, as every shop has it in its staging: the token decides.
//
//	tok_visa, tok_mastercard   good, up to a limit of 20,000.00
//	tok_declined               declined, insufficient_funds
//	tok_expired                declined, expired_card
//	tok_stolen                 declined, stolen_card
//	tok_processor_down         the processor cannot be reached
func charge(token string, amount int64) (declined string, err error) {
	switch token {
	case "tok_visa", "tok_mastercard":
		if amount > limit {
			return "over_limit", nil
		}
		return "", nil
	case "tok_declined":
		return "insufficient_funds", nil
	case "tok_expired":
		return "expired_card", nil
	case "tok_stolen":
		return "stolen_card", nil
	case "tok_processor_down":
		return "", errProcessorDown
	default:
		return "", fmt.Errorf("%w: want one of tok_visa, tok_mastercard, tok_declined, "+
			"tok_expired, tok_stolen, tok_processor_down", errUnknownToken)
	}
}
