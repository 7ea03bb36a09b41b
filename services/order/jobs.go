package order

import (
	"context"
	"log/slog"
	"time"

	"example.com/throughline/internal/admin"
)

// every runs a job on a timer until ctx is done; 0 leaves it to the admin listener. The timer
// holds no span: each run that finds work is a trace of its own.
func every(d time.Duration, job admin.Job, logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if d <= 0 {
			<-ctx.Done()
			return nil
		}
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			if _, err := job(ctx, nil); err != nil && ctx.Err() == nil {
				logger.WarnContext(ctx, "job failed", "error", err)
			}
		}
	}
}
