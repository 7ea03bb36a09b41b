package redisclient

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is a hook that bounds a command as a whole: to wait for a connection, to dial and to
// read the answer may each take all of it, and together no more. The client's own timeouts are for
// each step alone; small enough to add up, they would fail a busy machine that is only slow.
type patience time.Duration

func (p patience) DialHook(next redis.DialHook) redis.DialHook { return next }

func (p patience) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if untraced(cmd.Name()) { // these block for as long as their caller says
			return next(ctx, cmd)
		}
		return p.within(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

func (p patience) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return p.within(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

// within calls do. That this time is over is no deadline of the caller's, so it is told as the
// network's, like every other timeout of the client.
func (p patience) within(ctx context.Context, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, time.Duration(p))
	defer cancel()
	err := do(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return &net.OpError{Op: "redis", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	return err
}
