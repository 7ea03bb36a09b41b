package scenario_test

import (
	"strings"
	"testing"
)

func TestCurlRefusesALetThatSedCannotFind(t *testing.T) {
	t.Parallel()
	sc := parse(t, oneTurn+"let x = body.items[1].sku\nlet y = body.a.items\n-- trace --\nnone\n")
	text, err := sc.Curl("http://lab")
	want := "dir/claim.txtar:7: let x = body.items[1].sku: sed cannot get at it"
	if err == nil || err.Error() != want || text != "" {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCurlSaysWhatItDoesNotCheck(t *testing.T) {
	t.Parallel()
	sc := parse(t, oneTurn+`expect body.items[1].sku = mug
expect body.items[0].sku = mug
expect body.items = [1]
expect body.of = {"a":1}
repeat 3
-- alone --
-- trace --
none
`)
	text, err := sc.Curl("http://lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"LAB=${LAB:-http://lab}\n", "# Nobody else may use the lab meanwhile.\n",
		"while [ $N -lt 3 ]; do\n", "GATEWAY=${GATEWAY:-$(base targets gateway)}\n",
		`call POST "$GATEWAY/things?workflow=${run}"`, "want status \"$STATUS\" 201\n",
		"# not checked here: line 7, body.items[1].sku\n",
		"want 'body.items[0].sku' \"$(json | inside items | first | member sku)\" 'mug'\n",
		"# not checked here: line 9, body.items\n", "# not checked here: line 10, body.of\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "span_id=") {
		t.Errorf("a variable that no turn uses is defined:\n%s", text)
	}
}
