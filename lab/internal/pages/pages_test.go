package pages

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

const claim = `Claim.

-- turns --
GET gateway /x
status 200

-- trace --
# A comment.
gateway server GET /x  @t1 root
  gateway client POST  @call
    order server POST /<y>  a=b
      order producer send  @sent
        payment consumer process  remote link(producer)=@sent
  gateway server GET /z  link(previous_turn)=@t1 link(caller)=@call
-- trace --
order internal job  @job
  payment consumer process  link(batch_item)=@job
`

func run(t *testing.T) map[string]Run {
	t.Helper()
	sc, err := scenario.Parse("claim.txtar", []byte(claim))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	span := func(trace string, links int) tracetree.Span {
		return tracetree.Span{TraceID: trace, Start: at, Links: make([]tracetree.Link, links)}
	}
	hop := func(direction string, headers map[string]any) tracetree.Log {
		headers["shop.wire.direction"] = direction
		return tracetree.Log{Body: direction, Attributes: headers}
	}
	return map[string]Run{"claim": {Scenario: sc, Result: scenario.Result{
		Turns: 2, Traces: 2, Spans: 3,
		Journey: scenario.Journey{
			Spans: []tracetree.Span{span("a", 1), span("b", 0), span("a", 2)},
			Logs: []tracetree.Log{
				hop("sent", map[string]any{"http.request.header.traceparent": []any{"not twice"}}),
				hop("received", map[string]any{
					"http.request.header.traceparent": []any{"0123456789"},
					"shop.baggage.members":            []any{"names"}}),
				hop("received", map[string]any{}),
				{Body: "received"},
			},
		},
	}}}
}

func TestMistakesHaveALine(t *testing.T) {
	t.Parallel()
	tables := map[string]string{"known": ""}
	for page, want := range map[string]string{
		"a\n<!-- tree: x/claim.txtar -->\n":                          "p.md:2: no <!-- /tree -->",
		"<!-- tree: other -->\n<!-- /tree -->":                       `p.md:1: no scenario "other" was run`,
		"<!-- table: other -->\n<!-- /table -->":                     `p.md:1: there is no table "other"`,
		"<!-- table: known -->\n":                                    "p.md:1: no <!-- /table -->",
		"<!-- tree -->\n<!-- /tree -->":                              "p.md:1: the marker names no scenario",
		"<!-- tree: claim -->\n<!-- /turns -->":                      "p.md:2: <!-- /turns -->: want <!-- /tree --> first",
		"<!-- tree: claim -->\n<!-- tree: claim -->\n<!-- /tree -->": "p.md:2: <!-- tree: claim -->: want",
	} {
		if _, err := Fill("p.md", page, run(t), tables); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", page, err, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	const page = "a\n<!-- table: x -->\nstale\n<!-- /table -->\nb\n"
	got, err := Fill("p.md", page, nil, map[string]string{"x": "| x |\n"})
	want := "a\n<!-- table: x -->\n\n| x |\n\n<!-- /table -->\nb\n"
	if err != nil || got != want {
		t.Errorf("got %q %v, want %q", got, err, want)
	}
	if !HasTables(page) || HasTables("<!-- tree: x -->") || len(Scenarios(page)) > 0 {
		t.Errorf("has tables %t, scenarios %q", HasTables(page), Scenarios(page))
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	var tables map[string]string
	page := `# Page
<!-- ci: something else -->
<!-- tree: scenarios/claim.txtar -->
old
<!-- /tree -->
<!-- turns: scenarios/claim.txtar -->
<!-- /turns -->
<!-- costs: scenarios/claim.txtar -->
<!-- /costs -->
end`
	want := `# Page
<!-- ci: something else -->
<!-- tree: scenarios/claim.txtar -->

` + "```" + `
# A comment.
gateway server GET /x  @t1 root
  gateway client POST  @call
    order server POST /<y>  a=b
      order producer send  @sent
        payment consumer process  remote link(producer)=@sent
  gateway server GET /z  link(previous_turn)=@t1 link(caller)=@call

order internal job  @job
  payment consumer process  link(batch_item)=@job
` + "```" + `

<!-- /tree -->
<!-- turns: scenarios/claim.txtar -->

<table>
<tr><th>claim</th></tr>
<tr>
<td valign="top">

<pre>
GET /x @t1
  payment consumer process link(producer)
  GET /z link(previous_turn)=@t1 link(caller)

order internal job @job
  payment consumer process link(batch_item)=@job
</pre>

</td>
</tr>
</table>

<!-- /turns -->
<!-- costs: scenarios/claim.txtar -->

| scenario | turns | traces | spans | in the largest trace | links | hops | header bytes |
|---|--:|--:|--:|--:|--:|--:|--:|
| claim | 2 | 2 | 3 | 2 | 3 | 2 | 25 |

<!-- /costs -->
end`
	if got := Scenarios(page); !cmp.Equal(got, []string{"claim"}) {
		t.Errorf("scenarios %q", got)
	}
	got, err := Fill("p.md", page, run(t), tables)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("filled (-want +got):\n%s", diff)
	}
	if again, err := Fill("p.md", got, run(t), tables); err != nil || again != got {
		t.Errorf("filling twice changes the page, %v:\n%s", err, cmp.Diff(got, again))
	}
}
