package scenario_test

import (
	"testing"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

func TestIgnoreLeavesOutLeavesOnly(t *testing.T) {
	t.Parallel()
	const text = "Claim.\n\n-- turns --\nGET gateway /x\nstatus 200\n-- trace --\n" +
		"gateway server GET /x\n  redis client GET\n    redis client inner\n" +
		"-- ignore --\ndb.system.name=redis\n"
	j := someJourney()
	add := func(id, parent, name string) {
		j.Spans = append(j.Spans, tracetree.Span{
			TraceID: j.Spans[0].TraceID, SpanID: id, ParentID: parent, Service: "redis",
			Kind: "client", Name: name, Start: j.Spans[0].Start,
			Attributes: map[string]any{"db.system.name": "redis"},
		})
	}
	add("a", j.Spans[0].SpanID, "GET") // has a child, so it stays
	add("b", "a", "inner")
	add("c", j.Spans[0].SpanID, "SET")
	j.Spans[2].Attributes = nil
	sc := parse(t, text)
	got, err := scenario.Update(sc, j, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "Claim.\n\n-- turns --\nGET gateway /x\nstatus 200\n\n-- trace --\n" +
		"gateway server GET /x\n  redis client GET\n    redis client inner\n" +
		"\n-- ignore --\ndb.system.name=redis\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
