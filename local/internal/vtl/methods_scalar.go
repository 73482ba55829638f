package vtl

import (
	"math/big"
	"strconv"
	"strings"
)

func bigMethod(v *big.Int, name string, args []any) (any, bool, error) {
	if out, ok := numberMethod(v, name, args); ok {
		return out, true, nil
	}
	if len(args) == 0 {
		switch name {
		case "abs":
			return new(big.Int).Abs(v), true, nil
		case "negate":
			return new(big.Int).Neg(v), true, nil
		case "signum":
			return int32(v.Sign()), true, nil
		}
		return nil, false, nil
	}
	if len(args) != 1 {
		return nil, false, nil
	}
	if r, ok := integer(args, 0); ok && name == "toString" {
		if r < 2 || r > 36 {
			r = 10
		}
		return v.Text(r), true, nil
	}
	b, ok := args[0].(*big.Int)
	if !ok {
		switch name {
		case "add", "subtract", "multiply", "divide", "mod", "compareTo", "max", "min", "remainder":
			if args[0] == nil {
				return nil, true, errNull
			}
		}
		return nil, false, nil
	}
	op, ok := map[string]kind{"add": tPlus, "subtract": tMinus, "multiply": tTimes, "divide": tDivide, "mod": tMod}[name]
	if ok {
		if (op == tDivide || op == tMod) && b.Sign() == 0 {
			return nil, true, javaError("ArithmeticException: BigInteger divide by zero")
		}
		out, err := bigArithmetic(op, v, b)
		return out, true, err
	}
	switch name {
	case "compareTo":
		return int32(v.Cmp(b)), true, nil
	case "max":
		if v.Cmp(b) > 0 {
			return v, true, nil
		}
		return b, true, nil
	case "min":
		if v.Cmp(b) < 0 {
			return v, true, nil
		}
		return b, true, nil
	case "remainder":
		if b.Sign() == 0 {
			return nil, true, javaError("ArithmeticException: BigInteger divide by zero")
		}
		return new(big.Int).Rem(v, b), true, nil
	}
	return nil, false, nil
}

func booleanMethod(v bool, name string, args []any) (any, bool, error) {
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	switch len(args) {
	case 0:
		if name == "booleanValue" {
			return v, true, nil
		}
	case 1:
		if s, ok := str(args, 0); ok || args[0] == nil {
			if name == "parseBoolean" || name == "valueOf" && ok {
				return strings.EqualFold(s, "true"), true, nil
			}
		}
		if b, ok := args[0].(bool); ok {
			switch name {
			case "compareTo":
				return int32(bit(v) - bit(b)), true, nil
			case "valueOf":
				return b, true, nil
			case "toString":
				return strconv.FormatBool(b), true, nil
			case "hashCode":
				h, err := hashCode(b, 0)
				return h, true, err
			}
		}
	case 2:
		x, okx := args[0].(bool)
		y, oky := args[1].(bool)
		if !okx || !oky {
			return nil, false, nil
		}
		switch name {
		case "compare":
			return int32(bit(x) - bit(y)), true, nil
		case "logicalAnd":
			return x && y, true, nil
		case "logicalOr":
			return x || y, true, nil
		case "logicalXor":
			return x != y, true, nil
		}
	}
	return nil, false, nil
}

func charMethod(v Char, name string, args []any) (any, bool, error) {
	switch {
	case name == "charValue" && len(args) == 0:
		return v, true, nil
	case (name == "compareTo" || name == "toString" || name == "hashCode") && len(args) == 1:
		if c, ok := args[0].(Char); ok {
			switch name {
			case "toString":
				s, err := toString(c)
				return s, true, err
			case "hashCode":
				return int32(c), true, nil
			}
			return int32(v) - int32(c), true, nil
		}
	}
	return nil, false, nil
}
