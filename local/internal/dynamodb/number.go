package dynamodb

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Numbers are kept as canonical text: no exponent, no leading or trailing
// zeros, no negative zero; equal numbers are equal strings. Range and precision
// are DynamoDB's: up to 38 significant digits, magnitude from 1E-130 to
// 9.99…E+125.
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

const (
	msgNotNumeric = "The parameter cannot be converted to a numeric value"
	msgDigits     = "Attempting to store more than 38 significant digits in a Number"
	msgOverflow   = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	msgUnderflow  = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)

// canonicalNumber checks the text of a number and returns its canonical form,
// or DynamoDB's message about what is wrong with it.
func canonicalNumber(s string) (canonical, problem string) {
	if isPlainInteger(s) {
		return s, ""
	}
	if s == "" {
		return "", msgNotNumeric
	}
	neg, digits, exp, ok := scanNumber(s)
	if !ok {
		return "", msgNotNumeric + ": " + s
	}
	return formatNumber(neg, digits, exp)
}

// isPlainInteger recognizes the common case that is canonical already.
func isPlainInteger(s string) bool {
	d := s
	if len(d) > 1 && d[0] == '-' {
		d = d[1:]
	}
	if len(d) == 0 || len(d) > 18 || d[0] == '0' && (len(d) > 1 || len(s) > 1) {
		return false
	}
	for i := 0; i < len(d); i++ {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return true
}

// scanNumber splits [+-]digits[.digits][e[+-]digits] into sign, digits and the
// power of ten of the last digit.
func scanNumber(s string) (neg bool, digits string, exp int, ok bool) {
	i := 0
	if s[0] == '-' || s[0] == '+' {
		neg = s[0] == '-'
		i++
	}
	buf := make([]byte, 0, len(s))
	seen, dot := false, false
	for ; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' {
			buf = append(buf, c)
			seen = true
			if dot {
				exp--
			}
			continue
		}
		if c != '.' || dot {
			break
		}
		dot = true
	}
	if !seen {
		return false, "", 0, false
	}
	if i < len(s) {
		if s[i] != 'e' && s[i] != 'E' || i+1 == len(s) {
			return false, "", 0, false
		}
		e := s[i+1:]
		if len(e) > 6 && strings.Trim(e, "+-0123456789") == "" {
			// Far outside the range; what matters is its sign.
			e = map[bool]string{true: "-99999", false: "99999"}[e[0] == '-']
		}
		n, err := strconv.Atoi(e)
		if err != nil {
			return false, "", 0, false
		}
		exp += n
	}
	return neg, string(buf), exp, true
}

func formatNumber(neg bool, digits string, exp int) (canonical, problem string) {
	digits = strings.TrimLeft(digits, "0")
	trimmed := strings.TrimRight(digits, "0")
	exp += len(digits) - len(trimmed)
	digits = trimmed
	if digits == "" {
		return "0", ""
	}
	switch magnitude := exp + len(digits) - 1; {
	case magnitude > maxExponent:
		return "", msgOverflow
	case magnitude < minExponent:
		return "", msgUnderflow
	case len(digits) > maxDigits:
		return "", msgDigits
	}
	var b strings.Builder
	if neg {
		b.WriteByte('-')
	}
	switch point := len(digits) + exp; {
	case exp >= 0:
		b.WriteString(digits)
		b.WriteString(strings.Repeat("0", exp))
	case point > 0:
		b.WriteString(digits[:point])
		b.WriteByte('.')
		b.WriteString(digits[point:])
	default:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -point))
		b.WriteString(digits)
	}
	return b.String(), ""
}

// parts splits canonical text into sign, significant digits and the power of
// ten of the first of them.
func parts(s string) (neg bool, digits string, magnitude int) {
	if s == "0" {
		return false, "", 0
	}
	if s[0] == '-' {
		neg, s = true, s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	if whole != "0" {
		digits = strings.TrimRight(whole+frac, "0")
		return neg, digits, len(whole) - 1
	}
	digits = strings.TrimLeft(frac, "0")
	return neg, digits, -(len(frac) - len(digits)) - 1
}

// compareNumbers compares two canonical numbers.
func compareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	if isPlainInteger(a) && isPlainInteger(b) {
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(sortableNumber(a), sortableNumber(b))
}

// addNumbers returns a+b, or a−b, exactly.
func addNumbers(a, b string, subtract bool) (sum, problem string) {
	if len(a) < 18 && len(b) < 18 && isPlainInteger(a) && isPlainInteger(b) {
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		if subtract {
			y = -y
		}
		return strconv.FormatInt(x+y, 10), ""
	}
	x, _, errX := apd.NewFromString(a)
	y, _, errY := apd.NewFromString(b)
	if errX != nil || errY != nil {
		return "", msgNotNumeric
	}
	// Two numbers within DynamoDB's range are at most 126+130 digits apart, so
	// that this precision makes the sum exact; formatNumber then applies the limits.
	ctx := apd.BaseContext.WithPrecision(300)
	var z apd.Decimal
	var err error
	if subtract {
		_, err = ctx.Sub(&z, x, y)
	} else {
		_, err = ctx.Add(&z, x, y)
	}
	if err != nil {
		return "", msgOverflow
	}
	return formatNumber(z.Negative, z.Coeff.String(), int(z.Exponent))
}

// sortableNumber encodes a canonical number such that the bytes order as the
// numbers do. It is the encoding that DynamoDB hashes for a number key: a byte
// for the exponent of 100, then a byte for each two digits, one added to keep
// them from zero; for a negative number complemented and closed by 102.
func sortableNumber(s string) string {
	neg, digits, magnitude := parts(s)
	if digits == "" {
		return "\x80"
	}
	exponent := magnitude + 1
	if exponent%2 != 0 {
		digits = "0" + digits
		exponent++
	}
	if len(digits)%2 != 0 {
		digits += "0"
	}
	out := make([]byte, 0, len(digits)/2+2)
	head := byte(exponent/2 - 64)
	if neg {
		head = ^head
	}
	out = append(out, head)
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i]-'0')*10 + digits[i+1] - '0'
		if neg {
			out = append(out, 101-pair)
		} else {
			out = append(out, pair+1)
		}
	}
	if neg && len(out) <= 20 {
		out = append(out, 102)
	}
	return string(out)
}

// numberSize is the bytes a number takes in an item: one for every two
// significant digits, one more, and one for a minus sign.
func numberSize(s string) int {
	neg, digits, magnitude := parts(s)
	if digits == "" {
		return 1
	}
	// Digits are stored in pairs around the decimal point.
	n := len(digits)
	if magnitude%2 == 0 {
		n++
	}
	size := 1 + (n+1)/2
	if neg {
		size++
	}
	return size
}
