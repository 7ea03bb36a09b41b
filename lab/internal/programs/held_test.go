package programs

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"example.com/throughline/patterns/responsecontext"
	"example.com/throughline/services/payment/paymentv1"
)

// held is a request that a service has begun to serve and cannot finish, until finish sends the
// rest of it. finish returns the trace of the answer.
type held struct {
	parent trace.SpanContext
	finish func(t *testing.T) (traceID string)
}

func (f *fleet) hold(t *testing.T, service string) held {
	t.Helper()
	switch service {
	case "gateway":
		return holdHTTP(t, f.addrs["gateway/http"], "/checkouts",
			`{"customer":"c-1","continuation":"linked"}`)
	case "order":
		return holdHTTP(t, f.addrs["order/http"], "/orders", `{"customer":"c-1"}`)
	case "pricing":
		return holdHTTP(t, f.addrs["pricing/http"], "/quotes", `{}`)
	default:
		return holdGRPC(t, f.addrs["payment/grpc"])
	}
}

// holdHTTP sends the head of a request. Its handler is at work when it asks for the body, which
// "100 Continue" tells (RFC 9110, section 10.1.1).
func holdHTTP(t *testing.T, addr, path, body string) held {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	parent := newContext()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\ntraceparent: %s\r\n\r\n",
		path, addr, len(body), traceparent(parent))
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	line, err := answers.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%s%s: %q, %v, want 100 Continue", addr, path, line, err)
	}
	_, _ = answers.ReadString('\n') // the empty line
	return held{parent, func(t *testing.T) string {
		t.Helper()
		_, err := io.WriteString(conn, body)
		if err != nil {
			t.Fatalf("the rest of a request in flight: %v", err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("%s%s: a request in flight was not answered: %v", addr, path, err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode >= 500 {
			t.Errorf("%s%s: %s, %v, want an answer", addr, path, resp.Status, err)
		}
		if sc, ok := responsecontext.Parse(resp.Header); ok {
			return sc.TraceID().String()
		}
		return parent.TraceID().String()
	}}
}

// holdGRPC opens a call and does not send its message. That the server has begun it is known from
// an answer to what was sent later on the same connection.
func holdGRPC(t *testing.T, addr string) held {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	parent := newContext()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	call, err := conn.NewStream(
		metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent(parent)),
		&grpc.StreamDesc{ClientStreams: true},
		paymentv1.PaymentService_GetPayment_FullMethodName, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := healthv1.NewHealthClient(conn).
		Check(ctx, &healthv1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	return held{parent, func(t *testing.T) string {
		t.Helper()
		if err := call.SendMsg(&paymentv1.GetPaymentRequest{OrderId: "unknown"}); err != nil {
			t.Fatalf("the rest of a call in flight: %v", err)
		}
		_ = call.CloseSend()
		err := call.RecvMsg(&paymentv1.GetPaymentResponse{})
		if err == nil || !strings.Contains(err.Error(), "NotFound") {
			t.Errorf("%s: got %v, want the answer NotFound", addr, err)
		}
		return parent.TraceID().String()
	}}
}

// newContext is a sampled span context that nobody else has.
func newContext() trace.SpanContext {
	var traceID trace.TraceID
	var spanID trace.SpanID
	_, _ = rand.Read(traceID[:])
	_, _ = rand.Read(spanID[:])
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled,
	})
}

func traceparent(sc trace.SpanContext) string {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	return "00-" + hex.EncodeToString(traceID[:]) + "-" + hex.EncodeToString(spanID[:]) + "-01"
}
