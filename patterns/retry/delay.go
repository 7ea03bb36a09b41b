package retry

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// delay returns how long to wait after sent attempts, or false if that is longer
// than allowed.
func (t Transport) delay(
	ctx context.Context, sent int, response *http.Response,
) (time.Duration, bool) {
	longest := orElse(t.MaxDelay, 2*time.Second)
	delay := longest
	// Compared before it is shifted, so that it cannot overflow.
	if least := orElse(t.MinDelay, 100*time.Millisecond); least <= longest>>min(sent-1, 62) {
		delay = least << (sent - 1)
	}
	if t.Jitter != nil {
		delay = t.Jitter(delay)
	} else {
		delay = delay/2 + rand.N(delay/2+1)
	}
	if response != nil {
		asked, ok := After(response.Header.Get("Retry-After"), t.now())
		if ok && asked > longest {
			return 0, false // sooner would be against the server's wish
		}
		delay = max(delay, asked)
	}
	deadline, ok := ctx.Deadline()
	return delay, !ok || t.now().Add(delay).Before(deadline)
}

// After reads the value of a Retry-After header: seconds, or an HTTP date. A
// date that has passed is no wait; false is returned for no value or a malformed
// one.
func After(value string, now time.Time) (time.Duration, bool) {
	const most = int64(365 * 24 * time.Hour / time.Second) // enough, and no overflow
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(int64(seconds), most)) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0), true
	}
	return 0, false
}

func (t Transport) attempts() int {
	if t.Attempts <= 0 {
		return 3
	}
	return t.Attempts
}

func (t Transport) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

func (t Transport) sleep(ctx context.Context, d time.Duration) error {
	if t.Sleep != nil {
		return t.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func orElse(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}
