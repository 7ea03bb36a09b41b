package inflight

import (
	"context"

	"google.golang.org/grpc/stats"
)

// Stats counts each RPC of a gRPC server as work, from before next sees stats.Begin until after
// next has seen stats.End, at which otelgrpc ends the SERVER span.
//
// TagRPC alone does not count: for an unknown method grpc-go calls TagRPC, but neither Begin nor
// End, and a work item begun there would never be done.
func (t *Tracker) Stats(next stats.Handler) stats.Handler {
	return &statsHandler{Handler: next, tracker: t}
}

type statsHandler struct {
	stats.Handler
	tracker *Tracker
}

func (h *statsHandler) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if h.tracker != nil {
		ctx = context.WithValue(ctx, itemKey{h.tracker}, &item{})
	}
	return h.Handler.TagRPC(ctx, info)
}

func (h *statsHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	work, tracked := ctx.Value(itemKey{h.tracker}).(*item)
	switch s.(type) {
	case *stats.Begin:
		if tracked {
			h.tracker.begin(ctx, work)
		}
	case *stats.End:
		if tracked {
			defer h.tracker.end(work)
		}
	}
	h.Handler.HandleRPC(ctx, s)
}
