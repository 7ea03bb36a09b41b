package redact

import "strings"

// minRun is the length from which a run of letters and digits may hide a secret
// in base64: 16 characters are 12 bytes.
const minRun = 16

// marks are what a text has that some secret needs: most texts have none, and are
// read once and no more.
type marks struct {
	at       bool // @, of an e-mail address
	params   bool // ? or &
	assigned bool // = or :
	blank    bool // white space or +, of "Bearer x"
	escaped  bool // %, \ or &
	digits   bool // enough for a card number
	token    bool // a long run with a capital, an underscore or a dash in it
	hex      bool // a long run of hexadecimal digits
}

func (r *Redactor) read(s string) marks {
	var m marks
	digits, run, hexes := 0, 0, 0
	special := false // in this run
	for i := range len(s) {
		c := s[i]
		if class := r.classes[c]; class&inRun != 0 {
			run++
			special = special || class&isSpecial != 0
			if class&isHex != 0 {
				hexes++
				m.hex = m.hex || hexes >= 2*minDigits
			} else {
				hexes = 0
			}
			if class&isDigit != 0 {
				digits++
			}
			m.token = m.token || special && run >= minRun ||
				c == 'J' && strings.HasSuffix(s[:i], "ey") || // of a JWT, whose parts may be short
				c == '-' && strings.HasSuffix(s[:i], "----") // of a key in PEM
			m.blank = m.blank || c == '+'
			continue
		}
		run, hexes, special = 0, 0, false
		switch c {
		case '@':
			m.at = true
		case '?':
			m.params = true
		case '&':
			m.params, m.escaped = true, true
		case '=', ':':
			m.assigned = true
		case ' ', '\t', '\n', '\r':
			m.blank = true
		case '%', '\\':
			m.escaped = true
		}
	}
	m.digits = digits >= minDigits
	return m
}

// What a byte may be part of.
const (
	inRun     = 1 << iota // of base64, base64url or a token
	isSpecial             // what ids in lower case do not have
	isHex
	isDigit
)

// classes has for each byte what it may be part of.
type classes [256]byte

func newClasses() (table classes) {
	for i := range table {
		c := byte(i)
		if runs(c) {
			table[i] = inRun
			if c != '/' && !digit(c) && (c < 'a' || c > 'z') {
				table[i] |= isSpecial
			}
		}
		if hex(c) {
			table[i] |= isHex
		}
		if digit(c) {
			table[i] |= isDigit
		}
	}
	return table
}

// runs reports whether c is of the alphabet of base64 or base64url.
func runs(c byte) bool {
	return letter(c) || digit(c) || c == '+' || c == '/' || c == '-' || c == '_'
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func hex(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
