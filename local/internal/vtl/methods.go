package vtl

import (
	"fmt"
	"math"
	"math/big"
	"strings"
)

// call is $v.name(args…). ok is false where Java has no such method for these
// arguments; a method that Java has and that is not modelled is an error. e may
// be nil for methods that run nothing.
func call(e *exec, v any, name string, args []any) (any, bool, error) {
	if o, ok := v.(Object); ok {
		return o.Call(name, args)
	}
	if len(args) == 0 {
		switch name {
		case "toString":
			if _, ok := v.(*block); !ok {
				s, err := toString(v)
				return s, true, err
			}
		case "hashCode":
			h, err := hashCode(v, 0)
			return h, true, err
		}
	}
	if name == "equals" && len(args) == 1 {
		eq, err := javaEquals(v, args[0], 0)
		return eq, true, err
	}
	var out any
	var ok bool
	var err error
	switch v := v.(type) {
	case string:
		out, ok, err = stringMethod(v, name, args)
	case int32:
		out, ok, err = integerMethod(v, name, args)
	case int64:
		out, ok, err = longMethod(v, name, args)
	case float64:
		out, ok, err = doubleMethod(v, name, args)
	case *big.Int:
		out, ok, err = bigMethod(v, name, args)
	case bool:
		out, ok, err = booleanMethod(v, name, args)
	case Char:
		out, ok, err = charMethod(v, name, args)
	case *Map:
		out, ok, err = mapMethod(v, name, args)
	case *List:
		out, ok, err = listMethod(v, name, args)
	case *view:
		out, ok, err = viewMethod(v, name, args)
	case *entryRef:
		out, ok, err = entryMethod(v, name, args)
	case *iterator:
		out, ok, err = iteratorMethod(v, name, args)
	case *foreachScope:
		out, ok, err = scopeMethod(v, name, args)
	case *block:
		return nil, false, fmt.Errorf("a #define block has no modelled methods")
	}
	if ok || err != nil {
		return out, ok, err
	}
	switch {
	case unmodelled(v, name):
		return nil, false, fmt.Errorf("Java has this method, but it is not modelled")
	case len(args) > 0 && withoutArguments(v, name):
		// Velocity takes a method without parameters for any arguments.
		return nil, true, javaError("IllegalArgumentException: wrong number of arguments")
	case name == "compareTo" && len(args) == 1 && isComparable(v):
		return nil, true, javaError("ClassCastException: compareTo of a " + javaType(v) + " and a " + javaType(args[0]))
	}
	return nil, false, nil
}

func isComparable(v any) bool {
	switch v.(type) {
	case string, bool, int32, int64, float64, *big.Int, Char:
		return true
	}
	return false
}

// noParameters lists the methods that have a form without parameters.
var noParameters = map[string]string{
	"String":     " length isEmpty isBlank trim strip stripLeading stripTrailing toLowerCase toUpperCase toCharArray ",
	"Integer":    " intValue longValue doubleValue ",
	"Long":       " intValue longValue doubleValue ",
	"Double":     " intValue longValue doubleValue isNaN isInfinite ",
	"BigInteger": " intValue longValue doubleValue abs negate signum ",
	"Boolean":    " booleanValue ",
	"Character":  " charValue ",
	"Map":        " size isEmpty keySet values entrySet clear ",
	"List":       " size isEmpty iterator toArray clear ",
	"array":      " size isEmpty clear ",
	"Set":        " size isEmpty iterator toArray clear ",
	"Collection": " size isEmpty iterator toArray clear ",
	"Map.Entry":  " getKey getValue ",
	"Iterator":   " hasNext next ",
	"$foreach":   " getIndex getCount getHasNext getFirst getLast getParent getTopmost getReplaced isFirst isLast hasNext ",
}

func withoutArguments(v any, name string) bool {
	return name == "toString" || name == "hashCode" || strings.Contains(noParameters[javaType(v)], " "+name+" ")
}

// unmodelledNames lists what Java's classes have beyond the methods here. A name
// that is modelled is not listed: for other arguments Java has it not.
var unmodelledNames = map[string]string{
	"Object": " getClass notify notifyAll wait ",
	"String": " chars codePointAt codePointBefore codePointCount codePoints contentEquals copyValueOf describeConstable" +
		" format formatted getBytes getChars indent intern join lines offsetByCodePoints regionMatches resolveConstantDesc" +
		" stripIndent subSequence transform translateEscapes valueOf ",
	"Integer": " bitCount compareUnsigned decode describeConstable divideUnsigned getInteger" +
		" highestOneBit lowestOneBit numberOfLeadingZeros numberOfTrailingZeros parseUnsignedInt remainderUnsigned" +
		" resolveConstantDesc reverse reverseBytes rotateLeft rotateRight toBinaryString toOctalString toUnsignedLong toUnsignedString" +
		" byteValue shortValue floatValue ",
	"Long": " bitCount compareUnsigned decode describeConstable divideUnsigned getLong" +
		" highestOneBit lowestOneBit numberOfLeadingZeros numberOfTrailingZeros parseUnsignedLong remainderUnsigned" +
		" resolveConstantDesc reverse reverseBytes rotateLeft rotateRight toBinaryString toOctalString toUnsignedString" +
		" byteValue shortValue floatValue ",
	"Double": " describeConstable doubleToLongBits doubleToRawLongBits longBitsToDouble resolveConstantDesc toHexString" +
		" byteValue shortValue floatValue ",
	"BigInteger": " andNot bitCount bitLength byteValueExact clearBit divideAndRemainder flipBit gcd getLowestSetBit" +
		" intValueExact isProbablePrime longValueExact modInverse modPow nextProbablePrime not probablePrime setBit shiftLeft" +
		" shiftRight shortValueExact sqrt sqrtAndRemainder testBit toByteArray valueOf xor and or pow floatValue byteValue shortValue ",
	"Boolean": " describeConstable getBoolean ",
	"Character": " charCount codePointAt codePointBefore codePointCount codePointOf describeConstable digit forDigit" +
		" getDirectionality getName getNumericValue getType highSurrogate isAlphabetic isBmpCodePoint isDefined isDigit" +
		" isHighSurrogate isISOControl isIdentifierIgnorable isIdeographic isJavaIdentifierPart isJavaIdentifierStart isJavaLetter" +
		" isJavaLetterOrDigit isLetter isLetterOrDigit isLowSurrogate isLowerCase isMirrored isSpace isSpaceChar" +
		" isSupplementaryCodePoint isSurrogate isSurrogatePair isTitleCase isUnicodeIdentifierPart isUnicodeIdentifierStart" +
		" isUpperCase isValidCodePoint isWhitespace lowSurrogate offsetByCodePoints reverseBytes toChars toCodePoint toLowerCase" +
		" toTitleCase toUpperCase valueOf ",
	"Map": " clone compute computeIfAbsent computeIfPresent copyOf entry forEach merge of ofEntries replaceAll ",
	"List": " clone ensureCapacity forEach listIterator parallelStream removeIf replaceAll sort spliterator stream trimToSize" +
		" copyOf of ",
	"array":      " clone forEach listIterator parallelStream spliterator stream copyOf of replaceAll sort subList toArray removeIf iterator ",
	"Set":        " forEach parallelStream removeIf spliterator stream copyOf of ",
	"Collection": " forEach parallelStream removeIf spliterator stream ",
	"Map.Entry":  " comparingByKey comparingByValue copyOf ",
	"Iterator":   " forEachRemaining remove ",
	"$foreach": " clear compute computeIfAbsent computeIfPresent containsKey containsValue entrySet forEach getInfo" +
		" getOrDefault isEmpty keySet merge putAll putIfAbsent remove replace replaceAll size values ",
}

func unmodelled(v any, name string) bool {
	key := " " + name + " "
	return strings.Contains(unmodelledNames["Object"], key) || strings.Contains(unmodelledNames[javaType(v)], key)
}

// The arguments' types decide which overload Java takes.

func str(args []any, i int) (string, bool) { s, ok := args[i].(string); return s, ok }
func integer(args []any, i int) (int, bool) {
	n, ok := args[i].(int32)
	return int(n), ok
}

func long(args []any, i int) (int64, bool) {
	switch n := args[i].(type) {
	case int32:
		return int64(n), true
	case int64:
		return n, true
	}
	return 0, false
}

func double(args []any, i int) (float64, bool) {
	switch n := args[i].(type) {
	case int32, int64, float64:
		return toDouble(n), true
	}
	return 0, false
}

func outOfRange(format string, args ...any) error {
	return javaError("IndexOutOfBoundsException: " + fmt.Sprintf(format, args...))
}

var errNull = javaError("NullPointerException")

// hashCode is Java's, as far as it does not depend on an object's address.
func hashCode(v any, depth int) (int32, error) {
	if depth > maxNesting {
		return 0, javaError("StackOverflowError")
	}
	switch v := v.(type) {
	case nil:
		return 0, nil
	case bool:
		if v {
			return 1231, nil
		}
		return 1237, nil
	case string:
		var h int32
		for _, u := range toUTF16(v) {
			h = 31*h + int32(u)
		}
		return h, nil
	case int32:
		return v, nil
	case int64:
		return int32(v ^ int64(uint64(v)>>32)), nil
	case float64:
		bits := math.Float64bits(v)
		if v != v {
			bits = 0x7ff8000000000000
		}
		return int32(bits ^ bits>>32), nil
	case Char:
		return int32(v), nil
	case *big.Int:
		var h int32
		b := v.Bytes()
		for len(b)%4 != 0 {
			b = append([]byte{0}, b...)
		}
		for i := 0; i < len(b); i += 4 {
			w := uint32(b[i])<<24 | uint32(b[i+1])<<16 | uint32(b[i+2])<<8 | uint32(b[i+3])
			h = 31*h + int32(w)
		}
		return h * int32(v.Sign()), nil
	case *List:
		if !v.array {
			return hashItems(v.Items, true, depth)
		}
	case *Map:
		return hashItems((&view{v, entriesView}).items(), false, depth)
	case *view:
		if v.kind != valuesView {
			return hashItems(v.items(), false, depth)
		}
	case *entryRef:
		k, err := hashCode(v.key, depth+1)
		if err != nil {
			return 0, err
		}
		x, err := hashCode(v.value(), depth+1)
		return k ^ x, err
	}
	return 0, fmt.Errorf("in Java the hash code here is an address")
}

func hashItems(items []any, ordered bool, depth int) (int32, error) {
	h := int32(0)
	if ordered {
		h = 1
	}
	for _, it := range items {
		x, err := hashCode(it, depth+1)
		if err != nil {
			return 0, err
		}
		if ordered {
			h = 31 * h
		}
		h += x
	}
	return h, nil
}
