package redact

import "strings"

// maxGroup is the longest group of digits that is followed by another: 4-4-4-4 and 4-6-5 are how
// cards are printed. A UUID begins with a group of eight, and some have digits enough for a card
// in their first three groups: losing such an instance's id would lose the instance.
const maxGroup = 6

// cards replaces the payment card numbers in s. Digits may be grouped with
// blanks, hyphens or plus signs; a number begins where a group begins. It has 13
// to 19 digits, begins with 2 to 6 as those of the large networks do (time stamps
// begin with 1), and its last digit is right. Digits inside a hexadecimal id are
// not looked at.
func cards(s string) string {
	if count(s) < 13 {
		return s
	}
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) || i > 0 && hex(s[i-1]) {
			continue
		}
		if end := card(s[i:]); end > 0 {
			_, _ = b.WriteString(s[done:i])
			_, _ = b.WriteString("[card]")
			i += end - 1
			done = i + 1
		}
	}
	return b.String() + s[done:]
}

// card returns the length of the longest card number that s begins with, or 0.
func card(s string) int {
	var digits []byte
	end, group := 0, 0 // group: digits since the last separator
	for i := 0; i < len(s) && len(digits) <= 19; i++ {
		switch {
		case digit(s[i]):
			digits = append(digits, s[i]-'0')
			group++
			last := i+1 == len(s) || !hex(s[i+1])
			if last && valid(digits) {
				end = i + 1
			}
		case strings.IndexByte(" -+", s[i]) < 0 || i+1 == len(s) || !digit(s[i+1]) ||
			group > maxGroup:
			return end
		default:
			group = 0
		}
	}
	return end
}

// valid is the Luhn check, with the bounds that make chance hits rare.
func valid(digits []byte) bool {
	n := len(digits)
	if n < 13 || n > 19 || digits[0] < 2 || digits[0] > 6 {
		return false
	}
	sum := 0
	for i, d := range digits {
		v := int(d)
		if (n-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

func count(s string) int {
	n := 0
	for i := range len(s) {
		if digit(s[i]) {
			n++
		}
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func hex(c byte) bool { return digit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
