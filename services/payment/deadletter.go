package payment

import (
	"context"
	"errors"
	"net/http"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/patterns/redelivery"
)

// DeadLetter is a message that could not be settled, as the admin listener shows it.
type DeadLetter struct {
	ID      string `json:"id"`
	OrderID string `json:"order_id"`
	Reason  string `json:"reason"`
	Tries   string `json:"tries"`
	// Traceparent is the context that the message was created with: the way to its trace.
	Traceparent string `json:"traceparent"`
}

// deadLetters is the part of the admin API that shows and replays what could not be settled.
//
//	GET  /dead-letters?order_id=ID    a list, oldest first, 100 at most; all orders without one
//	POST /dead-letters/{id}/replay    puts one back on its stream, under a new id
type deadLetters struct {
	redis  redis.Cmdable
	reader *redelivery.Reader
	redact func(string) string // of what an answer repeats
}

func (d deadLetters) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /dead-letters", func(w http.ResponseWriter, r *http.Request) {
		list, err := d.list(r.Context(), r.URL.Query().Get("order_id"))
		d.answer(w, r, map[string]any{"dead_letters": list}, err)
	})
	mux.HandleFunc("POST /dead-letters/{id}/replay", func(w http.ResponseWriter, r *http.Request) {
		newID, err := d.reader.Replay(r.Context(), r.PathValue("id"))
		if errors.Is(err, redelivery.ErrNotFound) {
			err = problem.New(404, "unknown-dead-letter",
				"dead letter %.40q: not known", r.PathValue("id"))
		}
		d.answer(w, r, map[string]any{"id": newID}, err)
	})
}

func (d deadLetters) list(ctx context.Context, orderID string) ([]DeadLetter, error) {
	messages, err := d.redis.XRangeN(ctx, d.reader.DeadLetter, "-", "+", 1000).Result()
	if err != nil {
		return nil, err
	}
	list := []DeadLetter{}
	for _, msg := range messages {
		field := func(name string) string {
			text, _ := msg.Values[name].(string)
			return text
		}
		if (orderID == "" || field("order_id") == orderID) && len(list) < 100 {
			list = append(list, DeadLetter{
				ID: msg.ID, OrderID: field("order_id"), Reason: field(redelivery.DeadReason),
				Tries: field(redelivery.DeadCount), Traceparent: field("traceparent"),
			})
		}
	}
	return list, nil
}

func (d deadLetters) answer(w http.ResponseWriter, r *http.Request, body any, err error) {
	if err == nil {
		err = httpserver.Respond(w, http.StatusOK, body)
	}
	if err != nil {
		problem.Write(w, r, problem.From(err).Map(d.redact))
	}
}
