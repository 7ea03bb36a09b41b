package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

func readAll(response *http.Response) (string, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return string(text), err
}

// step is a turn of a checkout, and the state that it leads to.
type step struct{ state, method, path, body string }

func steps(items string) []step {
	return []step{
		{"created", "", "", ""},
		{"filled", "PUT", "/items", `{"items":[` + items + `]}`},
		{"addressed", "PUT", "/shipping", `{"country":"DE","method":"standard"}`},
		{"quoted", "POST", "/quote", `{}`},
		{"authorised", "POST", "/payment", `{"card_token":"tok_visa"}`},
		{"confirmed", "POST", "/confirm", `{}`},
	}
}

// prepare brings a checkout, or a negotiation, into a state, without canaries but for that of the
// callback URL. It returns its id.
func (s *sender) prepare(ctx context.Context, state string) (id string, err error) {
	gateway := s.fleet.Targets["gateway"]
	items := `{"sku":"mug","qty":1}`
	switch state {
	case "":
		return "", nil
	case negotiation:
		return s.do(ctx, "POST", gateway+"/negotiations", `{"sku":"mug","qty":1,"offer":1}`)
	case "in review":
		items, state = `{"sku":"desk","qty":2}`, "confirmed" // too much for nobody to look at
	}
	id, err = s.again(ctx, "POST", gateway+"/checkouts", fmt.Sprintf(
		`{"customer":"c-1","continuation":"persisted","callback_url":%q}`, s.hook("a checkout")))
	for _, step := range steps(items) {
		if err != nil {
			return "", err
		}
		if step.path != "" {
			_, err = s.again(ctx, step.method, gateway+"/checkouts/"+id+step.path, step.body)
		}
		if step.state == state {
			break
		}
	}
	if err != nil || state != "confirmed" || strings.Contains(items, "desk") {
		return id, err
	}
	// The receipt and the webhook follow in the background.
	_, err = s.do(ctx, "POST", s.fleet.Admin["order"]+"/quiesce", "")
	s.called(id)
	return id, err
}

// called notes that the customer's server has been called.
func (s *sender) called(id string) {
	s.audit.hooks.mu.Lock()
	defer s.audit.hooks.mu.Unlock()
	s.audit.hooks.ids = append(s.audit.hooks.ids, id)
}

// again is do, three times at most: on a machine that is busy with something else, Redis may be late.
func (s *sender) again(ctx context.Context, method, target, body string) (id string, err error) {
	for range 3 {
		if id, err = s.do(ctx, method, target, body); !errors.Is(err, errUnavailable) {
			break
		}
	}
	return id, err
}

var errUnavailable = errors.New("unavailable")

// do sends a request that has to be accepted, and returns the id in the answer.
func (s *sender) do(ctx context.Context, method, target, body string) (id string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := readAll(response)
	if response.StatusCode == http.StatusServiceUnavailable {
		err = errUnavailable
	}
	if err != nil || response.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %s: %.300s, %w", method, target, response.Status, text,
			cmp.Or(err, errNotReached))
	}
	s.audit.count(&s.audit.searched.Requests, 1)
	var answer struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal([]byte(text), &answer) // what has no id, has none
	return answer.ID, nil
}
