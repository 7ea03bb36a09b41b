package tracetree_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/tracetree"
)

const checkout = `
gateway server POST /checkouts | id=turn1 start=0 end=100 shop.workflow.id=c-1
  gateway client POST | start=10 end=80
    order server POST /orders | remote start=12 end=82 status=error error.type=500 http.route=/x
      order internal price | start=20 end=50
      order internal reserve | start=20 end=60
      order internal notify | start=70 end=200
  gateway internal store | start=85 end=95

gateway server PUT /checkouts/{id} | start=300 end=310 link=previous_turn:turn1 link=origin:gone

payment consumer process orders | parent=gone remote start=400 end=401
`

func TestPrint(t *testing.T) {
	t.Parallel()
	j := journey(t, checkout)
	want := `# 3 traces, 9 spans, 2 roots, 1 orphan

-- trace --
# ` + traceID("1") + `: 7 spans, 200.0ms
gateway server POST /checkouts  @s1 shop.workflow.id=c-1    # 100.0ms critical
  gateway client POST                                       # 70.0ms critical
    order server POST /orders  status=error error.type=500  # 70.0ms critical
      order internal price                                  # 30.0ms
      order internal reserve                                # 40.0ms critical
      order internal notify                                 # 130.0ms
  gateway internal store                                    # 10.0ms critical

-- trace --
# ` + traceID("2") + `: 1 span, 10.0ms
gateway server PUT /checkouts/{id}  link(previous_turn)=@s1 ` +
		`link(origin)=unresolved  # 10.0ms critical

-- trace --
# ` + traceID("3") + `: 1 span, 1.0ms, 1 orphan
payment consumer process orders  orphan remote  # 1.0ms critical
`
	if diff := cmp.Diff(want, tracetree.Print(j)); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	for _, o := range []tracetree.PrintOptions{{}, {Durations: true}, {Critical: true}} {
		x := expectation(t, tracetree.PrintWith(j, o))
		if got := x.Match(j, nil); !got.OK {
			t.Errorf("%+v: what was printed does not match:\n%s", o, got.Diff)
		}
	}
}

func TestPrintWithNothingAdded(t *testing.T) {
	t.Parallel()
	want := "# 1 trace, 1 span, 1 root\n\n-- trace --\n# " + traceID("1") +
		": 1 span, 1.0ms\n\"a b\" server \"two  spaces\"\n"
	j := journey(t, "a server X\n")
	j.Spans[0].Service, j.Spans[0].Name = "a b", "two  spaces"
	if diff := cmp.Diff(want, tracetree.PrintWith(j, tracetree.PrintOptions{})); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestPrintedValuesAreLiteral(t *testing.T) {
	t.Parallel()
	j := journey(t, "a server X\n")
	j.Spans[0].Attributes = map[string]any{"shop.note": "{id}", "error.type": "*",
		"shop.raw": "\xff\x00é"}
	text := tracetree.PrintWith(j, tracetree.PrintOptions{})
	vars := map[string]string{"id": "something else"}
	if got := expectation(t, text).Match(j, vars); !got.OK {
		t.Errorf("a variable was filled in, or a star taken for any value:\n%s", got.Diff)
	}
	j.Spans[0].Attributes["error.type"] = "500"
	if got := expectation(t, text).Match(j, vars); got.OK {
		t.Errorf("a printed star matches any value:\n%s", text)
	}
}
