package audit

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"crypto/rand"
)

// headers are those in which secrets travel, and those in which nobody expects them. The forms
// change from turn to turn.
func (a aim) headers(turn int) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	set := func(name string, value func(secret string) string) {
		k := kinds()[(turn+len(h))%len(kinds())]
		h.Set(name, value(a.plant(k, "header "+name)))
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		h.Set(name, kinds()[8+turn%2].make("")+a.plant(opaque(), "header "+name))
	}
	h.Set("Cookie", "session="+a.plant(opaque(), "header Cookie")+"; theme=dark; sid=s%3A"+
		a.plant(opaque(), "header Cookie"))
	for _, name := range []string{"Set-Cookie", "X-Api-Key", "X-Auth-Token"} {
		h.Set(name, a.plant(opaque(), "header "+name))
	}
	set("User-Agent", func(s string) string { return "curl/8.5.0 (" + s + ") " + s })
	for _, name := range []string{
		"Referer", "Origin", "From", "Accept", "Accept-Language", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "Forwarded", "Via", "X-Request-Id", "X-Custom", "Idempotency-Key",
		"Last-Event-ID", "If-None-Match", "B3", "X-B3-TraceId", "Root-Traceparent",
	} {
		set(name, same)
	}
	// Names are a caller's as well: of headers, of cookies, of what stands behind a semicolon.
	name := kinds()[[...]int{2, 3, 4, 10}[turn%4]]
	h.Set("X-"+a.plant(name, "name of a header"), "1")
	h.Add("Cookie", a.plant(name, "name of a cookie")+"=1")
	h.Set("Content-Type", `application/json; charset=utf-8; note="`+a.plant(opaque(), "content type")+`"`)
	h.Set("Traceparent", traceparent())
	if turn%4 == 3 {
		set("Traceparent", same)
	}
	h.Set("Tracestate", a.tracestate(turn))
	h.Set("Baggage", a.baggage(turn))
	return h
}

// tracestate has members with secrets as values, and one that it may keep.
func (a aim) tracestate(turn int) string {
	members := []string{"kept=1"}
	for i, k := range kinds() {
		value := a.plant(k, "header tracestate")
		if (i+turn)%4 == 0 && !strings.ContainsAny(value, ",=") {
			members = append(members, "m"+string(rune('a'+i))+"="+value)
		}
	}
	key := kinds()[3+turn%3] // digits, as a key may have
	return strings.Join(append(members, a.plant(key, "key in tracestate")+"=1",
		"token="+a.plant(opaque(), "header tracestate")), ",")
}

// baggage has members with secrets as values, the one that the shop knows among them.
func (a aim) baggage(turn int) string {
	members := []string{"session=" + a.plant(opaque(), "header baggage")}
	name := "shop.channel"
	for i, k := range kinds() {
		if (i+turn)%4 == 0 {
			members = append(members, name+"="+url.PathEscape(a.plant(k, "header baggage")))
			name = "note" + string(rune('a'+i))
		}
	}
	k := kinds()[2+turn%4]
	return strings.Join(append(members, a.plant(k, "key in baggage")+"=1",
		"shop.channel=web;note="+a.plant(k, "property in baggage")+";"+
			a.plant(k, "key of a property in baggage")), ",")
}

// traceparent is a stranger's, sampled.
func traceparent() string {
	ids := make([]byte, 24)
	_, _ = rand.Read(ids) // it never fails, says its documentation
	return "00-" + hex.EncodeToString(ids[:16]) + "-" + hex.EncodeToString(ids[16:]) + "-01"
}
