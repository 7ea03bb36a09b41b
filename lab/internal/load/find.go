package load

import "context"

// Find looks for the highest rate, in spans a second, at which nothing is dropped and the shop
// keeps up: it goes up from cfg.Spans in steps of a half until something is dropped or the shop
// falls behind, and then halves the gap until it is below a tenth. Each step takes cfg.For, and is
// reported. The result is the best of the steps: its Rate is what was really reached.
//
// A rate is an answer for this machine, as busy as it was.
func Find(
	ctx context.Context, target Target, cfg Config, step func(Report),
) (best Report, err error) {
	good, bad := 0.0, 0.0
	for next := cfg.Spans; ; {
		r, err := Run(ctx, target, Config{Spans: next, For: cfg.For})
		if err != nil {
			return best, err
		}
		step(r)
		if err := r.Check(); err != nil {
			return best, err
		}
		if r.Lost() == 0 && r.KeptUp() {
			good, best = next, r
		} else {
			bad = next
		}
		switch {
		case ctx.Err() != nil:
			return best, ctx.Err()
		case bad == 0:
			next = good * 1.5
		case bad-good < bad/10 || bad < minimum:
			return best, nil
		default:
			next = (good + bad) / 2
		}
	}
}

// minimum is the rate below which Find does not look.
const minimum = 100

// KeptUp reports whether the shop served all that came, at nine tenths of the wanted rate or more.
func (r Report) KeptUp() bool {
	return r.Late == 0 && r.OK() == r.Sent && r.Rate() >= 0.9*r.Wanted
}
