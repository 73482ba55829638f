// Package vtl renders Velocity templates as Amazon API Gateway does: Apache
// Velocity 1.7 with its default configuration, down to which newline a
// directive swallows and how a null prints.
//
// # Values
//
// A template works on these Go types and no others:
//
//	nil          null
//	bool         Boolean
//	string       String (UTF-8 here; lengths and indexes count UTF-16 units, as in Java)
//	int32        Integer
//	int64        Long
//	*big.Int     BigInteger: literals and results that no Long holds
//	float64      Double
//	Char         Character (what charAt returns)
//	*Map         LinkedHashMap: keeps the order of insertion
//	*List        ArrayList
//	Object       a host object such as $input, $util or $context
//
// Templates may also hold views of a map (keySet, values, entrySet), its
// entries, iterators and arrays (what split returns); they have no use
// outside. Any other Go type given to Execute is an error that names it.
//
// # What differs from Velocity, on purpose
//
//   - #include and #parse are parse errors: API Gateway has neither.
//   - A method or property that Java has and this package does not model is
//     an error, never a silent null. One that Java does not have renders as
//     its source text, as in Velocity, and is told to Options.Warn.
//   - Output that Java would make of an object's identity
//     ([Ljava.lang.String;@1b2c3d) is an error.
//   - Regular expressions are Java's where RE2 agrees; a pattern that RE2
//     cannot express (look-around, back-references, possessive quantifiers)
//     is an error.
//   - BigDecimal is not modelled: arithmetic between a BigInteger and a
//     Double is an error.
//   - A lone UTF-16 surrogate becomes "?" at once, not only when the text is encoded.
//   - Limits: see Options.
//
// A Template is immutable once parsed; executions of it do not affect each other.
package vtl
