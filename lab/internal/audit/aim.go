package audit

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"strings"
)

// aim makes the requests for one endpoint.
type aim struct {
	endpoint
	base, id string
	flock    *flock
	hook     func(planted string) string
}

// plant makes a canary for a place in a request to this endpoint.
func (a aim) plant(k kind, place string) string {
	return a.flock.plant(k, a.String()+", "+place).Value
}

// path is the path of the route with its parameters.
func (a aim) path(id, name string) string {
	_, path, _ := strings.Cut(a.route, " ")
	if id == "" {
		id = "1-0" // a dead letter's
	}
	if name == "" {
		name = "none"
	}
	return strings.NewReplacer("{id}", id, "{name}", name).Replace(path)
}

// shot is a request with canaries in headers and query, and a body as it should be.
func (a aim) shot(what string, turn int) shot {
	s := shot{endpoint: a.String(), what: what, method: a.method(), header: a.headers(turn),
		url: a.base + a.path(a.id, a.name) + "?" + a.parameters(turn), body: a.goodBody()}
	if turn%3 == 1 {
		s.host = a.plant(kinds()[3], "header Host") // digits: what is no host is refused at once
	}
	return s
}

// accepted is what the endpoint is for. It comes last: what is done once cannot be done again.
func (a aim) accepted() shot {
	s := a.shot("accepted", 0)
	s.header.Del("Last-Event-ID")
	s.header.Del("Origin") // admin listeners refuse what a page sends
	if strings.HasSuffix(a.route, "/confirm") {
		s.header.Set("Idempotency-Key", a.plant(kinds()[3], "header Idempotency-Key"))
	}
	return s
}

// goodBody is the body that is accepted.
func (a aim) goodBody() string {
	fill := func(text, word string, value func() string) string {
		for strings.Contains(text, word) {
			text = strings.Replace(text, word, value(), 1)
		}
		return text
	}
	body := fill(a.body, "{new}", func() string { return strings.ToLower(rand.Text()) })
	body = fill(body, "{customer}", func() string { return a.plant(kinds()[0], "field customer") })
	body = fill(body, "{token}", func() string { return a.plant(token(), "card token") })
	body = fill(body, "{hook}", func() string { return a.hook(a.String()) })
	return fill(body, "{traceparent}", func() string { return traceparent() })
}

// refused is what the endpoint has to refuse, or to pass over: secrets of every form in every field,
// and of some forms in every other place.
func (a aim) refused() []shot {
	var all []shot
	add := func(what string, change func(*shot)) {
		s := a.shot(what, len(all)+1)
		change(&s)
		all = append(all, s)
	}
	if a.body != "" {
		for _, k := range kinds() {
			for _, field := range fields(a.body) {
				add("field", func(s *shot) { s.body = with(a.goodBody(), field, a.plant(k, "field "+field)) })
			}
		}
	}
	for _, k := range some() {
		value := a.plant(k, "body")
		quoted, _ := json.Marshal(value)
		for _, body := range []string{
			string(quoted), value, `{"` + a.plant(k, "name of a field") + `":1}`,
			`{"password":"` + a.plant(opaque(), "field password") + `","token":7}`,
			`[` + string(quoted) + `]`, `{"a":` + string(quoted),
		} {
			add("body", func(s *shot) { s.body = body })
		}
		add("content type", func(s *shot) { s.header.Set("Content-Type", "text/"+a.plant(k, "content type")) })
		segment := url.PathEscape(a.plant(k, "path"))
		add("id", func(s *shot) { s.url = a.base + a.path(segment, segment) + "?" + a.parameters(0) })
		add("below", func(s *shot) {
			s.url = a.base + a.path(a.id, a.name) + "/" + segment
		})
		add("nowhere", func(s *shot) { s.url = a.base + "/" + segment })
	}
	for _, odd := range a.odd() {
		add(odd.what, odd.change)
	}
	for _, k := range []kind{kinds()[2], kinds()[3], kinds()[10]} { // what a method may be
		add("method", func(s *shot) { s.method = a.plant(k, "method") })
	}
	return all
}

// some are kinds that differ most from each other.
func some() []kind {
	k := kinds()
	return []kind{k[0], k[1], k[7], k[9], k[15]}
}

// fields are the paths of the leaves of a JSON object.
func fields(body string) []string {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return nil
	}
	var paths []string
	walk("", v, func(path, _ string) {
		if !strings.Contains(path, "(name)") {
			paths = append(paths, path)
		}
	})
	return paths
}

// with returns a JSON object in which the leaf at path is a text.
func with(body, path, text string) string {
	var v any
	_ = json.Unmarshal([]byte(body), &v) // our own text
	at := v
	steps := strings.Split(path, ".")
	for i, step := range steps {
		switch node := at.(type) {
		case []any:
			at = node[0]
			if i == len(steps)-1 {
				node[0] = text
			}
		case map[string]any:
			at = node[step]
			if i == len(steps)-1 {
				node[step] = text
			}
		}
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// parameters is a query with secrets, and what the route itself takes.
func (a aim) parameters(turn int) string {
	q := url.Values{}
	for _, name := range []string{"token", "api_key", "password", "q"} {
		q.Set(name, a.plant(opaque(), "query "+name))
	}
	k := kinds()[turn%len(kinds())]
	q.Set("email", a.plant(k, "query email"))
	q.Add(a.plant(k, "name of a query parameter"), "1")
	if turn > 0 {
		q.Set("page", a.plant(k, "query page"))
		for _, name := range []string{"until", "limit", "order_id", "idle"} {
			q.Set(name, a.plant(k, "query "+name))
		}
	}
	return strings.TrimPrefix(a.query+"&", "&") + q.Encode()
}
