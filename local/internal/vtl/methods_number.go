package vtl

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

func numberFormat(s string) error {
	return javaError("NumberFormatException: For input string: \"" + s + "\"")
}

func parseInt(s string, radix, bits int) (int64, error) {
	if radix < 2 || radix > 36 || strings.ContainsAny(s, "_") {
		return 0, numberFormat(s)
	}
	n, err := strconv.ParseInt(s, radix, bits)
	if err != nil {
		return 0, numberFormat(s)
	}
	return n, nil
}

func parseDouble(s string) (float64, error) {
	t := javaTrim(s)
	if n := len(t); n > 1 && strings.IndexByte("dDfF", t[n-1]) >= 0 && !strings.HasPrefix(t, "0x") {
		t = t[:n-1]
	}
	switch strings.TrimLeft(t, "+-") {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(map[bool]int{true: -1, false: 1}[strings.HasPrefix(t, "-")]), nil
	}
	if strings.ContainsAny(t, "_iInN") {
		return 0, numberFormat(s)
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, numberFormat(s)
	}
	return f, nil
}

// numberMethod are the methods that all of Integer, Long and Double have.
func numberMethod(v any, name string, args []any) (any, bool) {
	if len(args) != 0 {
		return nil, false
	}
	switch name {
	case "intValue":
		return toInt32(v), true
	case "longValue":
		return toInt64(v), true
	case "doubleValue":
		return toDouble(v), true
	}
	return nil, false
}

func integerMethod(v int32, name string, args []any) (any, bool, error) {
	if out, ok := numberMethod(v, name, args); ok {
		return out, true, nil
	}
	switch len(args) {
	case 1:
		if s, ok := str(args, 0); ok {
			if name == "parseInt" || name == "valueOf" {
				n, err := parseInt(s, 10, 32)
				return int32(n), true, err
			}
			return nil, false, nil
		}
		n, ok := args[0].(int32)
		if !ok {
			if args[0] == nil {
				return nullNumber(name, "parseInt")
			}
			return nil, false, nil
		}
		switch name {
		case "compareTo":
			return int32(cmp.Compare(v, n)), true, nil
		case "valueOf":
			return n, true, nil
		case "toString":
			return strconv.Itoa(int(n)), true, nil
		case "toHexString":
			return strconv.FormatUint(uint64(uint32(n)), 16), true, nil
		case "hashCode":
			return n, true, nil
		case "signum":
			return int32(cmp.Compare(n, 0)), true, nil
		}
	case 2:
		if s, ok := str(args, 0); ok {
			if r, ok := integer(args, 1); ok && (name == "parseInt" || name == "valueOf") {
				n, err := parseInt(s, r, 32)
				return int32(n), true, err
			}
			return nil, false, nil
		}
		x, okx := args[0].(int32)
		y, oky := args[1].(int32)
		if !okx || !oky {
			return nil, false, nil
		}
		switch name {
		case "compare":
			return int32(cmp.Compare(x, y)), true, nil
		case "max":
			return max(x, y), true, nil
		case "min":
			return min(x, y), true, nil
		case "sum":
			return x + y, true, nil
		case "toString":
			return radixString(int64(x), int(y)), true, nil
		}
	}
	return nil, false, nil
}

func nullNumber(name, parse string) (any, bool, error) {
	if name == parse {
		return nil, true, javaError("NumberFormatException: null")
	}
	if name == "compareTo" {
		return nil, true, errNull
	}
	return nil, false, nil
}

func radixString(n int64, radix int) string {
	if radix < 2 || radix > 36 {
		radix = 10
	}
	return strconv.FormatInt(n, radix)
}

func longMethod(v int64, name string, args []any) (any, bool, error) {
	if out, ok := numberMethod(v, name, args); ok {
		return out, true, nil
	}
	switch len(args) {
	case 1:
		if s, ok := str(args, 0); ok {
			if name == "parseLong" || name == "valueOf" {
				n, err := parseInt(s, 10, 64)
				return n, true, err
			}
			return nil, false, nil
		}
		if name == "compareTo" {
			if n, ok := args[0].(int64); ok {
				return int32(cmp.Compare(v, n)), true, nil
			}
			if args[0] != nil {
				return nil, false, nil
			}
		}
		n, ok := long(args, 0)
		if !ok {
			if args[0] == nil {
				return nullNumber(name, "parseLong")
			}
			return nil, false, nil
		}
		switch name {
		case "valueOf":
			return n, true, nil
		case "toString":
			return strconv.FormatInt(n, 10), true, nil
		case "toHexString":
			return strconv.FormatUint(uint64(n), 16), true, nil
		case "hashCode":
			return int32(n ^ int64(uint64(n)>>32)), true, nil
		case "signum":
			return int32(cmp.Compare(n, 0)), true, nil
		}
	case 2:
		if s, ok := str(args, 0); ok {
			if r, ok := integer(args, 1); ok && (name == "parseLong" || name == "valueOf") {
				n, err := parseInt(s, r, 64)
				return n, true, err
			}
			return nil, false, nil
		}
		x, okx := long(args, 0)
		y, oky := long(args, 1)
		if !okx || !oky {
			return nil, false, nil
		}
		switch name {
		case "compare":
			return int32(cmp.Compare(x, y)), true, nil
		case "max":
			return max(x, y), true, nil
		case "min":
			return min(x, y), true, nil
		case "sum":
			return x + y, true, nil
		case "toString":
			if r, ok := integer(args, 1); ok {
				return radixString(x, r), true, nil
			}
		}
	}
	return nil, false, nil
}

func compareDoubles(x, y float64) int32 {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	bx, by := int64(math.Float64bits(x)), int64(math.Float64bits(y))
	if x != x && y != y {
		return 0
	}
	return int32(cmp.Compare(bx, by))
}

func doubleMethod(v float64, name string, args []any) (any, bool, error) {
	if out, ok := numberMethod(v, name, args); ok {
		return out, true, nil
	}
	switch len(args) {
	case 0:
		switch name {
		case "isNaN":
			return v != v, true, nil
		case "isInfinite":
			return math.IsInf(v, 0), true, nil
		}
	case 1:
		if s, ok := str(args, 0); ok {
			if name == "parseDouble" || name == "valueOf" {
				f, err := parseDouble(s)
				return f, true, err
			}
			return nil, false, nil
		}
		if name == "compareTo" {
			f, ok := args[0].(float64)
			if ok {
				return compareDoubles(v, f), true, nil
			}
			if args[0] != nil {
				return nil, false, nil
			}
		}
		f, ok := double(args, 0)
		if !ok {
			if args[0] == nil {
				return nullNumber(name, "parseDouble")
			}
			return nil, false, nil
		}
		switch name {
		case "valueOf":
			return f, true, nil
		case "toString":
			return string(appendDouble(nil, f)), true, nil
		case "isNaN":
			return f != f, true, nil
		case "isInfinite":
			return math.IsInf(f, 0), true, nil
		case "isFinite":
			return !math.IsInf(f, 0) && f == f, true, nil
		case "hashCode":
			h, err := hashCode(f, 0)
			return h, true, err
		}
	case 2:
		x, okx := double(args, 0)
		y, oky := double(args, 1)
		if !okx || !oky {
			return nil, false, nil
		}
		switch name {
		case "compare":
			return compareDoubles(x, y), true, nil
		case "max":
			return math.Max(x, y), true, nil
		case "min":
			return math.Min(x, y), true, nil
		case "sum":
			return x + y, true, nil
		}
	}
	return nil, false, nil
}
