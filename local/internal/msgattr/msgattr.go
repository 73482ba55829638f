// Package msgattr holds what SNS and SQS have in common about the attributes of messages.
package msgattr

import "strings"

// IsNameByte says whether a name may have a character: letters, digits, hyphens and
// underscores. So may ids in batches.
func IsNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// maxDigits is how many significant digits a number has at most. Source: SQS and SNS
// Developer Guides, "message attributes".
const maxDigits = 38

// IsNumber says whether an attribute of type Number may have a value: a decimal number with
// sign, fraction and exponent.
func IsNumber(s string) bool {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(unsigned(s)), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !digits(whole) || !digits(fraction) || len(strings.TrimLeft(whole+fraction, "0")) > maxDigits {
		return false
	}
	if hasExponent {
		exponent = unsigned(exponent)
		return exponent != "" && len(exponent) <= 3 && digits(exponent)
	}
	return true
}

func unsigned(s string) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:]
	}
	return s
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
