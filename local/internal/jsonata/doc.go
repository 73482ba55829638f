// Package jsonata is the expression language of the state machines: JSONata
// 2.0.6 with the functions that Step Functions adds ($partition, $range, $hash,
// $random with a seed, $uuid, $parse) and without the one that it takes away
// ($eval).
//
// Values are ordinary Go JSON values: map[string]any, []any, string, float64,
// bool and nil. They are shared, not copied: nobody may change a value after it
// was given to an expression or came out of one.
//
// The engine is gnata; what it does otherwise than jsonata 2.0.6 is mended here
// or refused by [Compile]. testdata/cases.txt lists what agrees, and
// testdata/differs.txt all that is known not to. Refused are
//
//   - operators of later versions: ?? and ?:
//   - wildcards, the parent operator, and variables bound in a path: * ** % @ #
//   - an order-by operator that ends its path; $sort does the same
//   - some forms of paths, arrays and predicates, each told with what to write instead
//   - regular expressions that look ahead, behind or back, and those used as
//     functions or values
//
// Some calls fail when evaluated, where jsonata's result depends on what is not
// known here: $distinct of several equal elements, $base64encode of text that
// is not ASCII, $toMillis of a time without a year.
//
// What is left to differ without an error:
//
//   - Objects that come in as map[string]any have their names in the order of the
//     alphabet, in $string, $keys, $each and the like. Those that an
//     expression makes, and those of $parse, keep theirs, numbers too.
//   - Whole numbers from 2^53 on are written with all their digits, as in Step Functions.
//   - & writes numbers within arrays and objects with up to 17 digits, where $string writes 15.
//   - An operator with an undefined side is undefined whatever the other side is,
//     and the predicates of what is undefined are not evaluated.
//   - in compares objects by what is in them.
//   - Regular expressions see characters, not the halves of those beyond U+FFFF.
//   - Arrays of none or of one that a step in parentheses or $map of one element makes.
//   - A transform of what is no object is that itself.
//   - Computed indexes: arrays of one, and negative ones with a fraction.
package jsonata
