package audit

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Canary is a secret that no one else has: where it is found, it came from where it was planted.
type Canary struct {
	Kind    string // what it is: "card with blanks", "e-mail in base64"
	Planted string // where: "gateway POST /checkouts, body"
	Value   string // as it is sent

	core string // lower-case letters that are in it, and in no other
	card string // its digits, for a card number
}

// marker begins every core, so that one search finds all.
const marker = "cnry"

// idLength is the number of letters that tell cores apart: what is cut off behind them is found.
const idLength = 7

// flock makes canaries and remembers them. It is safe for concurrent use.
type flock struct {
	mu     sync.Mutex
	byPlan map[string]*Canary
	byID   map[string]*Canary // by the letters behind the marker
	byCard map[string]*Canary

	decoders []decoder
}

func newFlock() *flock {
	return &flock{byPlan: map[string]*Canary{}, byID: map[string]*Canary{},
		byCard: map[string]*Canary{}, decoders: decoders()}
}

// plant returns the canary of a kind for a place: the same for the same place.
func (f *flock) plant(kind kind, planted string) *Canary {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := kind.name + "\x00" + planted
	if known, ok := f.byPlan[key]; ok {
		return known
	}
	c := &Canary{Kind: kind.name, Planted: planted}
	if kind.card != "" {
		for c.card == "" || f.byCard[c.card] != nil {
			c.card = newCard(kind.card)
		}
		f.byCard[c.card] = c
		c.Value = kind.make(c.card)
	} else {
		id := ""
		for id == "" || f.byID[id] != nil {
			id = letters(idLength)
		}
		f.byID[id] = c
		c.core = marker + id + letters(3)
		c.Value = kind.make(c.core)
	}
	f.byPlan[key] = c
	return c
}

func (f *flock) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byPlan)
}

// kind is a form that secrets have. A card is made from its digits, everything else from a core.
type kind struct {
	name string
	card string // first and last digits and how many: "4/16"
	make func(string) string
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
func rawURL(s string) string   { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
func mail(core string) string  { return core + "@leak.example" }
func same(s string) string     { return s }

func jwt(core string) string {
	return rawURL(`{"alg":"HS256","typ":"JWT"}`) + "." + rawURL(`{"sub":"`+core+`"}`) + "." + rawURL(core)
}

func eachByte(format, s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// grouped puts a separator between groups of four digits.
func grouped(separator string) func(string) string {
	return func(digits string) string {
		var groups []string
		for ; len(digits) > 4; digits = digits[4:] {
			groups = append(groups, digits[:4])
		}
		return strings.Join(append(groups, digits), separator)
	}
}

// opaque is a secret without a form: it can only be told by the name that it goes by.
func opaque() kind { return kind{name: "opaque secret", make: same} }

// token is a card token of the shop's test processor.
func token() kind {
	return kind{name: "card token", make: func(core string) string { return "tok_visa." + core }}
}

// kinds are secrets that can be told by their form, wherever they are.
func kinds() []kind {
	return []kind{
		{name: "e-mail", make: mail},
		{name: "card with blanks", card: "4/16", make: grouped(" ")},
		{name: "card with dashes", card: "5/16", make: grouped("-")},
		{name: "card of 16 digits", card: "4/16", make: same},
		{name: "card of 15 digits", card: "37/15", make: same},
		{name: "card of 13 digits", card: "4/13", make: same},
		{name: "card of 19 digits", card: "6304/19", make: grouped(" ")},
		{name: "JSON web token", make: jwt},
		{name: "bearer token", make: func(c string) string { return "Bearer " + c }},
		{name: "basic credentials", make: func(c string) string { return "Basic " + base64Of("ada:"+c) }},
		{name: "AWS key", make: func(c string) string { return "AKIA" + strings.ToUpper(c) + "Q7" }},
		{name: "password=", make: func(c string) string { return "password=" + c }},
		{name: "URL with a password", make: func(c string) string { return "https://ada:" + c + "@h.example/" }},
		{name: "URL with a token", make: func(c string) string { return "https://h.example/?token=" + c }},
		{name: "e-mail in capitals", make: func(c string) string { return strings.ToUpper(mail(c)) }},
		{name: "e-mail in base64", make: func(c string) string { return base64Of(mail(c)) }},
		{name: "card in base64", card: "4/16", make: rawURL},
		{name: "e-mail in hexadecimal", make: func(c string) string { return hex.EncodeToString([]byte(mail(c))) }},
		{name: "e-mail in HEXADECIMAL", make: func(c string) string {
			return strings.ToUpper(hex.EncodeToString([]byte(mail(c))))
		}},
		{name: "e-mail percent-encoded twice", make: func(c string) string {
			return url.QueryEscape(url.QueryEscape(mail(c)))
		}},
		{name: "e-mail in escapes", make: func(c string) string { return eachByte(`\u%04x`, mail(c)) }},
		{name: "e-mail in base64url", make: func(c string) string { return rawURL("~~" + mail(c)) }},
		{name: "e-mail percent-encoded", make: func(c string) string { return url.QueryEscape(mail(c)) }},
	}
}

// newCard returns a number with a valid check digit (ISO/IEC 7812-1, annex B): "37/15" is of 15
// digits, of which the first are 37.
func newCard(form string) string {
	prefix, length, _ := strings.Cut(form, "/")
	n, _ := strconv.Atoi(length)
	digits := prefix
	for len(digits) < n-1 {
		digits += strconv.Itoa(below(10))
	}
	for last := range 10 {
		if whole := digits + strconv.Itoa(last); luhn(whole) {
			return whole
		}
	}
	panic(fmt.Sprintf("no check digit for %s", form)) // one of ten always fits
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(below(26))
	}
	return string(b)
}

func below(n int64) int {
	i, _ := rand.Int(rand.Reader, big.NewInt(n)) // it never fails, says its documentation
	return int(i.Int64())
}
