package order

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"example.com/throughline/internal/problem"
	"example.com/throughline/services/payment/paymentv1"
)

// payments asks the payment service.
type payments struct {
	client paymentv1.PaymentServiceClient
}

// callTimeout bounds each call: longer than payment takes, shorter than a caller waits.
const callTimeout = 2 * time.Second

// authorise returns the reason why the card was declined, or "" when it is good.
func (p payments) authorise(ctx context.Context, o Order, token string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := p.client.Authorise(ctx, &paymentv1.AuthoriseRequest{
		OrderId: o.ID, Amount: o.Quote.Total, Currency: o.Quote.Currency, CardToken: token,
	})
	switch {
	case err != nil:
		return "", fromStatus(err)
	case resp.GetDecision() == paymentv1.Decision_DECISION_DECLINED:
		return resp.GetDeclineReason(), nil
	case resp.GetDecision() == paymentv1.Decision_DECISION_AUTHORISED:
		return "", nil
	default:
		return "", problem.New(502, "bad-answer", "payment: unknown decision %d",
			resp.GetDecision())
	}
}

// capture promises the authorised amount to the shop and returns the state of the payment.
func (p payments) capture(ctx context.Context, orderID string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := p.client.Capture(ctx, &paymentv1.CaptureRequest{OrderId: orderID})
	if err != nil {
		return "", fromStatus(err)
	}
	return resp.GetPayment().GetState(), nil
}

// state returns the state of the payment: authorised, captured or settled.
func (p payments) state(ctx context.Context, orderID string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := p.client.GetPayment(ctx, &paymentv1.GetPaymentRequest{OrderId: orderID})
	if err != nil {
		return "", fromStatus(err)
	}
	return resp.GetPayment().GetState(), nil
}

// fromStatus maps the gRPC codes of payment.proto to problems. Only what the customer can mend
// keeps its message.
func fromStatus(err error) error {
	st := status.Convert(err)
	switch st.Code() {
	case codes.InvalidArgument:
		return problem.New(422, "invalid-payment", "payment: %s", st.Message()).Because(err)
	case codes.FailedPrecondition:
		return problem.New(409, "wrong-state", "payment: %s", st.Message()).Because(err)
	case codes.NotFound:
		return problem.New(404, "unknown-payment", "payment: %s", st.Message()).Because(err)
	case codes.Unavailable, codes.DeadlineExceeded:
		return problem.New(503, "unavailable", "payment cannot be reached, try again").Because(err)
	default:
		return problem.New(502, "bad-answer", "payment: %s", st.Code()).Because(err)
	}
}
