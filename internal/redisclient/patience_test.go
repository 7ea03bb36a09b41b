package redisclient

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestACommandTakesNoLongerThanItsTime(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _ redis.Cmder) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, tc := range map[string]struct {
		cmd    redis.Cmder
		caller time.Duration
		took   time.Duration
		want   error
	}{
		"as long as it may":       {redis.NewCmd(t.Context(), "get", "k"), time.Hour, maxWait, os.ErrDeadlineExceeded},
		"a caller in a hurry":     {redis.NewCmd(t.Context(), "get", "k"), 100 * time.Millisecond, 100 * time.Millisecond, context.DeadlineExceeded},
		"a read that is to block": {redis.NewCmd(t.Context(), "xreadgroup"), time.Minute, time.Minute, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.caller)
				defer cancel()
				start := time.Now()
				err := patience(maxWait).ProcessHook(hang)(ctx, tc.cmd)
				if took := time.Since(start); took != tc.took || !errors.Is(err, tc.want) {
					t.Errorf("took %v: %v, want %v: %v", took, err, tc.took, tc.want)
				}
			})
		})
	}
}

func TestThePipelineHasTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := patience(maxWait).ProcessPipelineHook(func(ctx context.Context, _ []redis.Cmder) error {
			<-ctx.Done()
			return ctx.Err()
		})(t.Context(), nil)
		if took := time.Since(start); took != maxWait || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("took %v: %v, want %v", took, err, maxWait)
		}
	})
}
