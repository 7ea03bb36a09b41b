// Package document keeps JSON documents in Redis and changes them one whole step at a time.
//
// A change is optimistic: WATCH, read, decide, MULTI, write, EXEC. Whoever loses a race decides
// again on the new state, so a state machine on top of it needs no locks, and a crash leaves
// either the old document or the new one.
package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Errors of a Collection. Anything else is Redis itself, or a document that is not JSON.
var (
	ErrNotFound = errors.New("document not found")
	ErrExists   = errors.New("document exists already")
	ErrConflict = errors.New("document changed by too many others at once")
)

// attempts bounds how often Update decides again before it gives up with ErrConflict.
const attempts = 10

// Collection is a set of documents of one type under one key prefix.
type Collection[T any] struct {
	Client *redis.Client
	Prefix string
	TTL    time.Duration // from the last change; must be positive
	// Also, unless it is nil, sees every change that Update is about to write, and may queue
	// commands that run in the same transaction. Like the change itself it may be called several
	// times. before is a shallow copy: what pointers lead to has changed.
	Also func(ctx context.Context, before, after T, tx redis.Pipeliner)
}

// Create stores a new document. ErrExists if there is one with this id.
func (c Collection[T]) Create(ctx context.Context, id string, doc T) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode %s%s: %w", c.Prefix, id, err)
	}
	err = c.Client.SetArgs(ctx, c.Prefix+id, data, redis.SetArgs{Mode: "NX", TTL: c.TTL}).Err()
	if errors.Is(err, redis.Nil) {
		return fmt.Errorf("create %s%s: %w", c.Prefix, id, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("create %s%s: %w", c.Prefix, id, err)
	}
	return nil
}

// Get returns the document. ErrNotFound if there is none.
func (c Collection[T]) Get(ctx context.Context, id string) (T, error) {
	return c.read(ctx, c.Client, id)
}

// Update changes a document. The function change sees the current state and edits it; commands
// that it queues on also run in the same transaction, all or nothing. An error of change is
// returned as it is, and nothing is written. change may run several times.
func (c Collection[T]) Update(
	ctx context.Context, id string, change func(doc *T, also redis.Pipeliner) error,
) (T, error) {
	var doc T
	step := func(tx *redis.Tx) error {
		var err error
		if doc, err = c.read(ctx, tx, id); err != nil {
			return err
		}
		before, pipe := doc, tx.TxPipeline()
		if err := change(&doc, pipe); err != nil {
			return err
		}
		if c.Also != nil {
			c.Also(ctx, before, doc, pipe)
		}
		data, err := json.Marshal(doc)
		if err != nil {
			return fmt.Errorf("encode %s%s: %w", c.Prefix, id, err)
		}
		pipe.Set(ctx, c.Prefix+id, data, c.TTL)
		_, err = pipe.Exec(ctx)
		return err
	}
	for range attempts {
		err := c.Client.Watch(ctx, step, c.Prefix+id)
		if errors.Is(err, redis.TxFailedErr) {
			continue
		}
		return doc, err
	}
	return doc, fmt.Errorf("update %s%s, %d attempts: %w", c.Prefix, id, attempts, ErrConflict)
}

func (c Collection[T]) read(ctx context.Context, from redis.Cmdable, id string) (T, error) {
	var doc T
	data, err := from.Get(ctx, c.Prefix+id).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return doc, fmt.Errorf("read %s%s: %w", c.Prefix, id, ErrNotFound)
	case err != nil:
		return doc, fmt.Errorf("read %s%s: %w", c.Prefix, id, err)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return doc, fmt.Errorf("decode %s%s: %w", c.Prefix, id, err)
	}
	return doc, nil
}
