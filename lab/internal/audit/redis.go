package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// atRest adds every key and value of a Redis, and returns how many keys there are. Database 0 is
// the one that the shop uses.
func atRest(ctx context.Context, addr string, add func(Item)) (int, error) {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	n := 0
	keys := client.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		n++
		key := keys.Val()
		add(Item{Surface: "redis", Where: key, Field: "key", Text: key})
		texts, err := valueOf(ctx, client, key)
		if err != nil {
			return n, fmt.Errorf("redis: key %s: %w", key, err)
		}
		for _, field := range slices.Sorted(maps.Keys(texts)) {
			walkText(field, texts[field], func(path, text string) {
				add(Item{Surface: "redis", Where: key, Field: strings.TrimSpace("value " + path), Text: text})
			})
		}
	}
	if err := keys.Err(); err != nil {
		return n, fmt.Errorf("redis at %s: %w", addr, err)
	}
	return n, nil
}

// valueOf returns the texts of a value by their names. A key that has expired has none.
func valueOf(ctx context.Context, c *redis.Client, key string) (map[string]string, error) {
	kind, err := c.Type(ctx, key).Result()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	number := func(list []string, err error) (map[string]string, error) {
		for i, text := range list {
			out[fmt.Sprint(i)] = text
		}
		return out, err
	}
	switch kind {
	case "none":
		return out, nil
	case "string":
		text, err := c.Get(ctx, key).Result()
		if errors.Is(err, redis.Nil) {
			return out, nil
		}
		out[""] = text
		return out, err
	case "hash":
		all, err := c.HGetAll(ctx, key).Result()
		for name := range all {
			out["(name) "+name] = name
		}
		maps.Copy(out, all)
		return out, err
	case "list":
		return number(c.LRange(ctx, key, 0, -1).Result())
	case "set":
		return number(c.SMembers(ctx, key).Result())
	case "zset":
		return number(c.ZRange(ctx, key, 0, -1).Result())
	case "stream":
		entries, err := c.XRange(ctx, key, "-", "+").Result()
		for _, e := range entries {
			for name, value := range e.Values {
				out[e.ID+"."+name] = fmt.Sprint(value)
			}
		}
		return out, err
	}
	return nil, fmt.Errorf("a %s cannot be searched", kind)
}
