package vtl

import (
	"errors"
	"math"
	"math/big"
)

func isNumber(v any) bool {
	switch v.(type) {
	case int32, int64, float64, *big.Int:
		return true
	}
	return false
}

func toInt64(v any) int64 {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	case float64:
		return doubleToLong(v)
	case *big.Int:
		return int64(new(big.Int).And(v, maxUint64).Uint64())
	}
	return 0
}

var maxUint64 = new(big.Int).SetUint64(math.MaxUint64)

// toInt32 is Number.intValue.
func toInt32(v any) int32 {
	if f, ok := v.(float64); ok {
		switch {
		case f != f:
			return 0
		case f >= math.MaxInt32:
			return math.MaxInt32
		case f <= math.MinInt32:
			return math.MinInt32
		}
		return int32(f)
	}
	return int32(toInt64(v))
}

func doubleToLong(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func toDouble(v any) float64 {
	switch v := v.(type) {
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	}
	return 0
}

func toBig(v any) *big.Int {
	if b, ok := v.(*big.Int); ok {
		return b
	}
	return big.NewInt(toInt64(v))
}

var errBigDecimal = errors.New("arithmetic between a BigInteger and a Double gives a BigDecimal, which is not modelled")

// base is what two numbers are calculated as.
type base uint8

const (
	longs base = iota
	doubles
	bigs
)

func baseOf(x, y any) (base, error) {
	_, xb := x.(*big.Int)
	_, yb := y.(*big.Int)
	_, xf := x.(float64)
	_, yf := y.(float64)
	switch {
	case (xb || yb) && (xf || yf):
		return 0, errBigDecimal
	case xb || yb:
		return bigs, nil
	case xf || yf:
		return doubles, nil
	}
	return longs, nil
}

// compareNumbers is negative, zero or positive; NaN equals everything, as in
// Velocity.
func compareNumbers(x, y any) (int, error) {
	b, err := baseOf(x, y)
	if err != nil {
		return compareBigDouble(x, y)
	}
	switch b {
	case bigs:
		return toBig(x).Cmp(toBig(y)), nil
	case doubles:
		f, g := toDouble(x), toDouble(y)
		switch {
		case f < g:
			return -1, nil
		case f > g:
			return 1, nil
		}
		return 0, nil
	}
	i, j := toInt64(x), toInt64(y)
	switch {
	case i < j:
		return -1, nil
	case i > j:
		return 1, nil
	}
	return 0, nil
}

// compareBigDouble compares exactly, as BigDecimals would be.
func compareBigDouble(x, y any) (int, error) {
	f, first := x.(float64)
	if !first {
		f, _ = y.(float64)
	}
	if f != f || math.IsInf(f, 0) {
		return 0, javaError("NumberFormatException: infinite or NaN")
	}
	exact := func(v any) *big.Rat {
		if f, ok := v.(float64); ok {
			return new(big.Rat).SetFloat64(f)
		}
		return new(big.Rat).SetInt(toBig(v))
	}
	return exact(x).Cmp(exact(y)), nil
}

// arithmetic is null for a division by zero. Whole numbers stay whole; a
// result outgrows Integer for Long and Long for BigInteger.
func arithmetic(op kind, x, y any) (any, error) {
	b, err := baseOf(x, y)
	if err != nil {
		return nil, err
	}
	if (op == tDivide || op == tMod) && isZero(y) {
		return nil, nil
	}
	switch b {
	case doubles:
		f, g := toDouble(x), toDouble(y)
		switch op {
		case tPlus:
			return f + g, nil
		case tMinus:
			return f - g, nil
		case tTimes:
			return f * g, nil
		case tDivide:
			return f / g, nil
		}
		return math.Mod(f, g), nil
	case bigs:
		return bigArithmetic(op, toBig(x), toBig(y))
	}
	i, j := toInt64(x), toInt64(y)
	var r int64
	switch op {
	case tPlus:
		if r = i + j; (r^i) < 0 && (r^j) < 0 {
			return bigArithmetic(op, toBig(x), toBig(y))
		}
	case tMinus:
		if r = i - j; (r^i) < 0 && (r^^j) < 0 {
			return bigArithmetic(op, toBig(x), toBig(y))
		}
	case tTimes:
		if r = i * j; j != 0 && r/j != i {
			return bigArithmetic(op, toBig(x), toBig(y))
		}
	case tDivide:
		r = i / j
	case tMod:
		r = i % j
	}
	_, xi := x.(int32)
	_, yi := y.(int32)
	if xi && yi && r == int64(int32(r)) {
		return int32(r), nil
	}
	return r, nil
}

func isZero(v any) bool {
	if b, ok := v.(*big.Int); ok {
		return b.Sign() == 0
	}
	return toDouble(v) == 0
}

const maxBits = 1 << 16

func bigArithmetic(op kind, x, y *big.Int) (any, error) {
	if x.BitLen()+y.BitLen() > maxBits {
		return nil, errors.New("a BigInteger of more than 65,536 bits")
	}
	r := new(big.Int)
	switch op {
	case tPlus:
		return r.Add(x, y), nil
	case tMinus:
		return r.Sub(x, y), nil
	case tTimes:
		return r.Mul(x, y), nil
	case tDivide:
		return r.Quo(x, y), nil
	}
	if y.Sign() < 0 {
		return nil, javaError("ArithmeticException: BigInteger: modulus not positive")
	}
	return r.Mod(x, y), nil
}
