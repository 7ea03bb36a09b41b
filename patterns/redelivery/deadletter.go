package redelivery

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Bury moves d to the dead-letter stream, with all its fields and the reason, and
// acknowledges it, in one MULTI. reason ends up in Redis: a word or two, no
// business data. If d turns out to be acknowledged already, because another
// consumer was faster, the second copy is taken back; that is no error.
func (r *Reader) Bury(ctx context.Context, d Delivery, reason string) error {
	fields := make(map[string]any, len(d.Message.Values)+4)
	maps.Copy(fields, d.Message.Values)
	fields[DeadReason] = reason
	fields[DeadCount] = strconv.FormatInt(d.Count, 10)
	fields[DeadStream] = r.Stream
	fields[DeadID] = d.Message.ID
	var added *redis.StringCmd
	var acked *redis.IntCmd
	_, err := r.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		added = tx.XAdd(ctx, &redis.XAddArgs{Stream: r.DeadLetter, Values: fields})
		acked = tx.XAck(ctx, r.Stream, r.Group, d.Message.ID)
		return nil
	})
	if err == nil && acked.Val() == 0 {
		err = r.Client.XDel(ctx, r.DeadLetter, added.Val()).Err()
	}
	if err != nil {
		return fmt.Errorf("bury %s of stream %q: %w", d.Message.ID, r.Stream, err)
	}
	return nil
}

// Replay puts the dead letter with the id deadID back into the stream as a new
// entry, with its original fields and replay-of, and deletes it, in one MULTI. Of
// two that replay the same one, one wins. The error wraps ErrNotFound if there is
// no such dead letter, and [redis.TxFailedErr] if the dead letters changed
// meanwhile: then try again.
func (r *Reader) Replay(ctx context.Context, deadID string) (newID string, err error) {
	err = r.Client.Watch(ctx, func(tx *redis.Tx) error {
		found, err := tx.XRange(ctx, r.DeadLetter, deadID, deadID).Result()
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].ID != deadID { // "7" stands for a range, 7-0 to 7-max
			return ErrNotFound
		}
		var added *redis.StringCmd
		_, err = tx.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			added = tx.XAdd(ctx, &redis.XAddArgs{Stream: r.Stream, Values: revive(found[0])})
			tx.XDel(ctx, r.DeadLetter, deadID)
			return nil
		})
		if err != nil {
			return err
		}
		newID = added.Val()
		return nil
	}, r.DeadLetter)
	if err != nil {
		return "", fmt.Errorf("replay %.40q of stream %q: %w", deadID, r.DeadLetter, err)
	}
	return newID, nil
}

func revive(dead redis.XMessage) map[string]any {
	fields := maps.Clone(dead.Values)
	maps.DeleteFunc(fields, func(key string, _ any) bool { return strings.HasPrefix(key, deadPrefix) })
	if original, ok := dead.Values[DeadID].(string); ok {
		fields[ReplayOf] = original
	}
	return fields
}
