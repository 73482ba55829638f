package appsyncjs

import (
	"encoding/binary"
	"math"
	"math/big"
	"unicode/utf16"

	"github.com/dop251/goja"

	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

var utilIDs = map[string]utility{
	"util.autoId": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(uuid.Format([16]byte(rt.random(16))))
	},
	// 48 bits of milliseconds, 80 of chance, in Crockford's base 32.
	"util.autoUlid": func(rt *Runtime, a []goja.Value) goja.Value {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], uint64(rt.env.Now().UnixMilli())<<16)
		copy(b[6:], rt.random(10))
		return rt.vm.ToValue(digits(b[:], "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26))
	},
	// 32 bits of seconds since 13 May 2014, 128 of chance, in base 62.
	"util.autoKsuid": func(rt *Runtime, a []goja.Value) goja.Value {
		b := binary.BigEndian.AppendUint32(nil, uint32(rt.env.Now().Unix()-1_400_000_000))
		return rt.vm.ToValue(digits(append(b, rt.random(16)...), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 27))
	},
}

func (rt *Runtime) random(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.BigEndian.AppendUint64(b, rt.env.Rand.Uint64())
	}
	return b[:n]
}

// digits writes a number in another base, with leading zeros.
func digits(number []byte, alphabet string, length int) string {
	n, base, digit := new(big.Int).SetBytes(number), big.NewInt(int64(len(alphabet))), new(big.Int)
	out := make([]byte, length)
	for i := length - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = alphabet[digit.Int64()]
	}
	return string(out)
}

func utf16Of(s string) []uint16 { return utf16.Encode([]rune(s)) }

var utilMath = map[string]utility{
	// Halves go up, as Java's Math.round does.
	"util.math.roundNum": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(math.Floor(arg(a, 0).ToFloat() + 0.5))
	},
	"util.math.minVal": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(math.Min(arg(a, 0).ToFloat(), arg(a, 1).ToFloat()))
	},
	"util.math.maxVal": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(math.Max(arg(a, 0).ToFloat(), arg(a, 1).ToFloat()))
	},
	"util.math.randomDouble": func(rt *Runtime, a []goja.Value) goja.Value { return rt.vm.ToValue(rt.env.Rand.Float64()) },
	// The upper end is never drawn, as with Java's bounded random numbers.
	"util.math.randomWithinRange": func(rt *Runtime, a []goja.Value) goja.Value {
		from, to := arg(a, 0).ToInteger(), arg(a, 1).ToInteger()
		if to <= from {
			rt.fail("util.math.randomWithinRange: the range from %d to %d is empty", from, to)
		}
		return rt.vm.ToValue(from + rt.env.Rand.Int64N(to-from))
	},
}
