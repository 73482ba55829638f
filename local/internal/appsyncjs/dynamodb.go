package appsyncjs

import (
	"github.com/dop251/goja"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// typed makes a conversion to one type of DynamoDB, which leaves null as it is.
func typed(name string) utility {
	return func(rt *Runtime, a []goja.Value) goja.Value {
		if nullish(arg(a, 0)) {
			return goja.Null()
		}
		return rt.object(name, a[0])
	}
}

// utilDynamoDB makes DynamoDB's attribute values. Numbers stay numbers ({"N": 10}): the data source writes them as text.
var utilDynamoDB = map[string]utility{
	"util.dynamodb.toDynamoDB":  func(rt *Runtime, a []goja.Value) goja.Value { return rt.attribute(arg(a, 0), 0) },
	"util.dynamodb.toString":    typed("S"),
	"util.dynamodb.toStringSet": typed("SS"),
	"util.dynamodb.toNumber":    typed("N"),
	"util.dynamodb.toNumberSet": typed("NS"),
	"util.dynamodb.toBinary":    typed("B"),
	"util.dynamodb.toBinarySet": typed("BS"),
	"util.dynamodb.toBoolean":   typed("BOOL"),
	"util.dynamodb.toNull":      func(rt *Runtime, a []goja.Value) goja.Value { return rt.object("NULL", goja.Null()) },
	"util.dynamodb.toList": func(rt *Runtime, a []goja.Value) goja.Value {
		if !isArray(arg(a, 0)) {
			return goja.Null()
		}
		return rt.attribute(a[0], 0)
	},
	"util.dynamodb.toMap": func(rt *Runtime, a []goja.Value) goja.Value {
		if !isObject(arg(a, 0)) {
			return goja.Null()
		}
		return rt.attribute(a[0], 0)
	},
	"util.dynamodb.toMapValues": func(rt *Runtime, a []goja.Value) goja.Value { return rt.attributes(arg(a, 0), 0) },
	"util.dynamodb.toS3Object": func(rt *Runtime, a []goja.Value) goja.Value {
		b := []byte(`{"s3":{`)
		for i, name := range []string{"key", "bucket", "region", "version"} {
			if i == 3 && nullish(arg(a, 3)) {
				break
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = jsontext.AppendString(append(jsontext.AppendString(b, name), ':'), text(a, i))
		}
		return rt.object("S", rt.vm.ToValue(string(append(b, "}}"...))))
	},
	// Its argument is the text of the attribute, not the attribute. What is no link gives null.
	"util.dynamodb.fromS3ObjectJson": func(rt *Runtime, a []goja.Value) goja.Value {
		v, err := rt.decode([]byte(text(a, 0)))
		if err != nil || !isObject(v) {
			return goja.Null()
		}
		link := v.ToObject(rt.vm).Get("s3")
		if !isObject(link) {
			return goja.Null()
		}
		from, to := link.ToObject(rt.vm), rt.vm.NewObject()
		for _, name := range []string{"bucket", "region", "key", "version"} {
			if part := from.Get(name); part != nil {
				rt.set(to, name, part)
			}
		}
		return to
	},
}

func isArray(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.ClassName() == "Array"
}

// isObject says that a value is an object with keys.
func isObject(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.ClassName() != "Array" && o.ClassName() != "Function"
}

// attribute is a value in DynamoDB's format: lists, never sets.
func (rt *Runtime) attribute(v goja.Value, depth int) goja.Value {
	switch {
	case depth > maxNesting:
		rt.fail("the value refers to itself or nests more than %d deep", maxNesting)
	case nullish(v):
		return rt.object("NULL", goja.Null())
	case isArray(v):
		list := rt.elements(v)
		for i := range list {
			list[i] = rt.attribute(list[i], depth+1)
		}
		return rt.object("L", rt.array(list))
	case isObject(v):
		return rt.object("M", rt.attributes(v, depth))
	case goja.IsString(v):
		return rt.object("S", v)
	case goja.IsNumber(v):
		return rt.object("N", v)
	}
	if _, ok := v.Export().(bool); !ok {
		rt.fail("DynamoDB has no type for a function")
	}
	return rt.object("BOOL", v)
}

// attributes is an object whose values are in DynamoDB's format; null for what is none. Undefined members are left out.
func (rt *Runtime) attributes(v goja.Value, depth int) goja.Value {
	if !isObject(v) {
		return goja.Null()
	}
	from, to := v.ToObject(rt.vm), rt.vm.NewObject()
	for _, key := range from.Keys() {
		if member := from.Get(key); member != nil && !goja.IsUndefined(member) {
			rt.set(to, key, rt.attribute(member, depth+1))
		}
	}
	return to
}

// elements of an array.
func (rt *Runtime) elements(v goja.Value) []goja.Value {
	o := v.ToObject(rt.vm)
	list := make([]goja.Value, int(o.Get("length").ToInteger()))
	for i := range list {
		list[i] = o.Get(index(i))
	}
	return list
}
