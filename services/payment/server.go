package payment

import (
	"context"
	"errors"
	"log/slog"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/rpcspan"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/wire"
	"example.com/throughline/patterns/spanerror"
	"example.com/throughline/services/payment/paymentv1"
)

// api serves the gRPC contract of payment.proto.
type api struct {
	paymentv1.UnimplementedPaymentServiceServer
	accounts *accounts
	tracer   trace.Tracer
}

// Authorise decides on a card. A decline is an answer, not an error.
func (a *api) Authorise(
	ctx context.Context, req *paymentv1.AuthoriseRequest,
) (*paymentv1.AuthoriseResponse, error) {
	if err := identify(ctx, req.GetOrderId()); err != nil {
		return nil, err
	}
	if req.GetAmount() <= 0 || len(req.GetCurrency()) != 3 {
		return nil, status.Errorf(grpccodes.InvalidArgument,
			"amount %d %.8q: want a positive amount and an ISO 4217 currency",
			req.GetAmount(), req.GetCurrency())
	}
	acc, err := a.decide(ctx, req)
	if err != nil {
		return nil, toStatus(err)
	}
	if acc.State == stateDeclined {
		return &paymentv1.AuthoriseResponse{
			Decision:      paymentv1.Decision_DECISION_DECLINED,
			DeclineReason: acc.DeclineReason,
		}, nil
	}
	return &paymentv1.AuthoriseResponse{Decision: paymentv1.Decision_DECISION_AUTHORISED}, nil
}

// decide asks the card processor and records its decision. The span is there for its meaning:
// a decline does not make it an error, a processor that cannot be reached does.
func (a *api) decide(
	ctx context.Context, req *paymentv1.AuthoriseRequest,
) (acc account, err error) {
	ctx, span := a.tracer.Start(ctx, "authorise payment")
	defer spanerror.End(span, &err, ours) // logCalls logs it, at the end of the call
	reason, err := charge(req.GetCardToken(), req.GetAmount())
	if err != nil {
		return account{}, err
	}
	decided := account{
		OrderID: req.GetOrderId(), Amount: req.GetAmount(), Currency: req.GetCurrency(),
		State: stateAuthorised, DeclineReason: reason, CardToken: req.GetCardToken(),
	}
	if reason != "" {
		decided.State, decided.CardToken = stateDeclined, "" // nobody needs it any more
	}
	if acc, err = a.accounts.authorise(ctx, decided); err != nil {
		return account{}, err
	}
	span.SetAttributes(shop.PaymentOutcome.String(acc.State))
	if acc.DeclineReason != "" {
		span.SetAttributes(shop.DeclineReason.String(acc.DeclineReason))
	}
	return acc, nil
}

// ours is the error.type of what is the shop's error. A card token that nobody knows is the
// caller's: like a 4xx it leaves the span unset.
func ours(err error) string {
	if errors.Is(err, errUnknownToken) || errors.Is(err, errState) {
		return ""
	}
	return spanerror.Type(err)
}

// Capture promises the authorised amount to the shop.
func (a *api) Capture(
	ctx context.Context, req *paymentv1.CaptureRequest,
) (*paymentv1.CaptureResponse, error) {
	if err := identify(ctx, req.GetOrderId()); err != nil {
		return nil, err
	}
	acc, err := a.accounts.capture(ctx, req.GetOrderId())
	if err != nil {
		return nil, toStatus(err)
	}
	return &paymentv1.CaptureResponse{Payment: toProto(acc)}, nil
}

// GetPayment returns the payment of an order.
func (a *api) GetPayment(
	ctx context.Context, req *paymentv1.GetPaymentRequest,
) (*paymentv1.GetPaymentResponse, error) {
	if err := identify(ctx, req.GetOrderId()); err != nil {
		return nil, err
	}
	acc, err := a.accounts.get(ctx, req.GetOrderId())
	if err != nil {
		return nil, toStatus(err)
	}
	return &paymentv1.GetPaymentResponse{Payment: toProto(acc)}, nil
}

// identify puts the business ids on the SERVER span: what is left when propagation breaks.
func identify(ctx context.Context, orderID string) error {
	if !id.Valid(orderID) {
		return status.Errorf(grpccodes.InvalidArgument,
			"order_id %.64q: want 1 to 64 characters a-z, 0-9", orderID)
	}
	trace.SpanFromContext(ctx).SetAttributes(
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID))
	return nil
}

func toProto(acc account) *paymentv1.Payment {
	return &paymentv1.Payment{
		OrderId: acc.OrderID, Amount: acc.Amount, Currency: acc.Currency, State: acc.State,
	}
}

func toStatus(err error) error {
	switch {
	case errors.Is(err, errUnknownToken):
		return status.Error(grpccodes.InvalidArgument, err.Error())
	case errors.Is(err, document.ErrNotFound):
		return status.Error(grpccodes.NotFound, "no payment for this order")
	case errors.Is(err, errState):
		return status.Error(grpccodes.FailedPrecondition, err.Error())
	case errors.Is(err, errProcessorDown):
		return status.Error(grpccodes.Unavailable, err.Error())
	default:
		return status.Error(grpccodes.Unavailable, "payment state: "+err.Error())
	}
}

// logCalls logs what each call's metadata carried, and each error once. What an error repeats of the
// call is sent back without secrets.
func logCalls(tel *telemetry.Telemetry) grpc.UnaryServerInterceptor {
	logger := tel.Logger
	return func(
		ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
	) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		wire.LogMetadata(ctx, logger, wire.Received, info.FullMethod, md)
		resp, err := handle(ctx, req)
		if code := status.Code(err); code != grpccodes.OK {
			err = status.Error(code, tel.Redact(status.Convert(err).Message()))
			level := slog.LevelWarn
			if code == grpccodes.Unavailable || code == grpccodes.Internal {
				level = slog.LevelError
			}
			logger.LogAttrs(ctx, level, "call failed",
				wire.Method(info.FullMethod),
				slog.String(string(semconv.ErrorTypeKey), rpcspan.Name(code)), slog.Any("error", err))
		}
		return resp, err
	}
}
