package wire

import (
	"context"
	"log/slog"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
)

// LogMetadata is [Log] for the metadata of a gRPC call.
func LogMetadata(
	ctx context.Context, logger *slog.Logger, d Direction, method string, md metadata.MD,
) {
	if Enabled(ctx, logger) {
		Log(ctx, logger, d, append([]slog.Attr{Method(method)}, Metadata(md)...))
	}
}

// SentMetadata logs the metadata of each call of a gRPC client. Give it to the client after the
// handler that injects the context.
func SentMetadata(logger *slog.Logger) stats.Handler { return sent{logger: logger} }

type sent struct{ logger *slog.Logger }

func (s sent) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx)
	LogMetadata(ctx, s.logger, Sent, info.FullMethodName, md)
	return ctx
}

func (s sent) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (s sent) HandleRPC(context.Context, stats.RPCStats)                         {}
func (s sent) HandleConn(context.Context, stats.ConnStats)                       {}
