// Package redisclient makes go-redis clients that fail fast and are traced by the stable
// database conventions, without keys and values.
package redisclient

import (
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"example.com/throughline/internal/telemetry"
)

// maxWait is how long a command may take with all that it needs. A stopped Redis is thus an error
// within a second, in time for the caller.
const maxWait = 950 * time.Millisecond

// New returns a client of the Redis at addr, host:port. It connects when it is first used. A
// command fails within 950 ms at worst; ctx may shorten that. Blocking reads have their own time
// on top.
func New(tel *telemetry.Telemetry, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{
		Addr:                  addr,
		DialTimeout:           maxWait,
		DialerRetries:         1,
		ReadTimeout:           maxWait,
		WriteTimeout:          maxWait,
		PoolTimeout:           maxWait,
		ContextTimeoutEnabled: true,
		// No retries: a command whose answer was lost may have been executed, and XADD or
		// INCR is not to be executed twice. Connections that died in the pool are found
		// before they are used.
		MaxRetries: -1,
		// RESP2, no CLIENT SETINFO and no CLIENT MAINT_NOTIFICATIONS: Redis before 7.2 and
		// embedded servers do not know them.
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		// Small buffers, and one pool for all: several services share a process in the lab.
		ReadBufferSize:   8 << 10,
		WriteBufferSize:  8 << 10,
		PipelinePoolSize: -1,
	})
	client.AddHook(newHook(tel, client.Options()))
	client.AddHook(patience(maxWait))
	return client
}

func hostPort(addr string) (string, int) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return host, 0
	}
	return host, n
}
