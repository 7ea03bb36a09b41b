package cli

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// shell runs a script with nothing in its environment but PATH.
func shell(ctx context.Context, t *testing.T, name, script string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(ctx, name)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + t.TempDir()}
	cmd.Stdin = strings.NewReader(script)
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// script is what lab run --run-as curl prints, without the prompt for a wrong answer.
func script(t *testing.T, lab running, args ...string) string {
	t.Helper()
	args = append([]string{"run", "--run-as", "curl", "--against", lab.control}, args...)
	r := invoke(t.Context(), "", args...)
	if r.code != 0 {
		t.Fatalf("lab %v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

// Every scenario works as a script, one after the other for the sake of those that break
// something; they mend it. Those that must be alone get a lab of their own.
func TestEveryScenarioRunsAsCurl(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	lab := up(t, "--gateway", "127.0.0.1:0")
	known, err := openLibrary().list()
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range known {
		name := strings.TrimSuffix(file, ".txtar")
		sc, err := choose(openLibrary(), []string{name})
		if err != nil {
			t.Fatal(err)
		}
		at := lab
		if sc[0].Alone {
			at = up(t, "--gateway", "127.0.0.1:0")
		}
		with := []string{"bash", "sh"}[i%2] // bash is sh on some systems, and dash on others
		out, code := shell(t.Context(), t, with, script(t, at, name))
		if sc[0].Alone {
			at.stop()
		}
		if code != 0 || !strings.Contains(out, "ok "+name[strings.LastIndex(name, "/")+1:]) {
			t.Errorf("%s: %s: exit %d\n%s", name, with, code, out)
		}
	}
	list := invoke(t.Context(), "", "break", "--lab", lab.control)
	if list.code != 0 || strings.Contains(list.out, "BROKEN") {
		t.Errorf("left broken: %s%s", list.out, list.err)
	}
}

func TestACurlScriptFailsWhenAnAnswerIsWrong(t *testing.T) {
	t.Parallel()
	lab := up(t, "--gateway", "127.0.0.1:0")
	for _, wrong := range []struct{ from, to, want string }{
		{`{"sku":"mug","qty":2}`, `{"sku":"mug","qty":-2}`, "status: got 422, want 200"},
		{"body.quote.total = 6571", "body.quote.total = 6572", "body.quote.total: got 6571, want 6572"},
		{"let id = body.id", "let id = body.it", "body.it: got nothing"},
		{"let id = body.id", "let id = body.id\nexpect body.id absent", "want \n"},
		{"let id = body.id", "let id = body.id\nexpect header.Server-Timing != *\nexpect body.id != {id}",
			"want another value"},
	} {
		text := script(t, lab, copyOf(t, "journey-linked", wrong.from, wrong.to))
		if out, code := shell(t.Context(), t, "bash", text); code == 0 ||
			!strings.Contains(out, wrong.want) {
			t.Errorf("%s: exit %d, want 1 and %q:\n%s", wrong.to, code, wrong.want, out)
		}
	}
}

// What a shell might take for its own arrives as it was written.
func TestACurlScriptQuotes(t *testing.T) {
	t.Parallel()
	lab := up(t, "--gateway", "127.0.0.1:0")
	const before = "POST gateway /checkouts\n" + `{"customer":"c-42","continuation":"linked"}`
	const header = "POST gateway /checkouts\nX-Note: it's \"$HOME\" `id` \\ {run}\n"
	for _, body := range []string{
		`{"customer":"it's $HOME {run} \\","continuation":"linked"}`,
		`body "{\"customer\":\"c\u00e9\\u0000 100% {run}\",\"continuation\":\"linked\"}\n\t"`,
		`body @repeat( ,5000)`,
	} {
		head := header
		if strings.HasPrefix(body, "body") {
			head += "Content-Type: application/json\n"
		}
		file := copyOf(t, "journey-linked", before, head+body)
		want := 0
		if strings.Contains(body, "@repeat") {
			want = 1 // a body of spaces is no JSON
		}
		if out, code := shell(t.Context(), t, "sh", script(t, lab, file)); code != want {
			t.Errorf("%s: exit %d, want %d:\n%s", body, code, want, out)
		}
	}
}
