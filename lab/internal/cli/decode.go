package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"example.com/throughline/lab/internal/decode"
)

// maxKeyFile bounds a key: 32 bytes are usual.
const maxKeyFile = 4096

func decodeCommand() command {
	return command{
		name: "decode", args: "[HEADER ...]",
		short: "say what is valid in a trace header, what is not, and why",
		about: `
Reads headers that carry a trace context and explains each field by the rules
of W3C Trace Context, W3C Baggage and B3:

  lab decode 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  lab decode traceparent=00-... tracestate=congo=t61rcWkgMzE
  lab decode 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
  curl -sv localhost:8080/checkouts/x 2>&1 | lab decode

Several headers are taken to be of one message. Without arguments they are read
from standard input, where lines that are no such header do not matter.
Exit code 1: something is invalid.`,
		setup: func(f *flags) func(context.Context, console, []string) error {
			key := f.String("key", "", "`FILE` with the secret that signs our tracestate member")
			workflow := f.String("workflow", "", "`ID` that a signed context was issued for")
			return func(_ context.Context, c console, args []string) error {
				return decodeHeaders(c, args, *key, *workflow)
			}
		},
	}
}

func decodeHeaders(c console, args []string, keyFile, workflow string) error {
	options := decode.Options{Workflow: workflow, Now: time.Now()}
	if keyFile != "" {
		key, err := readKey(keyFile)
		if err != nil {
			return err
		}
		options.Key = key
	}
	headers, err := headers(c, args)
	if err != nil {
		return err
	}
	lines := decode.All(headers, options)
	c.printf("%s", decode.Format(lines))
	if decode.Worst(lines) == decode.Invalid {
		return errFailed
	}
	return nil
}

func readKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("lab decode: --key: %w", err)
	}
	if len(key) == 0 || len(key) > maxKeyFile {
		return nil, usagef("lab decode: --key: %s has %d bytes, want 1 to %d",
			file, len(key), maxKeyFile)
	}
	return key, nil
}

func headers(c console, args []string) ([]decode.Header, error) {
	var found []decode.Header
	for _, arg := range args {
		h, err := decode.ParseHeader(arg)
		if err != nil {
			return nil, usagef("lab decode: %w", err)
		}
		found = append(found, h)
	}
	if len(args) > 0 {
		return found, nil
	}
	lines := bufio.NewScanner(c.in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if h, err := decode.ParseHeader(lines.Text()); err == nil {
			found = append(found, h)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("lab decode: standard input: %w", err)
	}
	if len(found) == 0 {
		return nil, usagef("lab decode: no header that carries trace context in standard input; "+
			"see %s", strings.TrimSpace("`lab decode --help`"))
	}
	return found, nil
}
