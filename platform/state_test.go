package platform_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// customer is the one field of an order that holds what a customer has typed.
var customer = regexp.MustCompile(`"customer":"[^"]*"`)

// dump returns all keys with a prefix, and all that they hold.
func dump(t *testing.T, client *redis.Client, prefix string) string {
	t.Helper()
	var b strings.Builder
	ctx := t.Context()
	keys, err := client.Keys(ctx, prefix+"*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		var value any
		switch kind := client.Type(ctx, key).Val(); kind {
		case "string":
			value, err = client.Get(ctx, key).Result()
		case "hash":
			value, err = client.HGetAll(ctx, key).Result()
		case "zset":
			value, err = client.ZRangeWithScores(ctx, key, 0, -1).Result()
		case "set":
			value, err = client.SMembers(ctx, key).Result()
		case "list":
			value, err = client.LRange(ctx, key, 0, -1).Result()
		case "stream":
			value, err = client.XRange(ctx, key, "-", "+").Result()
		default:
			err = fmt.Errorf("type %s", kind)
		}
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		fmt.Fprintf(&b, "%s %v\n", key, value)
	}
	return b.String()
}
