package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/throughline/scenarios"
)

// result is what the program did.
type result struct {
	code     int
	out, err string
}

// invoke runs the program in this process, without environment.
func invoke(ctx context.Context, stdin string, args ...string) result {
	var out, stderr strings.Builder
	err := Run(ctx, args, func(string) string { return "" }, strings.NewReader(stdin), &out, &stderr)
	code := ExitCode(err, &stderr)
	return result{code, out.String(), stderr.String()}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args string
		code int
		out  string
		err  string
	}{
		{"frobnicate", 2, "", `unknown command "frobnicate"`},
		{"run --nonsense", 2, "", "flag provided but not defined: -nonsense"},
		{"run --run-as wget b3-bridge", 2, "", "want curl"},
		{"run --run-as curl", 2, "", "want one scenario"},
		{"run --parallel 0", 2, "", "--parallel 0: want 1 or more"},
		{"run --parallel many", 2, "", "lab run --help"},
		{"run --against 127.0.0.1:1 --dump d", 2, "", "give it to `lab up`"},
		{"run no-such-scenario", 2, "", `no scenario and no file "no-such-scenario"`},
		{"run [", 2, "", "syntax error"},
		{"load now", 2, "", "takes no arguments"},
		{"load --rate 0", 2, "", "--rate 0: want 1 to 200000"},
		{"load --rate NaN", 2, "", "want 1 to 200000"},
		{"load --for 1h", 2, "", "--for 1h0m0s: want 1ms to 10m0s"},
		{"load --against http://192.0.2.1:4400", 2, "", "not a loopback address"},
		{"load --against 127.0.0.1:1", 1, "", "no lab answers"},
		{"up now", 2, "", "takes no arguments"},
		{"up --port nobody=127.0.0.1:1", 2, "", "with a name of gateway"},
		{"up --gateway 0.0.0.0:0", 2, "", "--allow-nonloopback"},
		{"up --gateway nonsense", 2, "", "missing port"},
		{"tree", 2, "", "want one id, have 0"},
		{"mend", 2, "", "what?"},
		{"score --from here b3-bridge", 2, "", "want one of the two"},
		{"score no-such-scenario", 2, "", "no scenario"},
		{"decode hello", 2, "", `"hello": want NAME: VALUE`},
		{"decode --key no-such-file traceparent=x", 2, "", "--key"},
		{"decode", 2, "", "no header that carries trace context"},
		{"tree --lab 127.0.0.1:1 x", 1, "", "no lab answers"},
		{"break --lab 127.0.0.1:1", 1, "", "start one with `lab up`"},
		{"", 0, "A first walk", ""},
		{"help", 0, "lab COMMAND", ""},
		{"--help", 0, "lab COMMAND", ""},
		{"help run", 0, "Usage: lab run [flags] [NAME | GLOB | FILE ...]", ""},
		{"run --help", 0, "--parallel N", ""},
		{"decode --help", 0, "curl -sv", ""},
	} {
		r := invoke(t.Context(), "", strings.Fields(tc.args)...)
		if r.code != tc.code || !strings.Contains(r.out, tc.out) || !strings.Contains(r.err, tc.err) {
			t.Errorf("lab %s: exit %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s",
				tc.args, r.code, tc.code, tc.out, r.out, tc.err, r.err)
		}
	}
}

func TestTheLibraryOnDiskIsThatOfTheBinary(t *testing.T) {
	t.Parallel()
	disk, err := library{files: os.DirFS("../../../scenarios")}.list()
	if err != nil {
		t.Fatal(err)
	}
	inside, err := library{files: scenarios.FS}.list()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(disk, inside) || len(inside) < 20 {
		t.Errorf("on disk %q\nin the binary %q", disk, inside)
	}
}

func TestFlagsAnywhere(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--x 1 a b", "a --x 1 b", "a b --x=1"} {
		f := newFlags()
		x := f.Int("x", 0, "")
		rest, err := f.parse(strings.Fields(args))
		if err != nil || *x != 1 || strings.Join(rest, " ") != "a b" {
			t.Errorf("%s: x=%d, arguments %q, %v", args, *x, rest, err)
		}
	}
	f := newFlags()
	x := f.Int("x", 0, "")
	rest, err := f.parse(strings.Fields("a -- --x 1"))
	if err != nil || *x != 0 || strings.Join(rest, " ") != "a --x 1" {
		t.Errorf("after --: x=%d, arguments %q, %v", *x, rest, err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if r := invoke(t.Context(), "", "decode", "traceparent: 00-x"); r.code != 1 ||
		!strings.Contains(r.out, "INVALID  traceparent") {
		t.Errorf("a bad header: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := invoke(t.Context(), "", "decode", good, "tracestate=a=1"); r.code != 0 ||
		!strings.Contains(r.out, "trace-flags") {
		t.Errorf("good headers: exit %d\n%s%s", r.code, r.out, r.err)
	}
	r := invoke(t.Context(), "> GET / HTTP/1.1\r\n> Traceparent: "+good+"\r\n> \r\n", "decode")
	if r.code != 0 || !strings.Contains(r.out, "4bf92f3577b34da6a3ce929d0e0e4736") {
		t.Errorf("what curl -v prints: exit %d\n%s%s", r.code, r.out, r.err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("an example: use 32 random bytes!"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = invoke(t.Context(), "", "decode", "--key", key, "--workflow", "w", good, "tracestate=a=1")
	if r.code != 1 || !strings.Contains(r.out, "no signed context") {
		t.Errorf("--key without a signed context: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

func TestResident(t *testing.T) {
	t.Parallel()
	read := func(text string, err error) func(string) ([]byte, error) {
		return func(string) ([]byte, error) { return []byte(text), err }
	}
	for _, tc := range []struct {
		read func(string) ([]byte, error)
		want int64
	}{
		{read("", errors.New("no /proc here")), 0},
		{read("VmRSS:\t many kB\n", nil), 0},
		{read("Name:\tlab\n", nil), 0},
		{read("VmHWM:\t  200 kB\nVmRSS:\t  100 kB\n", nil), 100 << 10},
	} {
		if got := resident(tc.read); got != tc.want {
			t.Errorf("got %d, want %d", got, tc.want)
		}
	}
}
