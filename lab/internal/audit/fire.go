package audit

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/throughline/internal/scenario"
)

// workers is how many endpoints are fired at at the same time.
const workers = 4

// callTimeout bounds one request: a quiesce may take a while.
const callTimeout = 20 * time.Second

// Fire sends to every endpoint of a fleet what it accepts, with canaries around it, and then what
// it does not accept, with canaries in it. It fails when an endpoint does not do what it should:
// what was not reached was not audited.
func (a *Audit) Fire(ctx context.Context, fleet scenario.Fleet) error {
	a.fleet = fleet
	client := &http.Client{
		Timeout:       callTimeout,
		Transport:     &http.Transport{MaxIdleConnsPerHost: workers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	s := &sender{audit: a, client: client, fleet: fleet}
	var first, last []endpoint // the admin listener acts on the whole of a service
	for _, e := range endpoints(sorted(fleet.Admin)) {
		if !a.chosen(e.String()) {
			continue
		}
		if strings.HasSuffix(e.at, " admin") {
			last = append(last, e)
		} else {
			first = append(first, e)
		}
	}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, e := range first {
		group.Go(func() error { return s.endpoint(running, e) })
	}
	group.Go(func() error { return s.grpc(running) })
	group.Go(func() error { return s.raw(running) })
	if err := group.Wait(); err != nil {
		return err
	}
	for _, e := range last {
		if err := s.endpoint(ctx, e); err != nil {
			return err
		}
	}
	return s.webhooks(ctx)
}

// FireInOutage sends what every endpoint would accept to a fleet that has no Redis: what services say
// when they fail is what people copy into tickets.
func (a *Audit) FireInOutage(ctx context.Context, fleet scenario.Fleet) error {
	client := &http.Client{Timeout: callTimeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	s := &sender{audit: a, client: client, fleet: fleet}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(4 * workers) // it is waiting, mostly
	for _, e := range endpoints(nil) {
		if !a.chosen(e.String()) {
			continue
		}
		group.Go(func() error {
			id := strings.ToLower(rand.Text())
			target := aim{endpoint: e, base: s.base(e.at), id: id, flock: a.flock, hook: s.hook}
			_, err := s.send(running, target.accepted())
			return err
		})
	}
	return group.Wait()
}

// sender sends to a fleet.
type sender struct {
	audit  *Audit
	client *http.Client
	fleet  scenario.Fleet
}

// base is the URL of a listener.
func (s *sender) base(at string) string {
	if service, ok := strings.CutSuffix(at, " admin"); ok {
		return s.fleet.Admin[service]
	}
	return s.fleet.Targets[at]
}

// endpoint fires at one endpoint: first what must be refused, which changes nothing, and then what
// is accepted.
func (s *sender) endpoint(ctx context.Context, e endpoint) error {
	base := s.base(e.at)
	if base == "" {
		return fmt.Errorf("audit: %s: the lab has no such listener", e)
	}
	s.audit.count(&s.audit.searched.Endpoints, 1)
	id, err := s.prepare(ctx, e.state)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", e, err)
	}
	target := aim{endpoint: e, base: base, id: id, flock: s.audit.flock, hook: s.hook}
	// Some endpoints pass over a body that they do not need: one success is enough.
	reached, last := false, 0
	for _, shot := range append(target.refused(), target.accepted()) {
		status, err := s.send(ctx, shot)
		if err != nil {
			return fmt.Errorf("audit: %s, %s: %w", e, shot.what, err)
		}
		reached, last = reached || status == e.status, status
	}
	if !reached {
		return fmt.Errorf("audit: %s: status %d, want %d: %w", e, last, e.status, errNotReached)
	}
	return nil
}

var errNotReached = errors.New("what was not reached is not audited")

// shot is one request.
type shot struct {
	endpoint, what string
	method, url    string
	host           string
	header         http.Header
	body           string
	trailer        http.Header
}

// send sends a request and searches the answer.
func (s *sender) send(ctx context.Context, shot shot) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, shot.method, shot.url, strings.NewReader(shot.body))
	if err != nil {
		return 0, err
	}
	request.Header = shot.header
	request.Host = shot.host
	if shot.trailer != nil {
		request.Trailer, request.ContentLength = shot.trailer, -1 // which makes it chunked
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := readAll(response)
	s.audit.answer(shot.endpoint, response, text)
	return response.StatusCode, err
}

// answer searches what a caller is told.
func (a *Audit) answer(endpoint string, response *http.Response, text string) {
	a.count(&a.searched.Requests, 1)
	a.count(&a.searched.Answers, 1)
	at := fmt.Sprintf("%s, status %d", endpoint, response.StatusCode)
	for _, name := range sorted(response.Header) {
		for _, value := range response.Header[name] {
			a.look(Item{Surface: "answer", Where: at, Field: "header " + name, Text: value})
		}
	}
	surface := "answer"
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		a.count(&a.searched.Events, strings.Count(text, "data:"))
		surface = "event"
	}
	walkText("body", text, func(path, text string) {
		field := "body " + strings.TrimPrefix(strings.TrimPrefix(path, "body"), ".")
		a.look(Item{Surface: surface, Where: at, Field: strings.TrimSpace(field), Text: text})
	})
}

// hooks are the checkouts whose customer's server is called.
type hooks struct {
	mu  sync.Mutex
	ids []string
}

// hook is the URL of a customer's server, with a token that is only for it to see.
func (s *sender) hook(planted string) string {
	token := s.audit.flock.plant(opaque(), planted+", callback URL")
	return s.fleet.Targets["customer"] + "/hook?token=" + url.QueryEscape(token.Value)
}

// webhooks searches what customers' servers have received.
func (s *sender) webhooks(ctx context.Context) error {
	s.audit.hooks.mu.Lock()
	defer s.audit.hooks.mu.Unlock()
	for _, id := range s.audit.hooks.ids {
		var got struct {
			Target string      `json:"target"`
			Header http.Header `json:"header"`
			Body   string      `json:"body"`
		}
		if err := s.get(ctx, s.fleet.Targets["customer"]+"/received/"+id, &got); err != nil {
			return fmt.Errorf("audit: webhook of %s: %w", id, err)
		}
		s.audit.count(&s.audit.searched.Webhooks, 1)
		add := func(field, text string) {
			s.audit.look(Item{Surface: "webhook", Service: "order", Field: field, Text: text})
		}
		add("target", got.Target)
		for _, name := range sorted(got.Header) {
			add("header "+name, strings.Join(got.Header[name], ", "))
		}
		walkText("body", got.Body, add)
	}
	return nil
}

func (s *sender) get(ctx context.Context, target string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := readAll(response)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", response.Status, errors.Join(err, errNotReached))
	}
	return json.Unmarshal([]byte(text), into)
}
