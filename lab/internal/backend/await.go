package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

// Between two questions for what is not there yet: a backend cannot be asked to wait.
const firstPause, lastPause = 20 * time.Millisecond, 500 * time.Millisecond

// traces are spans by trace id.
type traces map[string][]tracetree.Span

func byTrace(spans []tracetree.Span) traces {
	t := make(traces)
	for _, s := range spans {
		t[s.TraceID] = append(t[s.TraceID], s)
	}
	return t
}

func (t traces) ids() []string { return slices.Sorted(maps.Keys(t)) }

func (t traces) flat() []tracetree.Span {
	var spans []tracetree.Span
	for _, id := range t.ids() {
		spans = append(spans, t[id]...)
	}
	return spans
}

func (t traces) count() (n int) {
	for _, spans := range t {
		n += len(spans)
	}
	return n
}

// await returns when the reader has at least as many spans of each trace as were sent. When ctx
// ends first, the error names every trace that is short and by how much.
func await(ctx context.Context, read Reader, sent traces) (traces, error) {
	held := make(traces, len(sent))
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		var last error
		for _, id := range sent.ids() {
			if len(held[id]) >= len(sent[id]) {
				continue
			}
			spans, err := read(ctx, id)
			if refused(err) {
				return held, fmt.Errorf("trace %s: %w", id, err)
			}
			if err == nil {
				held[id] = spans
			} else if ctx.Err() == nil {
				last = err
			}
		}
		short := missing(sent, held)
		if short == nil {
			return held, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return held, errors.Join(short, last)
		}
	}
}

func missing(sent, held traces) error {
	var errs []error
	for _, id := range sent.ids() {
		if have := len(held[id]); have < len(sent[id]) {
			errs = append(errs, fmt.Errorf("trace %s: %d of %d spans are there in time",
				id, have, len(sent[id])))
		}
	}
	return errors.Join(errs...)
}

// again reads the same traces from the store once more.
func again(ctx context.Context, source scenario.Source, before traces) (traces, error) {
	now := make(traces, len(before))
	for _, id := range before.ids() {
		spans, err := Store(source)(ctx, id)
		if err != nil {
			return nil, err
		}
		now[id] = spans
	}
	return now, nil
}
