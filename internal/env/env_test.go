package env_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/env"
)

func reader(vars map[string]string) *env.Reader {
	return env.New(func(name string) string { return vars[name] })
}

func TestAllErrorsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"URL": "ftp://user:secret@host/", "BASE": "http://host?x=1", "ADDR": "nowhere",
		"PORT": "host:70000", "DUR": "-1s", "INT": "11", "TEXT": "ten", "LEVEL": "LOUD",
		"LONG": strings.Repeat("9", 1000), "BROKEN": "http://user:secret@ho st",
	}
	r := reader(vars)
	r.URL("URL", "")
	r.URL("BASE", "")
	r.URL("BROKEN", "")
	r.Addr("ADDR", "")
	r.Addr("PORT", "")
	r.Duration("DUR", 0)
	r.Int("INT", 1, 1, 10)
	r.Int("TEXT", 1, 1, 10)
	r.Int("LONG", 1, 1, 10)
	r.Level("LEVEL", 0)
	r.Required("MISSING")
	r.RequiredURL("MISSING_URL")
	r.RequiredAddr("MISSING_ADDR")

	err := r.Err()
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if want := len(vars) + 3; len(lines) != want {
		t.Errorf("%d errors, want %d:\n%v", len(lines), want, err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a password: %v", err)
	}
	for _, line := range lines {
		if len(line) > 200 {
			t.Errorf("error of %d bytes, want the value shortened", len(line))
		}
	}
	var one *env.Error
	if !errors.As(err, &one) || one.Name != "URL" {
		t.Errorf("first error = %+v, want that of URL", one)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	r := reader(map[string]string{
		"S": " text ", "URL": "https://host:1/base/", "ADDR": ":8080", "DUR": "1m30s",
		"INT": "10", "LEVEL": "debug",
	})
	check(t, "String", r.String("S", "d"), "text")
	check(t, "Required", r.Required("S"), "text")
	check(t, "URL", r.URL("URL", ""), "https://host:1/base")
	check(t, "RequiredURL", r.RequiredURL("URL"), "https://host:1/base")
	check(t, "Addr", r.Addr("ADDR", ""), ":8080")
	check(t, "RequiredAddr", r.RequiredAddr("ADDR"), ":8080")
	check(t, "Duration", r.Duration("DUR", 0), 90*time.Second)
	check(t, "Int", r.Int("INT", 1, 1, 10), 10)
	check(t, "Level", r.Level("LEVEL", slog.LevelInfo), slog.LevelDebug)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("YWFh", 11), strings.Repeat("YmJi", 11) // 33 bytes each
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, vars := range map[string]map[string]string{
		"list":  {"K": a + ", " + b},
		"file":  {"K_FILE": file(a + "\r\n\n " + b + "\n")},
		"comma": {"K_FILE": file(a + "," + b)},
	} {
		r := reader(vars)
		keys := r.Keys("K", 2)
		if r.Err() != nil || len(keys) != 2 || string(keys[1]) != strings.Repeat("b", 33) {
			t.Errorf("%s: %q, %v, want two keys in their order", name, keys, r.Err())
		}
	}
	if r := reader(nil); r.Keys("K", 2) != nil || r.Err() != nil {
		t.Error("unset: want no key and no error")
	}
	short := a[:40]
	for name, test := range map[string]struct {
		vars map[string]string
		want string
	}{
		"short":         {map[string]string{"K": a + "," + short}, "K=\"(key 2, hidden)\""},
		"no base64":     {map[string]string{"K": "!" + a[1:]}, "K=\"(key 1, hidden)\""},
		"too many":      {map[string]string{"K": a + "," + b + "," + a}, "at most 2"},
		"both":          {map[string]string{"K": a, "K_FILE": file(b)}, "K_FILE"},
		"short in file": {map[string]string{"K_FILE": file(short)}, "K_FILE"},
		"empty file":    {map[string]string{"K_FILE": file("\n")}, "K_FILE"},
		"huge file":     {map[string]string{"K_FILE": file(strings.Repeat(a, 2000))}, "larger than"},
		"key as file":   {map[string]string{"K_FILE": a}, "no such file"},
		"directory":     {map[string]string{"K_FILE": t.TempDir()}, "K_FILE"},
	} {
		r := reader(test.vars)
		keys := r.Keys("K", 2)
		text := fmt.Sprint(r.Err())
		if keys != nil || !strings.Contains(text, test.want) || strings.Contains(text, "YWFh") ||
			strings.Contains(text, "YmJi") {
			t.Errorf("%s: %d keys, error %v, want one that says %q and shows no key",
				name, len(keys), text, test.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	r := env.New(nil)
	check(t, "String", r.String("S", "d"), "d")
	check(t, "URL", r.URL("URL", "http://d"), "http://d")
	check(t, "URL without default", r.URL("URL", ""), "")
	check(t, "Addr", r.Addr("ADDR", "d:1"), "d:1")
	check(t, "Addr without default", r.Addr("ADDR", ""), "")
	check(t, "Duration", r.Duration("DUR", time.Second), time.Second)
	check(t, "Int", r.Int("INT", 5, 1, 10), 5)
	check(t, "Level", r.Level("LEVEL", slog.LevelWarn), slog.LevelWarn)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
