// Package env reads a program's configuration from environment variables and reports everything
// that is wrong with it at once, so that nobody fixes a deployment one restart at a time.
//
// A [Reader] never fails on a read: it remembers the error, returns the default, and tells all
// in [Reader.Err]. A variable that is set to the empty string counts as unset, as the
// OpenTelemetry specification demands for its own (Environment Variable Specification).
package env

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Error says what is wrong with one variable.
type Error struct {
	Name  string // the variable
	Value string // as found, at most 64 bytes, without the password of a URL; empty when unset
	Want  string // what was expected
}

func (e *Error) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s is not set: want %s", e.Name, e.Want)
	}
	return fmt.Sprintf("%s=%q: want %s", e.Name, e.Value, e.Want)
}

// Reader reads variables. It is not safe for concurrent use.
type Reader struct {
	getenv func(string) string
	errs   []error
}

// New returns a reader of getenv, typically os.Getenv. A nil getenv is an empty environment.
func New(getenv func(string) string) *Reader {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	return &Reader{getenv: getenv}
}

// Err returns nil, or the errors of all reads so far, joined; each is an [*Error].
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// String returns the variable, or def when it is unset.
func (r *Reader) String(name, def string) string {
	if v := r.get(name); v != "" {
		return v
	}
	return def
}

// Required returns the variable; an unset one is an error.
func (r *Reader) Required(name string) string {
	v := r.get(name)
	if v == "" {
		r.fail(name, "", "a value")
	}
	return v
}

// URL returns the variable as an absolute http or https URL without query and fragment, and
// without a trailing slash, so that a path can be appended to it.
func (r *Reader) URL(name, def string) string {
	v := r.String(name, def)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.RawQuery != "" || u.Fragment != "" {
		r.fail(name, v, "a URL like http://host:port")
		return def
	}
	return strings.TrimRight(v, "/")
}

// RequiredURL is [Reader.URL] without a default: an unset variable is an error.
func (r *Reader) RequiredURL(name string) string {
	if r.Required(name) == "" {
		return ""
	}
	return r.URL(name, "")
}

// Addr returns the variable as host:port. The host may be empty, which a listener takes as all
// interfaces; the port is a number from 0 to 65535.
func (r *Reader) Addr(name, def string) string {
	v := r.String(name, def)
	if v == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(v)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 0 || n > 65535 {
		r.fail(name, v, "an address like host:port")
		return def
	}
	return v
}

// RequiredAddr is [Reader.Addr] without a default: an unset variable is an error.
func (r *Reader) RequiredAddr(name string) string {
	if r.Required(name) == "" {
		return ""
	}
	return r.Addr(name, "")
}

// Duration returns the variable as a positive duration in Go's form, such as 1m30s.
func (r *Reader) Duration(name string, def time.Duration) time.Duration {
	v := r.get(name)
	if v == "" {
		return def
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		r.fail(name, v, "a positive duration like 500ms or 2h")
		return def
	}
	return d
}

// Int returns the variable as a decimal number between minimum and maximum, inclusive.
func (r *Reader) Int(name string, def, minimum, maximum int) int {
	v := r.get(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < minimum || n > maximum {
		r.fail(name, v, fmt.Sprintf("a number from %d to %d", minimum, maximum))
		return def
	}
	return n
}

// Level returns the variable as a log level: DEBUG, INFO, WARN or ERROR in any case, also with
// an offset such as INFO+2.
func (r *Reader) Level(name string, def slog.Level) slog.Level {
	v := r.get(name)
	if v == "" {
		return def
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(v)); err != nil {
		r.fail(name, v, "DEBUG, INFO, WARN or ERROR")
		return def
	}
	return level
}

// Keys returns secrets of at least 32 bytes each, in base64 (RFC 4648, section 4), from the variable
// or, if NAME_FILE is set instead, from that file; commas and line breaks separate them. At most
// limit are taken; none is no error. An error tells which key is wrong and never shows it, nor what
// stands in NAME_FILE.
func (r *Reader) Keys(name string, limit int) [][]byte {
	text, file := r.get(name), r.get(name+fileSuffix)
	if text != "" && file != "" {
		r.fail(name, hidden, "either this or "+name+fileSuffix)
		return nil
	}
	if file != "" {
		name += fileSuffix
		var err error
		if text, err = readFile(file); err != nil {
			r.fail(name, hidden, "a file that can be read: "+err.Error())
			return nil
		}
	}
	var keys [][]byte
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool {
		return c == ',' || c == '\n' || c == '\r'
	}) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(part)
		if err != nil || len(key) < minKey {
			r.fail(name, fmt.Sprintf("(key %d, hidden)", len(keys)+1), wantKey)
			return nil
		}
		keys = append(keys, key)
	}
	switch {
	case len(keys) > limit:
		r.fail(name, fmt.Sprintf("(%d keys, hidden)", len(keys)), fmt.Sprintf("at most %d", limit))
		return nil
	case file != "" && len(keys) == 0:
		r.fail(name, "(empty file)", wantKey)
	}
	return keys
}

const (
	fileSuffix = "_FILE"
	hidden     = "(hidden)"
	minKey     = 32
	wantKey    = "base64 of at least 32 bytes"
	maxFile    = 64 << 10
)

// readFile returns a file of at most 64 KiB. The error leaves out the path: who mistakes NAME_FILE
// for NAME has put a key there.
func readFile(path string) (text string, err error) {
	f, err := os.Open(path)
	if err == nil {
		defer func() { _ = f.Close() }()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxFile+1)); err == nil && len(data) > maxFile {
			err = fmt.Errorf("larger than %d bytes", maxFile)
		}
		text = string(data)
	}
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return text, err
}

func (r *Reader) get(name string) string { return strings.TrimSpace(r.getenv(name)) }

func (r *Reader) fail(name, value, want string) {
	r.errs = append(r.errs, &Error{Name: name, Value: shorten(hidePassword(value)), Want: want})
}

// hidePassword drops the userinfo of anything that looks like a URL, even a broken one: errors
// end up in logs.
func hidePassword(v string) string {
	at := strings.LastIndexByte(v, '@')
	if at < 0 {
		return v
	}
	start := 0
	if i := strings.Index(v, "://"); i >= 0 && i < at {
		start = i + len("://")
	}
	return v[:start] + "***" + v[at:]
}

func shorten(v string) string {
	const limit = 64
	if len(v) <= limit {
		return v
	}
	return strings.ToValidUTF8(v[:limit-3], "") + "..."
}
