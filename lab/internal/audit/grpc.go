package audit

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/throughline/services/payment/paymentv1"
)

// call is one method of payment's contract: a request that is accepted, and one with a text in
// every field.
type call struct {
	good func(id, cardToken string) any
	bad  func(text string) any
	into func() any
}

// calls are all methods of the contract, by name. A method that is not here is an error.
func calls() map[string]call {
	return map[string]call{
		"Authorise": {
			good: func(id, cardToken string) any {
				return &paymentv1.AuthoriseRequest{OrderId: id, Amount: 100, Currency: "EUR", CardToken: cardToken}
			},
			bad: func(text string) any {
				return &paymentv1.AuthoriseRequest{OrderId: text, Amount: 100, Currency: text, CardToken: text}
			},
			into: func() any { return &paymentv1.AuthoriseResponse{} },
		},
		"Capture": {
			good: func(id, _ string) any { return &paymentv1.CaptureRequest{OrderId: id} },
			bad:  func(text string) any { return &paymentv1.CaptureRequest{OrderId: text} },
			into: func() any { return &paymentv1.CaptureResponse{} },
		},
		"GetPayment": {
			good: func(id, _ string) any { return &paymentv1.GetPaymentRequest{OrderId: id} },
			bad:  func(text string) any { return &paymentv1.GetPaymentRequest{OrderId: text} },
			into: func() any { return &paymentv1.GetPaymentResponse{} },
		},
	}
}

// grpc fires at payment's gRPC listener.
func (s *sender) grpc(ctx context.Context) error {
	addr := strings.TrimPrefix(s.base("payment"), "grpc://")
	conn, err := grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("audit: payment: %w", err)
	}
	defer func() { _ = conn.Close() }()
	id := "audit" + letters(20)
	for _, method := range paymentv1.PaymentService_ServiceDesc.Methods {
		if !s.audit.chosen("payment gRPC " + method.MethodName) {
			continue
		}
		c, ok := calls()[method.MethodName]
		if !ok {
			return fmt.Errorf("audit: payment %s: there is no case for this method", method.MethodName)
		}
		if err := s.method(ctx, conn, method.MethodName, c, id); err != nil {
			return fmt.Errorf("audit: payment %s: %w", method.MethodName, err)
		}
	}
	return nil
}

func (s *sender) method(
	ctx context.Context, conn *grpc.ClientConn, name string, c call, id string,
) error {
	s.audit.count(&s.audit.searched.Endpoints, 1)
	full := "/" + paymentv1.PaymentService_ServiceDesc.ServiceName + "/"
	a := aim{endpoint: endpoint{at: "payment", route: "gRPC " + name}, flock: s.audit.flock}
	for i, k := range kinds() {
		_ = s.invoke(a.outgoing(ctx, i), conn, a, full+name, c.bad(a.plant(k, "message")), c.into())
		unknown := strings.ReplaceAll(a.plant(k, "name of a method"), " ", "")
		_ = s.invoke(a.outgoing(ctx, i), conn, a, full+unknown, c.bad(""), c.into())
		// All but one field is right, so that the one is looked at.
		_ = s.invoke(a.outgoing(ctx, i), conn, a, full+name,
			c.good(a.plant(k, "order_id"), "tok_visa"), c.into())
		_ = s.invoke(a.outgoing(ctx, i), conn, a, full+name,
			c.good("x"+letters(10), a.plant(k, "card_token")), c.into())
	}
	err := s.invoke(a.outgoing(ctx, 0), conn, a, full+name,
		c.good(id, a.plant(token(), "card token")), c.into())
	if err != nil {
		return fmt.Errorf("%w: %w", err, errNotReached)
	}
	return nil
}

// outgoing has the headers of HTTP as metadata, as far as gRPC lets a caller set them.
func (a aim) outgoing(ctx context.Context, turn int) context.Context {
	md := metadata.MD{}
	for name, values := range a.headers(turn) {
		switch name := strings.ToLower(name); name {
		case "content-type", "user-agent", "accept", "te", "connection":
		default:
			md[name] = values
		}
	}
	k := kinds()[turn%len(kinds())]
	md["audit-bin"] = []string{a.plant(k, "binary metadata")}
	md["x-"+strings.ToLower(a.plant(kinds()[3], "name of metadata"))] = []string{"1"}
	return metadata.NewOutgoingContext(ctx, md)
}

// invoke calls a method and searches what comes back.
func (s *sender) invoke(
	ctx context.Context, conn *grpc.ClientConn, a aim, method string, in, out any,
) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var header, trailer metadata.MD
	err := conn.Invoke(ctx, method, in, out, grpc.Header(&header), grpc.Trailer(&trailer))
	s.audit.count(&s.audit.searched.Requests, 1)
	s.audit.count(&s.audit.searched.Answers, 1)
	at := fmt.Sprintf("%s, code %s", a, status.Code(err))
	add := func(field, text string) {
		s.audit.look(Item{Surface: "answer", Where: at, Field: field, Text: text})
	}
	// An unknown method's name is in grpc-go's own answer to the one who sent it.
	if status.Code(err) != codes.Unimplemented {
		add("message", status.Convert(err).Message())
	}
	for _, md := range []metadata.MD{header, trailer} {
		for name, values := range md {
			add("metadata "+name, strings.Join(values, ", "))
		}
	}
	add("response", fmt.Sprint(out))
	return err
}
