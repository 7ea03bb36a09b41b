package collector

import (
	"io"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The messages with which the OTLP receiver says that a listener is open. They
// carry the address it really got in the field `endpoint`.
const (
	grpcServer = "Starting GRPC server"
	httpServer = "Starting HTTP server"
)

// listeners learns where the OTLP receiver listens from the receiver's own
// log. The usual way, to find a free port, close it and hope that it is still
// free a moment later, fails now and then when many labs start at once; and
// the library offers no other way to ask. A test notices when an upgrade words
// the message differently.
type listeners struct {
	ready chan struct{} // closed when both listeners are open

	mu   sync.Mutex
	open map[string]string // message to address
}

func newListeners() *listeners {
	return &listeners{ready: make(chan struct{}), open: make(map[string]string)}
}

func (l *listeners) address(server string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[server]
}

func (l *listeners) hear(message string, fields []zapcore.Field) {
	if message != grpcServer && message != httpServer {
		return
	}
	for _, field := range fields {
		if field.Key == "endpoint" {
			l.opened(message, field.String)
		}
	}
}

func (l *listeners) opened(server, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[server] == "" && len(l.open) == 1 {
		defer close(l.ready)
	}
	l.open[server] = address
}

// logTo replaces the Collector's log by one that listens in and lets only
// warnings and errors through to w.
func logTo(w io.Writer, ears *listeners) zap.Option {
	if w == nil {
		w = io.Discard
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	out := zapcore.NewCore(zapcore.NewConsoleEncoder(config),
		zapcore.Lock(zapcore.AddSync(w)), zapcore.WarnLevel)
	return zap.WrapCore(func(zapcore.Core) zapcore.Core { return hearing{Core: out, ears: ears} })
}

// hearing is a core that tells ears of every record from info up, and writes
// those that Core is interested in.
type hearing struct {
	zapcore.Core
	ears *listeners
}

func (h hearing) Enabled(level zapcore.Level) bool { return level >= zapcore.InfoLevel }

func (h hearing) With(fields []zapcore.Field) zapcore.Core {
	return hearing{Core: h.Core.With(fields), ears: h.ears}
}

func (h hearing) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if h.Enabled(e.Level) {
		return ce.AddCore(e, h)
	}
	return ce
}

func (h hearing) Write(e zapcore.Entry, fields []zapcore.Field) error {
	h.ears.hear(e.Message, fields)
	if !h.Core.Enabled(e.Level) {
		return nil
	}
	return h.Core.Write(e, fields)
}
