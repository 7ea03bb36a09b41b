package scenario_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"example.com/throughline/internal/scenario"
)

// Every file of testdata/bad ends with a section error: what the message must contain behind the
// file's name.
func TestBadFilesAreRefusedWithFileAndLine(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(files) < 80 {
		t.Fatalf("bad files: %d, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(data), "-- error --\n")
			want = strings.TrimSpace(want)
			sc, err := scenario.Parse("bad.txtar", []byte(text))
			if sc != nil || err == nil {
				t.Fatalf("parsed, want an error with %q", want)
			}
			var at *scenario.Error
			if !errors.As(err, &at) || at.Line == 0 {
				t.Errorf("error has no line: %v", err)
			}
			if want[0] >= '0' && want[0] <= '9' {
				want = "bad.txtar:" + want
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
			if n := len(strings.Split(err.Error(), "\n")); n > 1 {
				t.Errorf("%d errors, want one:\n%v", n, err)
			}
		})
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := scenario.Parse("dir/many.txtar", []byte(`Claim.

-- turns --
GET gateway /x
wrong
status 9
-- trace --
gateway sever GET /x
 gateway server GET /x
-- what --
`))
	want := `dir/many.txtar:5: "wrong" is not a request, header, body or directive
dir/many.txtar:6: status "9": want a number from 100 to 599
dir/many.txtar:8: span kind "sever": want internal, server, client, producer, consumer, unspecified
dir/many.txtar:9: indented by 1 spaces: a generation is two
dir/many.txtar:10: unknown section "what": want turns, trace, logs, metrics, absent, ignore, alone, faults or mended-by`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

const small = `The claim.

Why it holds,
in two lines.

-- turns --
GET gateway /x
status 200
-- trace --
gateway server GET /x
`

func TestParse(t *testing.T) {
	t.Parallel()
	sc, err := scenario.Parse("some/where/a-name.txtar",
		[]byte(small+"-- faults --\na-fault\n-- mended-by --\nthe-other\n"))
	if err != nil {
		t.Fatal(err)
	}
	if sc.Name != "a-name" || sc.Title != "The claim." ||
		sc.Prose != "Why it holds,\nin two lines." || sc.MendedBy != "the-other" ||
		len(sc.Faults) != 1 || sc.Faults[0] != "a-fault" {
		t.Errorf("got %+v", sc)
	}
}

func TestAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		small:                                   false,
		small + "-- alone --\n":                 true,
		small + "-- alone --\n# c\n\na batch\n": true,
	} {
		sc := parse(t, text)
		if sc.Alone != want || sc.Private() != want {
			t.Errorf("alone %v, private %v, want %v:\n%s", sc.Alone, sc.Private(), want, text)
		}
	}
	if sc := parse(t, small+"-- faults --\nf\n-- mended-by --\ng\n"); sc.Alone || !sc.Private() {
		t.Errorf("with faults: alone %v, private %v, want false and true", sc.Alone, sc.Private())
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"b/b.txtar":   {Data: []byte(small)},
		"a.txtar":     {Data: []byte(small)},
		"bad.txtar":   {Data: []byte("x")},
		"twice/a.txt": {Data: []byte(small)},
		"b/a.txtar":   {Data: []byte(small)},
	}
	for pattern, want := range map[string]string{
		"none*":     `pattern "none*" matches no file`,
		"[":         `pattern "["`,
		"bad.txtar": "bad.txtar:1: no section turns",
		"b/a.txtar": "scenario a is both a.txtar and b/a.txtar",
	} {
		_, err := scenario.Load(fsys, "a.txtar", pattern)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): got %v, want %s", pattern, err, want)
		}
	}
	scs, err := scenario.Load(fsys, "b/b.txtar", "a.*", "a.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(scs) != 2 || scs[0].Name != "a" || scs[1].Name != "b" || scs[1].File != "b/b.txtar" {
		t.Errorf("got %d scenarios: %v", len(scs), scs)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, data string) {
		sc, err := scenario.Parse("fuzz.txtar", []byte(data))
		if (sc == nil) == (err == nil) {
			t.Fatalf("got %v, %v", sc, err)
		}
		if sc == nil {
			return
		}
		// An accepted file survives being rewritten from whatever arrived.
		updated, err := scenario.Update(sc, someJourney(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scenario.Parse("fuzz.txtar", updated); err != nil {
			t.Errorf("updated file is refused: %v\n%s", err, updated)
		}
	})
}
