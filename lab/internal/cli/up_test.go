package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/throughline/lab/internal/control"
)

// running is a lab that `lab up` keeps running.
type running struct {
	text    string // what it printed until it was ready
	control string
	gateway string
	stop    func() result
}

func up(t *testing.T, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	var stderr strings.Builder
	done := make(chan int, 1)
	go func() {
		err := Run(ctx, append([]string{"up", "--listen", "127.0.0.1:0"}, args...),
			func(string) string { return "" }, strings.NewReader(""), writer, &stderr)
		code := ExitCode(err, &stderr)
		writer.Close()
		done <- code
	}()
	lab := running{}
	lines := bufio.NewScanner(reader)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		lab.text += lines.Text() + "\n"
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	lab.stop = func() result {
		cancel()
		return result{<-done, lab.text, stderr.String()}
	}
	t.Cleanup(func() { cancel() })
	lab.control, lab.gateway = address(lab.text, "lab"), address(lab.text, "gateway")
	if lab.control == "" || lab.gateway == "" {
		t.Fatalf("not up:\n%+v", lab.stop())
	}
	return lab
}

func address(text, name string) string {
	found := regexp.MustCompile(`(?m)^  ` + name + ` +(http://\S+)$`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestUpRefusesATakenPortThatWasGiven(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	// A lab that starts all the same must not make the test wait for ever.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, args := range [][]string{
		{"up", "--listen", addr},
		{"up", "--listen", "127.0.0.1:0", "--gateway", addr},
		{"up", "--listen", "127.0.0.1:0", "--port", "order=" + addr},
	} {
		if r := invoke(ctx, "", args...); r.code != 2 ||
			!strings.Contains(r.err, "address already in use") {
			t.Errorf("lab %v: exit %d, want 2\n%s%s", args, r.code, r.out, r.err)
		}
	}
}

func TestUpRunTreeBreakMend(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	lab := up(t, "--gateway", "127.0.0.1:0")
	id := checkout(t, lab.gateway)
	tree := invoke(t.Context(), "", "tree", id, "--lab", lab.control)
	if tree.code != 0 || !strings.Contains(tree.out, "gateway server POST /checkouts") ||
		!strings.Contains(tree.out, "ms") {
		t.Errorf("lab tree: exit %d\n%s%s", tree.code, tree.out, tree.err)
	}
	wire := invoke(t.Context(), "", "tree", "--wire", id, "--lab", lab.control)
	hop := regexp.MustCompile(`# sent traceparent: (\S+)\n +order server POST /orders.*\n` +
		` +# received traceparent: (\S+)\n`).FindStringSubmatch(wire.out)
	if wire.code != 0 || len(hop) != 3 || hop[1] != hop[2] ||
		!strings.Contains(wire.out, "# received no trace context") {
		t.Errorf("lab tree --wire: exit %d\n%s%s", wire.code, wire.out, wire.err)
	}
	if r := invoke(t.Context(), "", "tree", "--lab", lab.control, "no-such-id"); r.code != 1 {
		t.Errorf("lab tree of an unknown id: exit %d\n%s%s", r.code, r.out, r.err)
	}
	breakAndMend(t, lab)
	loadLeavesNothing(t, lab)
	r := invoke(t.Context(), "", "run", "--against", lab.control)
	if r.code != 0 || !strings.Contains(r.out, "arrived") {
		t.Errorf("lab run --against: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if list := invoke(t.Context(), "", "break", "--lab", lab.control); strings.Contains(list.out,
		"BROKEN") {
		t.Errorf("left broken:\n%s", list.out)
	}
	if r := lab.stop(); r.code != 0 {
		t.Errorf("lab up: exit %d\n%s", r.code, r.err)
	}
}

// loadLeavesNothing: a batch that scenarios look at must not have the orders of a load in it.
func loadLeavesNothing(t *testing.T, lab running) {
	t.Helper()
	r := invoke(t.Context(), "", "load", "--against", lab.control, "--rate", "500", "--for", "1s")
	if r.code != 0 {
		t.Errorf("lab load --against: exit %d\n%s%s", r.code, r.out, r.err)
	}
	client := control.NewClient(lab.control, nil)
	defer client.Close()
	fleet, err := client.Platform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(fleet.Admin["order"]+"/jobs/fulfil", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), `"fulfilled":0`) {
		t.Errorf("orders left by a load: %s %v, want none", body, err)
	}
}

func breakAndMend(t *testing.T, lab running) {
	t.Helper()
	if r := invoke(t.Context(), "", "break", "nonsense", "--lab", lab.control); r.code != 2 ||
		!strings.Contains(r.err, "there are ") {
		t.Errorf("lab break nonsense: exit %d\n%s%s", r.code, r.out, r.err)
	}
	list := invoke(t.Context(), "", "break", "list", "--lab", lab.control)
	name, _, _ := strings.Cut(list.out, " ")
	if list.code != 0 || name == "" {
		t.Fatalf("lab break list: exit %d\n%s%s", list.code, list.out, list.err)
	}
	for _, step := range []struct {
		args   string
		broken int
	}{{"break " + name, 1}, {"mend " + name, 0}, {"break " + name, 1}, {"mend all", 0}} {
		args := append(strings.Fields(step.args), "--lab", lab.control)
		if r := invoke(t.Context(), "", args...); r.code != 0 {
			t.Errorf("lab %s: exit %d\n%s%s", step.args, r.code, r.out, r.err)
		}
		list := invoke(t.Context(), "", "break", "--lab", lab.control)
		if got := min(strings.Count(list.out, "BROKEN"), 1); got != step.broken {
			t.Errorf("after lab %s:\n%s", step.args, list.out)
		}
	}
}

// checkout opens a checkout and returns its id.
func checkout(t *testing.T, gateway string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gateway+"/checkouts",
		strings.NewReader(`{"customer":"c-1","continuation":"linked"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var created struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&created); err != nil || created.ID == "" {
		t.Fatalf("%s, id %q, %v", resp.Status, created.ID, err)
	}
	return created.ID
}
