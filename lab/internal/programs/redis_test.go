package programs

import (
	"bytes"
	"net"
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
)

// redisServer is Debian's redis-server, which writes to disk before it answers.
type redisServer struct {
	bin, dir, port string
	cmd            *exec.Cmd
	done           chan struct{}
	output         bytes.Buffer
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed (apt-get install redis-server): " +
			"this test kills a real one. .ci/run installs it")
	}
	r := &redisServer{bin: bin, dir: t.TempDir()}
	t.Cleanup(func() { r.kill() })
	for range 10 {
		r.port = freePort(t)
		if r.start(t) {
			return r
		}
	}
	t.Fatalf("no redis-server could be started:\n%s", r.output.String())
	return nil
}

func (r *redisServer) addr() string { return "127.0.0.1:" + r.port }

// start reports whether the server answers; it ends at once if its port is taken.
func (r *redisServer) start(t *testing.T) bool {
	t.Helper()
	r.output.Reset()
	r.cmd = exec.Command(r.bin, "--bind", "127.0.0.1", "--port", r.port, "--dir", r.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always")
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.done = make(chan struct{})
	go func() { _ = r.cmd.Wait(); close(r.done) }()
	db := redis.NewClient(&redis.Options{Addr: r.addr(), Protocol: 2, DisableIdentity: true})
	defer db.Close()
	answers := false
	until(t, "redis-server", func() bool {
		select {
		case <-r.done:
			return true
		default:
			answers = db.Ping(t.Context()).Err() == nil
			return answers
		}
	})
	return answers
}

// kill ends the server with SIGKILL and returns when it is gone.
func (r *redisServer) kill() {
	if r.cmd != nil && r.done != nil {
		_ = r.cmd.Process.Kill()
		<-r.done
	}
}

// freePort is free now. redis-server cannot be told to choose one.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
