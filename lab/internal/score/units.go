package score

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// checkUnit returns why a unit is not useful: empty, or no unit of UCUM (its
// case-sensitive form). UCUM defines some 300 units; known here are those that
// telemetry measures in, with all prefixes.
func checkUnit(unit string) error {
	if unit == "" {
		return fmt.Errorf("no unit")
	}
	bare := annotation.ReplaceAllString(unit, "")
	if strings.ContainsAny(bare, "{}") {
		return fmt.Errorf("unit %q: a brace without its other half", unit)
	}
	for _, term := range strings.FieldsFunc(bare, func(r rune) bool { return r == '.' || r == '/' }) {
		if !factor.MatchString(term) && !isUnit(exponent.ReplaceAllString(term, "")) {
			return fmt.Errorf("unit %q: UCUM has no %q", unit, term)
		}
	}
	return nil
}

var (
	annotation = regexp.MustCompile(`\{[!-z|~]*\}`)        // {request}: printable, no braces
	factor     = regexp.MustCompile(`^(10[*^][+-]?)?\d+$`) // 1, 100, 10*3
	exponent   = regexp.MustCompile(`[+-]?\d+$`)           // m2, s-1
)

// isUnit knows an atom with or without a prefix.
func isUnit(term string) bool {
	const whole = " % [ppth] [ppm] [ppb] min h d wk mo a deg ' '' [degF] [in_i] [ft_i] [mi_i] "
	const metric = " m s g rad K cd C mol Cel J W V A N Pa Hz Ohm S Wb T H F lm lx Bq Gy Sv L l bit By " +
		"Bd eV bar t u B "
	const prefixes = " Y Z E P T G M k h da d c m u n p f a z y Ki Mi Gi Ti "
	has := func(list, word string) bool {
		return word != "" && strings.Contains(list, " "+word+" ")
	}
	if has(whole, term) || has(metric, term) {
		return true
	}
	for length := 1; length <= 2 && length < len(term); length++ {
		if has(prefixes, term[:length]) && has(metric, term[length:]) {
			return true
		}
	}
	return false
}

// isNameOf tells whether a word of a metric's name is its unit, spelled out or not.
func isNameOf(word, unit string) bool {
	names := map[string][]string{
		"s": {"second", "seconds", "sec", "secs"}, "ms": {"millisecond", "milliseconds", "millis"},
		"us": {"microsecond", "microseconds", "micros"}, "ns": {"nanosecond", "nanoseconds", "nanos"},
		"min": {"minute", "minutes"}, "h": {"hour", "hours"}, "d": {"day", "days"},
		"By": {"byte", "bytes"}, "KiBy": {"kibibyte", "kibibytes", "kib"},
		"kBy": {"kilobyte", "kilobytes", "kb"}, "MiBy": {"mebibyte", "mebibytes", "mib"},
		"MBy": {"megabyte", "megabytes", "mb"}, "GiBy": {"gibibyte", "gibibytes", "gib"},
		"GBy": {"gigabyte", "gigabytes", "gb"}, "bit": {"bit", "bits"},
		"%": {"percent", "percentage", "pct"}, "Cel": {"celsius"}, "Hz": {"hertz"},
		"J": {"joule", "joules"}, "W": {"watt", "watts"}, "V": {"volt", "volts"},
	}
	word = strings.ToLower(word)
	return slices.Contains(names[unit], word) ||
		len(unit) > 1 && word == strings.ToLower(unit)
}
