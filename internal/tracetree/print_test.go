package tracetree_test

import (
	"strings"
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
	want := `# 3 traces, 9 spans, 2 roots, 401.0ms, 1 orphan, 1 unresolved link

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
# ` + traceID("2") + `: 1 span, 10.0ms, 1 unresolved link
# unresolved: gateway server PUT /checkouts/{id}: link(origin) to span ` + spanID("gone") +
		` of trace ` + traceID("elsewhere") + ` leads nowhere
gateway server PUT /checkouts/{id}  link(previous_turn)=@s1 ` +
		`link(origin)=unresolved  # 10.0ms critical

-- trace --
# ` + traceID("3") + `: 1 span, 1.0ms, 1 orphan
# orphan: payment consumer process orders: its parent ` + spanID("gone") + ` is not here
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

// What a status says, and flags beyond the sampling, stand behind the name.
func TestPrintMessageAndFlags(t *testing.T) {
	t.Parallel()
	j := journey(t, "a server X | status=error message=declined flags=3 error.type=x\n"+
		"  b client Y | flags=1\n")
	j.Spans[0].StatusMessage = "card {declined}"
	got := tracetree.PrintWith(j, tracetree.PrintOptions{})
	want := `a server X  status=error message="card \x7bdeclined}" flags=03 error.type=x
  b client Y
`
	if !strings.HasSuffix(got, want) {
		t.Errorf("printed\n%s\nwant at its end\n%s", got, want)
	}
	if got := expectation(t, got).Match(j, nil); !got.OK {
		t.Errorf("what was printed does not match:\n%s", got.Diff)
	}
}

const linked = `
gateway server POST /checkouts | id=turn1 shop.workflow.id=w1 shop.checkout.id=w1 shop.continuation.strategy=linked

gateway server PUT /checkouts/{id} | id=turn2 link=previous_turn:turn1 shop.workflow.id=w1 shop.checkout.id=w1 shop.continuation.strategy=linked
  gateway client PUT | id=put
    order server PUT /orders/{id} | id=served remote shop.workflow.id=w1 shop.order.id=w1

order consumer fulfil | link=batch_item:turn2 link=batch_item:gone
  order internal pack | shop.workflow.id=w1 shop.order.id=w1
  order internal pack | shop.workflow.id=w2 shop.order.id=w2
`

// Ids of the journey stand at the top, and on a line only where it is about something else.
func TestPrintTellsCommonIDsOnce(t *testing.T) {
	t.Parallel()
	want := `# 3 traces, 7 spans, 3 roots, 7.0ms, 1 link to other workflows
# shop.checkout.id, shop.order.id, shop.workflow.id: w1
# shop.continuation.strategy: linked

-- trace --
# ` + traceID("1") + `: 1 span, 1.0ms
gateway server POST /checkouts  @s1

-- trace --
# ` + traceID("2") + `: 3 spans, 3.0ms
gateway server PUT /checkouts/{id}  @s2 link(previous_turn)=@s1
  gateway client PUT
    order server PUT /orders/{id}

-- trace --
# ` + traceID("3") + `: 3 spans, 3.0ms, 1 link to other workflows
order consumer fulfil  link(batch_item)=@s2 link(batch_item)=unresolved
  order internal pack
  order internal pack  shop.order.id=w2 shop.workflow.id=w2
`
	j := journey(t, linked)
	got := tracetree.PrintWith(j, tracetree.PrintOptions{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	if got := expectation(t, got).Match(j, nil); !got.OK {
		t.Errorf("what was printed does not match:\n%s", got.Diff)
	}
}

func TestPrintWire(t *testing.T) {
	t.Parallel()
	j := journey(t, linked)
	hop := func(id, direction string, headers ...string) {
		l := tracetree.Log{TraceID: traceID("2"), SpanID: spanID(id), Severity: "DEBUG",
			Body: direction, Attributes: map[string]any{"shop.wire.direction": direction}}
		for i := 0; i < len(headers); i += 2 {
			l.Attributes[headers[i]] = []any{headers[i+1]}
		}
		j.Logs = append(j.Logs, l)
	}
	hop("turn2", "received")
	hop("put", "sent", "shop.baggage.members", "plan",
		"http.request.header.traceparent", "00-a-b-01", "http.request.header.tracestate", "x=\n")
	hop("served", "received", "rpc.request.metadata.traceparent", "00-a-b-01",
		"rpc.request.metadata.b3", "0")
	// Somebody else's message of the same text is no hop.
	j.Logs = append(j.Logs, tracetree.Log{TraceID: traceID("2"), SpanID: spanID("put"),
		Body: "sent", Attributes: map[string]any{"traceparent": "no"}})
	want := `
gateway server PUT /checkouts/{id}  @s2 link(previous_turn)=@s1
  # received no trace context
  gateway client PUT
    # sent traceparent: 00-a-b-01
    # sent tracestate: "x=\n"
    # sent baggage: plan
    order server PUT /orders/{id}
      # received traceparent: 00-a-b-01
      # received b3: 0
`
	got := tracetree.PrintWith(j, tracetree.PrintOptions{Wire: true})
	if !strings.Contains(got, want) {
		t.Errorf("printed\n%s\nwant in it\n%s", got, want)
	}
	if got := expectation(t, got).Match(j, nil); !got.OK {
		t.Errorf("what was printed does not match:\n%s", got.Diff)
	}
}

func TestPrintWithNothingAdded(t *testing.T) {
	t.Parallel()
	want := "# 1 trace, 1 span, 1 root, 1.0ms\n\n-- trace --\n# " + traceID("1") +
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
