package tracetree_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/tracetree"
)

// twoTurns is a journey of two traces linked both ways.
const twoTurns = `
gateway server POST /checkouts | id=turn1 shop.workflow.turn=1 shop.workflow.id=c-1
  gateway client POST
    order server POST /orders | remote

gateway server PUT /checkouts/{id} | id=turn2 shop.workflow.turn=2 link=previous_turn:turn1
  order producer send orders | id=sent
    payment consumer process orders | remote link=producer:sent
`

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ journey, want, diff string }{
		"wrong name": {
			journey: twoTurns,
			want: `-- trace --
gateway server POST /checkouts  @one
  gateway client POST
    order server POST /order
-- trace --
gateway server PUT /checkouts/{id}  link(previous_turn)=@one
  ...
`,
			diff: `
x.txtar:2:   gateway server POST /checkouts  @one
x.txtar:3:     gateway client POST
x.txtar:4: -     order server POST /order
x.txtar:4: +     order server POST /orders
x.txtar:5:   -- trace --
x.txtar:6:   gateway server PUT /checkouts/{id}  link(previous_turn)=@one
`,
		},
		"wrong service and wrong kind": {
			journey: "a server X\n  b client Y\n    c server Z\n",
			want:    "-- trace --\na server X\n  b internal Y\n    d server Z\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2:   a server X
x.txtar:3: -   b internal Y
x.txtar:4: -     d server Z
x.txtar:3: +   b client Y
x.txtar:4: +     c server Z
`,
		},
		"wrong link type, resolved link": {
			journey: "a server X | id=x\n\nb server Y | link=origin:x\n\nc server Z | link=origin:x\n",
			want: "-- trace --\na server X  @x\n-- trace --\nb server Y  link(caller)=@x\n" +
				"-- trace --\nc server Z  link(origin)=unresolved\n",
			diff: `
x.txtar:2:   a server X  @x
x.txtar:3:   -- trace --
x.txtar:4: - b server Y  link(caller)=@x
x.txtar:4: + b server Y  link(origin)=@x
x.txtar:5:   -- trace --
x.txtar:6: - c server Z  link(origin)=unresolved
x.txtar:6: + c server Z  link(origin)=@x
`,
		},
		"link forward to the wrong one of two siblings": {
			journey: "a server X | link=next:one\n  b internal work | id=one\n  b internal work | k=1\n",
			want: "-- trace --\na server X  link(next)=@two\n  b internal work\n" +
				"  b internal work  @two k=1\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  link(next)=@two
x.txtar:3: -   b internal work
x.txtar:2: + a server X  link(next)=@s1
x.txtar:3: +   b internal work  @s1
x.txtar:4:     b internal work  @two k=1
`,
		},
		"remote parent": {
			journey: "a server X\n  b server Y | remote\n",
			want:    "-- trace --\na server X\n  b server Y  local\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2:   a server X
x.txtar:3: -   b server Y  local
x.txtar:3: +   b server Y  remote
`,
		},
		"missing and extra span": {
			journey: "a server X\n  b internal work | shop.order.state=paid shop.order.id=o-1\n",
			want:    "-- trace --\na server X\n  c client GET\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2:   a server X
x.txtar:3: -   c client GET
x.txtar:3: +   b internal work  shop.order.state=paid
`,
		},
		"tracestate and scope": {
			journey: "a server X\n",
			want:    "-- trace --\na server X  tracestate=* scope=b !n parent=*\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  tracestate=* scope=b !n parent=*
x.txtar:2: + a server X  !tracestate !n
`,
		},
		"attribute, status and event": {
			journey: "a server X | k=1 status=error event=retry\n",
			want:    "-- trace --\na server X  k=2 !k2 status=ok event(miss) j=*\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  k=2 !k2 status=ok event(miss) j=*
x.txtar:2: + a server X  k=1 !k2 status=error !j
`,
		},
		"status message and flags": {
			journey: "a server X | status=error message=declined flags=3\n  b client Y | flags=1\n",
			want: "-- trace --\na server X  message=\"bad card\" flags=01\n" +
				"  b client Y  message=x flags=03\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  message="bad card" flags=01
x.txtar:3: -   b client Y  message=x flags=03
x.txtar:2: + a server X  message=declined flags=03
x.txtar:3: +   b client Y  !message flags=01
`,
		},
		"severed trace": {
			journey: "a server X\n  a client GET\n\nb server Y\n",
			want:    "-- trace --\na server X\n  a client GET\n    b server Y\n",
			diff: `
x.txtar:2:   a server X
x.txtar:3:     a client GET
x.txtar:4: -     b server Y
x.txtar:4: + -- trace --
x.txtar:4: + b server Y
`,
		},
		"missing trace": {
			journey: "a server X\n",
			want:    "-- trace --\na server X\n-- trace --\nb server Y\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2:   a server X
x.txtar:3: - -- trace --
x.txtar:4: - b server Y
`,
		},
		"orphan does not pass for a root": {
			journey: "a server X | parent=gone remote\n",
			want:    "-- trace --\na server X\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X
x.txtar:2: + a server X  orphan remote
`,
		},
		"root does not pass for an orphan": {
			journey: "a server X\n",
			want:    "-- trace --\na server X  orphan\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  orphan
x.txtar:2: + a server X
`,
		},
		"local parent": {
			journey: "a server X\n  b server Y\n",
			want:    "-- trace --\na server X\n  b server Y  remote\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2:   a server X
x.txtar:3: -   b server Y  remote
x.txtar:3: +   b server Y  local
`,
		},
		"link to another span gets a label": {
			journey: twoTurns,
			want: `-- trace --
gateway server POST /checkouts
  gateway client POST  @one
    order server POST /orders
-- trace --
gateway server PUT /checkouts/{id}  link(previous_turn)=@one
  ...
`,
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - gateway server POST /checkouts
x.txtar:2: + gateway server POST /checkouts  @s1
x.txtar:3:     gateway client POST  @one
x.txtar:4:       order server POST /orders
x.txtar:5:   -- trace --
x.txtar:6: - gateway server PUT /checkouts/{id}  link(previous_turn)=@one
x.txtar:6: + gateway server PUT /checkouts/{id}  link(previous_turn)=@s1
x.txtar:7:     ...
`,
		},
		"a link that is not named": {
			journey: "a server X | id=x\n\nb server Y | link=origin:x link=previous_turn:x\n",
			want:    "-- trace --\na server X  @x\n-- trace --\nb server Y  link(origin)=@x\n",
			diff: `
x.txtar:2:   a server X  @x
x.txtar:3:   -- trace --
x.txtar:4: - b server Y  link(origin)=@x
x.txtar:4: + b server Y  link(origin)=@x link(previous_turn)=@x
`,
		},
		"nolink": {
			journey: "a server X | link=origin:gone\n",
			want:    "-- trace --\na server X  nolink k=*\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  nolink k=*
x.txtar:2: + a server X  link(origin)=unresolved !k
`,
		},
		"dropped links": {
			journey: "a server X\n",
			want:    "-- trace --\na server X  link(origin)=unresolved\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - a server X  link(origin)=unresolved
x.txtar:2: + a server X  nolink
`,
		},
		"trace": {
			journey: "a server X\n\nb server Y\n",
			want:    "-- trace --\na server X  @x\n-- trace --\nb server Y  trace=@x\n",
			diff: `
x.txtar:2:   a server X  @x
x.txtar:3:   -- trace --
x.txtar:4: - b server Y  trace=@x
x.txtar:4: + b server Y  trace!=@x
`,
		},
		"none": {
			journey: "a server X\n",
			want:    "-- trace --\nnone\n",
			diff: `
x.txtar:1:   -- trace --
x.txtar:2: - none
x.txtar:2: + a server X
`,
		},
		"fewer than the dots ask for": {
			journey: "a server X\n  a client GET\n",
			want:    "-- trace --\na server X\n  a client GET\n  ...\n  a client GET\n",
			diff: `
x.txtar:3:     a client GET
x.txtar:4:     ...
x.txtar:5: -   a client GET
`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := expectation(t, tt.want).Match(journey(t, tt.journey), nil)
			if got.OK {
				t.Fatal("matched, want a diff")
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.diff, "\n"), got.Diff); diff != "" {
				t.Errorf("diff (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ journey, want string }{
		"two traces linked both ways": {
			journey: "a server X | id=x link=next:y\n\nb server Y | id=y link=previous:x\n",
			want: `-- trace --
a server X  @x link(next)=@y root
-- trace --
b server Y  @y link(previous)=@x trace!=@x
`,
		},
		"sections in another order than time": {
			journey: "a server X\n\nb server Y\n",
			want:    "-- trace --\nb server Y\n-- trace --\na server X\n",
		},
		"a chain of links between identical siblings": {
			journey: `root internal run
  a server T | id=t1 start=5
  a server T | id=t2 start=6 link=previous_turn:t1
  a server T | id=t3 start=7 link=previous_turn:t2
`,
			want: `-- trace --
root internal run
  a server T  @one nolink
  a server T  @two link(previous_turn)=@one
  a server T  @three link(previous_turn)=@two
`,
		},
		"links decide between siblings that overlap": {
			journey: `root internal run
  a producer send | id=p1 start=1
  a producer send | id=p2 start=2
  b consumer process | start=10 link=producer:p2
  b consumer process | start=11 link=producer:p1
`,
			want: `-- trace --
root internal run
  a producer send  @p
  a producer send  @q
  b consumer process  link(producer)=@p
  b consumer process  link(producer)=@q
`,
		},
		"children decide between identical siblings": {
			journey: `root internal run
  a client POST
    b server Y
  a client POST
    c server Z
`,
			want: `-- trace --
root internal run
  a client POST
    c server Z
  a client POST
    b server Y
`,
		},
		"a line that is choosy takes its span from one that is not": {
			journey: "r internal run\n  a client GET | k=1\n  a client GET\n",
			want:    "-- trace --\nr internal run\n  a client GET\n  a client GET  k=1\n",
		},
		"a link forward decides between identical siblings": {
			journey: `r internal run
  a server X | link=next:first
  b internal work | id=first
  b internal work
`,
			want: `-- trace --
r internal run
  a server X  link(next)=@two
  b internal work  @one
  b internal work  @two
`,
		},
		"dots do not steal what a line needs": {
			journey: "r internal run\n  a client GET\n  a client GET | k=1\n  a client GET\n",
			want:    "-- trace --\nr internal run\n  ...\n  a client GET  k=1\n  a client GET\n",
		},
		"dots may stand for nothing": {
			journey: "a server X\n",
			want:    "-- trace --\na server X\n  ...\n",
		},
		"other traces": {
			journey: "a server X\n\nb server Y\n\nc server Z\n",
			want:    "-- trace --\nb server Y\n-- trace --\n...\n",
		},
		"no trace": {journey: "", want: "-- trace --\nnone\n"},
		"root and orphan of one trace": {
			journey: "a server X\nb server Y | parent=gone remote\n",
			want:    "-- trace --\nb server Y  orphan remote\na server X  root\n",
		},
		"unresolved link, any link": {
			journey: "a server X | link=origin:gone link=caller:gone\n",
			want:    "-- trace --\na server X  link(caller)=* link(origin)=unresolved\n",
		},
		"status message and flags": {
			journey: "a server X | status=error message=declined flags=3\n  b client Y\n",
			want: "-- trace --\na server X  flags=03 status=error message=declined !\"message\"\n" +
				"  b client Y  flags=00 !message\n",
		},
		"comments and blank lines": {
			journey: "a server X\n",
			want:    "-- trace --\n# why\n\na server X  k2=v  # so\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.ReplaceAll(tt.want, "  k2=v", "")
			got := expectation(t, want).Match(journey(t, tt.journey), nil)
			if !got.OK {
				t.Errorf("got a diff, want a match:\n%s", got.Diff)
			}
		})
	}
}

func TestIdenticalSiblingsAreTakenInTheOrderOfTheirStart(t *testing.T) {
	t.Parallel()
	j := journey(t, `r internal run
  a client GET | id=late start=30
  a client GET | id=early start=10
  a client GET | id=middle start=20
`)
	x := expectation(t, `-- trace --
r internal run
  a client GET  @first
  a client GET  @second
  a client GET  @third
`)
	got := x.Match(j, nil)
	for label, id := range map[string]string{"first": "early", "second": "middle", "third": "late"} {
		if got.Labels[label].SpanID != spanID(id) {
			t.Errorf("@%s is not %s", label, id)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	sc := "00-" + traceID("client") + "-" + spanID("client") + "-01"
	j := tracetree.Journey{Spans: []tracetree.Span{{
		TraceID: traceID("1"), SpanID: spanID("x"), Service: "a", Kind: "server", Name: "GET /{id}",
		ParentID: spanID("client"), ParentRemote: true, TraceState: "v=1", Scope: "lib",
		Attributes: map[string]any{
			"id": "c-42", "said": "hello c-42", "http.route": "/{id}", "status": "open", "n": 2.0,
			"list": []any{"x", int64(1)}, "empty": "",
		},
		Links: []tracetree.Link{{TraceID: traceID("client"), SpanID: spanID("client")}},
	}}}
	vars := map[string]string{"id": "c-42", "tp": sc, "trace": traceID("client"), "one": traceID("1")}
	for _, asserts := range []string{
		`id={id}`, `said="hello {id}"`, `http.route=/{id}`, `"status"=open`, `status=unset`,
		`n=2`, `list="[\"x\",1]"`, `empty=""`, `parent={tp} orphan remote`, `trace={one}`,
		`link("")={tp}`, `link("")={trace}`, `link("")=00-{trace}-` + spanID("client") + `-01`,
		`tracestate="v=1" scope=lib`, `!other`, `tracestate=* scope=* parent=*`,
	} {
		x := expectation(t, "-- trace --\na server GET /{id}  orphan "+
			strings.ReplaceAll(asserts, "orphan ", "")+"\n")
		if got := x.Match(j, vars); !got.OK {
			t.Errorf("%s does not match:\n%s", asserts, got.Diff)
		}
	}
	for _, asserts := range []string{
		`id=id`, `said="hello \x7bid}"`, `"status"=unset`, `status=ok`, `n=3`, `trace={tp}`,
		`link("")={one}`, `link("")=00-{trace}-` + spanID("x") + `-01`, `!id`, `other=*`, `scope=l`,
		`!tracestate`, `parent={trace}`,
	} {
		x := expectation(t, "-- trace --\na server GET /{id}  orphan "+asserts+"\n")
		if got := x.Match(j, vars); got.OK {
			t.Errorf("%s matches", asserts)
		}
	}
}

func TestRewriteKeepsWhatIsTrue(t *testing.T) {
	t.Parallel()
	x := expectation(t, `-- trace --
# The first turn.
a server X  id={id}  # kept
  ...

-- trace --
b server Y
-- trace --
gone server Z
`)
	vars := map[string]string{"id": "c-424242"}
	j := journey(t, `a server X | id=one
  a client GET

b server YY | id=two shop.order.id=c-424242
  b client POST | shop.order.id=other shop.checkout.id=c-424242

c server New | link=origin:two
`)
	j.Spans[0].Attributes = map[string]any{"id": "c-424242"}
	var got []string
	for _, s := range x.Rewrite(j, vars) {
		got = append(got, s.Body)
	}
	want := []string{
		"# The first turn.\na server X  id={id}  # kept\n  ...\n\n",
		"b server YY  @s1\n  b client POST  shop.checkout.id={id}\n",
		"",
		"c server New  link(origin)=@s1\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rewritten (-want +got):\n%s", diff)
	}
}

func TestGivesUpInsteadOfSearchingForever(t *testing.T) {
	t.Parallel()
	var have, want strings.Builder
	have.WriteString("r internal run\n")
	want.WriteString("-- trace --\nr internal run\n")
	for range 12 {
		have.WriteString("  a producer send\n  b consumer process | link=producer:gone\n")
	}
	for i := range 12 {
		want.WriteString("  a producer send  @p" + string(rune('a'+i)) + "\n")
	}
	for i := range 12 {
		want.WriteString("  b consumer process  trace!=@p" + string(rune('a'+i)) + "\n")
	}
	got := expectation(t, want.String()).Match(journey(t, have.String()), nil)
	if got.OK || !strings.Contains(got.Diff, "gave up after") {
		t.Errorf("OK %v, diff:\n%s", got.OK, got.Diff)
	}
}
