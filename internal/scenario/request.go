package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// turnTimeout bounds one request from its first byte to the last of the answer.
const turnTimeout = 5 * time.Second

// turn sends a request once and looks at the answer. Errors are failures with file:line.
func (r *run) turn(ctx context.Context, s *step) error {
	r.res.Turns++
	a, err := r.send(ctx, s)
	if err != nil {
		return r.failure(s.num, "%s %s %s: %v", s.method, s.target, fill(s.path, r.vars), err)
	}
	if a.traceparent != "" {
		id := strings.Split(a.traceparent, "-")[1]
		r.seeds = append(r.seeds, id)
	}
	var errs []error
	for _, act := range s.acts {
		if err := r.look(act, a); err != nil {
			errs = append(errs, r.failure(act.num, "%v (%s %s %s answered %d: %s)", err, s.method,
				s.target, fill(s.path, r.vars), a.status, excerpt(a.body)))
		}
	}
	return errors.Join(errs...)
}

func (r *run) failure(line int, format string, args ...any) error {
	return &Error{File: r.sc.File, Line: line, Msg: fmt.Sprintf(format, args...)}
}

func (r *run) send(ctx context.Context, s *step) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	base, _ := r.fleet.Target(s.target) // known, see targets
	url := strings.TrimSuffix(base, "/") + fill(s.path, r.vars)
	req, err := http.NewRequestWithContext(ctx, s.method, url, s.body.reader(r.vars))
	if err != nil {
		return nil, err
	}
	r.setHeader(req, s)
	res, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := readAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &answer{
		status: res.StatusCode, header: res.Header, body: data,
		traceparent: servedBy(res.Header),
	}, nil
}

// setHeader sends names as often as they are written, so that a scenario can repeat a header that
// must not be repeated.
func (r *run) setHeader(req *http.Request, s *step) {
	for _, h := range s.header {
		value := fill(h.value, r.vars)
		switch {
		case strings.EqualFold(h.name, "Host"):
			req.Host = value
		case value == "" && strings.EqualFold(h.name, "Content-Type"):
			req.Header["Content-Type"] = nil
		default:
			req.Header.Add(h.name, value)
		}
	}
	if _, ok := req.Header["Content-Type"]; !ok && s.body.json {
		req.Header.Set("Content-Type", "application/json")
	}
}

func (b body) reader(vars map[string]string) io.Reader {
	if !b.set {
		return http.NoBody
	}
	text := fill(b.text, vars)
	if b.times == 1 {
		return strings.NewReader(text)
	}
	return strings.NewReader(strings.Repeat(text, b.times))
}

// look executes one directive.
func (r *run) look(act act, a *answer) error {
	if act.kind == actStatus {
		act.source = source{text: "status", kind: fromStatus}
	}
	got, ok, err := a.value(act.source)
	if err != nil {
		return fmt.Errorf("%s: %w", act.source.text, err)
	}
	want := fill(act.value, r.vars)
	switch act.kind {
	case actLet:
		if !ok {
			return fmt.Errorf("let %s: the answer has no %s", act.name, act.source.text)
		}
		r.vars[act.name] = got
	case actPresent:
		if !ok {
			return fmt.Errorf("%s: got nothing, want any value", act.source.text)
		}
	case actAbsent:
		if ok {
			return fmt.Errorf("%s: got %q, want nothing", act.source.text, shorten(got))
		}
	case actDiffers:
		if ok && got == want {
			return fmt.Errorf("%s: got %q, want another value", act.source.text, shorten(got))
		}
	default:
		if !ok {
			return fmt.Errorf("%s: got nothing, want %q", act.source.text, shorten(want))
		}
		if got != want {
			return fmt.Errorf("%s: got %q, want %q",
				act.source.text, shorten(got), shorten(want))
		}
	}
	return nil
}
