package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Item is one text in one place.
type Item struct {
	Surface string // span, log, metric, stdout, redis, webhook, event, answer, baggage
	Service string // who it came from, if that is known
	Where   string // which span, record, key
	Field   string // what of it: name, attribute user_agent.original, label server.address
	Text    string
}

// walk calls add for every text in a value decoded from JSON, names of members included.
func walk(path string, v any, add func(path, text string)) {
	join := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			add(join("(name)"), name)
			walk(join(name), v[name], add)
		}
	case []any:
		for i, each := range v {
			walk(join(strconv.Itoa(i)), each, add)
		}
	case nil, bool:
	default:
		add(path, fmt.Sprint(v))
	}
}

// walkText is walk for a text that may be JSON; anything else is one text.
func walkText(path, text string, add func(path, text string)) {
	var v any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	begins := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
	if !begins || decoder.Decode(&v) != nil || decoder.More() {
		add(path, text)
		return
	}
	walk(path, v, add)
}

// lines adds what was printed on stdout: one object a line, or anything.
func lines(text string, add func(Item)) int {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		var head struct {
			Msg string `json:"msg"`
		}
		_ = json.Unmarshal([]byte(line), &head) // a line of anything has no message
		walkText("", line, func(path, text string) {
			add(Item{Surface: "stdout", Where: head.Msg, Field: path, Text: text})
		})
	}
	return n
}
