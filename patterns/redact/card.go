package redact

import "strings"

// minDigits and maxDigits are those of a card number (ISO/IEC 7812-1).
const minDigits, maxDigits = 13, 19

// maxGroup is the longest group of digits that is followed by another: 4-4-4-4 and 4-6-5 are how
// cards are printed. A UUID begins with a group of eight, and some have digits enough for a card
// in their first three groups: losing such an instance's id would lose the instance.
const maxGroup = 6

// cards replaces the payment card numbers in s. Digits may be grouped; a number begins where a
// group begins. It has 13 to 19 digits, begins with 2 to 6 as those of the large networks do (time
// stamps begin with 1), and its last digit is right. Digits of a word that is hexadecimal are an
// id, and not looked at.
func cards(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) || i > 0 && (digit(s[i-1]) || letter(s[i-1]) && inID(s, i)) {
			continue
		}
		if end := card(s[i:]); end > 0 && !(end+i < len(s) && letter(s[i+end]) && inID(s, i+end)) {
			_, _ = b.WriteString(s[done:i])
			_, _ = b.WriteString("[card]")
			i += end - 1
			done = i + 1
		}
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// HasCard reports whether s has a payment card number in it, for input that must not be kept at all.
func HasCard(s string) bool { return cards(s) != s }

// card returns the length of the longest card number that s begins with, or 0.
func card(s string) int {
	var digits [maxDigits]byte
	n, group, end := 0, 0, 0 // group: digits since the last separator
	for i := 0; i < len(s); {
		if digit(s[i]) {
			if n == maxDigits {
				return end
			}
			digits[n] = s[i] - '0'
			n++
			group++
			if i++; (i == len(s) || !digit(s[i])) && valid(digits[:n]) {
				end = i
			}
			continue
		}
		width := separator(s[i:], group)
		if width == 0 || group > maxGroup {
			return end
		}
		i += width
		group = 0
	}
	return end
}

// separator returns the length of what stands between two groups of digits, the first of the given
// size, or 0. A point, a stroke or an underscore is one between groups as cards have them: dates,
// versions and addresses have smaller ones.
func separator(s string, group int) int {
	width := 0
	for width < len(s) && !digit(s[width]) {
		switch {
		case strings.IndexByte(" -+\t", s[width]) >= 0,
			strings.IndexByte("._/", s[width]) >= 0 && group >= 3:
			width++
		case strings.HasPrefix(s[width:], "\u00a0"): // a blank that does not break
			width += len("\u00a0")
		case strings.HasPrefix(s[width:], "\u2013"): // a dash
			width += len("\u2013")
		default:
			return 0
		}
		if width > 3 {
			return 0
		}
	}
	if width == len(s) {
		return 0
	}
	return width
}

// inID reports whether the word around i is hexadecimal, with letters. Of a longer word than any id
// the nearest 128 characters to each side are looked at.
func inID(s string, i int) bool {
	word := func(c byte) bool { return digit(c) || letter(c) }
	from, to := i, i
	for from > max(0, i-128) && word(s[from-1]) {
		from--
	}
	for to < min(len(s), i+128) && word(s[to]) {
		to++
	}
	letters := false
	for _, c := range []byte(s[from:to]) {
		if !hex(c) {
			return false
		}
		letters = letters || !digit(c)
	}
	return letters
}

// valid is the Luhn check, with the bounds that make chance hits rare.
func valid(digits []byte) bool {
	n := len(digits)
	if n < minDigits || n > maxDigits || digits[0] < 2 || digits[0] > 6 {
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
