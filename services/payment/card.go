package payment

import (
	"fmt"
	"strings"
)

// kind is an error that names itself for error.type, as semconv.ErrorType asks.
type kind struct{ name, text string }

func (k kind) Error() string { return k.text }

// ErrorType is of low cardinality and says nothing about a customer.
func (k kind) ErrorType() string { return k.name }

// Errors of the card processor.
var (
	errUnknownToken  error = kind{"unknown_card_token", "card token is not known"}
	errProcessorDown error = kind{"card_processor_unavailable", "card processor cannot be reached"}
	errNotSettled    error = kind{"settlement_failed", "the acquirer did not settle"}
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
//	tok_settle_retry           good, but its first settlement fails
//	tok_settle_late            good, but its first three settlements fail
//	tok_settle_later           good, but its first four settlements fail
//
// What follows a dot tells two cards of a kind apart: tok_visa.4f2a.
func charge(token string, amount int64) (declined string, err error) {
	switch cardKind(token) {
	case "tok_visa", "tok_mastercard", "tok_settle_retry", "tok_settle_late", "tok_settle_later":
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
			"tok_expired, tok_stolen, tok_processor_down, tok_settle_retry, tok_settle_late, "+
			"tok_settle_later",
			errUnknownToken)
	}
}

// acquire moves the money of a captured payment: the attempt is counted from 1.
func acquire(token string, attempt int) error {
	fails := map[string]int{"tok_settle_retry": 1, "tok_settle_late": 3, "tok_settle_later": 4}
	if attempt <= fails[cardKind(token)] {
		return fmt.Errorf("attempt %d: %w", attempt, errNotSettled)
	}
	return nil
}

// wantsAdvice reports whether the network of a card wants to be told of each settlement.
func wantsAdvice(token string) bool { return cardKind(token) == "tok_mastercard" }

func cardKind(token string) string {
	kind, _, _ := strings.Cut(token, ".")
	return kind
}
