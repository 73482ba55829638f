package appsyncjs

import (
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

func index(i int) string { return strconv.Itoa(i) }

// input is the argument of a function of @aws-appsync/utils/dynamodb.
type input struct {
	rt *Runtime
	o  *goja.Object
}

func (rt *Runtime) input(a []goja.Value, function string) input {
	if !isObject(arg(a, 0)) {
		rt.fail("%s: the argument must be an object", function)
	}
	return input{rt, a[0].ToObject(rt.vm)}
}

func (in input) get(name string) goja.Value {
	if v := in.o.Get(name); v != nil {
		return v
	}
	return goja.Undefined()
}

// need is a member that must be there.
func (in input) need(function, name string) goja.Value {
	v := in.get(name)
	if nullish(v) {
		in.rt.fail("%s: %s is missing", function, name)
	}
	return v
}

// copy takes over members that are there.
func (in input) copy(to *goja.Object, names ...string) *goja.Object {
	for _, name := range names {
		if v := in.get(name); !nullish(v) {
			in.rt.set(to, name, v)
		}
	}
	return to
}

// expressions takes over filters, conditions and the like as expression objects.
func (in input) expressions(to *goja.Object, names ...string) *goja.Object {
	rt := in.rt
	for _, name := range names {
		v := in.get(name)
		if nullish(v) {
			continue
		}
		if name == "projection" {
			if p := rt.projection(v); p != nil {
				rt.set(to, name, p)
			}
			continue
		}
		e := rt.condition(v)
		if e == nil {
			rt.fail("%s is not a valid filter: %s", name, rt.mustEncode(v))
		}
		o := rt.object("expression", rt.vm.ToValue(e.text), "expressionNames", e.names)
		if len(e.values.Keys()) > 0 {
			rt.set(o, "expressionValues", e.values)
		}
		rt.set(to, name, o)
	}
	return to
}

// request starts a request.
func (rt *Runtime) request(operation string) *goja.Object {
	return rt.object("operation", rt.vm.ToValue(operation))
}

// moduleDynamoDB makes the requests of the DynamoDB data source.
var moduleDynamoDB = map[string]utility{
	"get": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "get")
		o := rt.request("GetItem")
		rt.set(o, "key", rt.attributes(in.need("get", "key"), 0))
		return in.expressions(in.copy(o, "consistentRead"), "projection")
	},
	"put": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "put")
		o := rt.request("PutItem")
		rt.set(o, "key", rt.attributes(in.need("put", "key"), 0))
		rt.set(o, "attributeValues", rt.attributes(in.need("put", "item"), 0))
		return in.copy(in.expressions(o, "condition"), "_version", "customPartitionKey", "populateIndexFields")
	},
	"update": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "update")
		o := rt.request("UpdateItem")
		rt.set(o, "key", rt.attributes(in.need("update", "key"), 0))
		rt.set(o, "update", rt.update(in.need("update", "update")))
		return in.copy(in.expressions(o, "condition"), "_version", "customPartitionKey", "populateIndexFields")
	},
	"remove": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "remove")
		o := rt.request("DeleteItem")
		rt.set(o, "key", rt.attributes(in.need("remove", "key"), 0))
		return in.copy(in.expressions(o, "condition"), "_version", "customPartitionKey", "populateIndexFields")
	},
	"query": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "query")
		in.need("query", "query")
		o := in.expressions(rt.request("Query"), "query")
		return in.expressions(in.copy(o, "index", "limit", "nextToken", "consistentRead", "scanIndexForward", "select"), "filter", "projection")
	},
	"scan": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "scan")
		return in.expressions(in.copy(rt.request("Scan"), "index", "limit", "nextToken", "consistentRead", "segment", "totalSegments", "select"), "filter", "projection")
	},
	"sync": func(rt *Runtime, a []goja.Value) goja.Value {
		in := rt.input(a, "sync")
		return in.expressions(in.copy(rt.request("Sync"), "basePartitionKey", "deltaIndexName", "limit", "nextToken", "lastSync"), "filter")
	},
	"batchGet": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.tables(a, "batchGet", "BatchGetItem", func(table input) goja.Value {
			o := rt.object("keys", rt.list(table.need("batchGet", "keys")))
			return table.expressions(table.copy(o, "consistentRead"), "projection")
		})
	},
	"batchPut": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.tables(a, "batchPut", "BatchPutItem", nil)
	},
	"batchDelete": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.tables(a, "batchDelete", "BatchDeleteItem", nil)
	},
	"transactGet":   transactGet,
	"transactWrite": transactWrite,
	"toStringSet":   typed("SS"),
	"toNumberSet":   typed("NS"),
	"toBinarySet":   typed("BS"),

	"operations.add":            operation("OPERATION_ADD", "value"),
	"operations.replace":        operation("OPERATION_REPLACE", "value"),
	"operations.append":         operation("OPERATION_APPEND", "items"),
	"operations.prepend":        operation("OPERATION_PREPEND", "items"),
	"operations.increment":      operation("OPERATION_INCREMENT", "by"),
	"operations.decrement":      operation("OPERATION_DECREMENT", "by"),
	"operations.remove":         operation("OPERATION_REMOVE"),
	"operations.updateListItem": operation("OPERATION_UPDATE_LIST_ITEM", "value", "index"),
}

// operation makes the mark of an operation, which update reads.
func operation(kind string, members ...string) utility {
	return func(rt *Runtime, a []goja.Value) goja.Value {
		o := rt.object("type", rt.vm.ToValue(kind))
		for i, name := range members {
			if v := arg(a, i); !goja.IsUndefined(v) {
				rt.set(o, name, v)
			}
		}
		return o
	}
}

// list is a list of items or keys in DynamoDB's format.
func (rt *Runtime) list(v goja.Value) goja.Value {
	if !isArray(v) {
		rt.fail("a list is expected, got %s", rt.mustEncode(v))
	}
	list := rt.elements(v)
	for i := range list {
		list[i] = rt.attributes(list[i], 0)
	}
	return rt.array(list)
}

func (rt *Runtime) tables(a []goja.Value, function, operation string, each func(input) goja.Value) goja.Value {
	from := rt.input([]goja.Value{rt.input(a, function).need(function, "tables")}, function+": tables")
	tables := rt.vm.NewObject()
	for _, name := range from.o.Keys() {
		v := from.get(name)
		if each == nil {
			rt.set(tables, name, rt.list(v))
		} else {
			rt.set(tables, name, each(rt.input([]goja.Value{v}, function+": "+name)))
		}
	}
	o := rt.request(operation)
	rt.set(o, "tables", tables)
	return o
}

func (rt *Runtime) items(a []goja.Value, function, operation string, each func(input) goja.Value) goja.Value {
	items := rt.input(a, function).need(function, "items")
	if !isArray(items) {
		rt.fail("%s: items must be a list", function)
	}
	list := rt.elements(items)
	for i := range list {
		list[i] = each(rt.input(list[i:i+1], function+": items"))
	}
	o := rt.request(operation)
	rt.set(o, "transactItems", rt.array(list))
	return o
}

func transactGet(rt *Runtime, a []goja.Value) goja.Value {
	return rt.items(a, "transactGet", "TransactGetItems", func(item input) goja.Value {
		o := rt.object("table", item.need("transactGet", "table"), "key", rt.attributes(item.need("transactGet", "key"), 0))
		return item.expressions(o, "projection")
	})
}

func transactWrite(rt *Runtime, a []goja.Value) goja.Value {
	const name = "transactWrite"
	return rt.items(a, name, "TransactWriteItems", func(item input) goja.Value {
		for _, kind := range []struct{ member, operation string }{
			{"putItem", "PutItem"}, {"updateItem", "UpdateItem"}, {"deleteItem", "DeleteItem"}, {"conditionCheck", "ConditionCheck"},
		} {
			v := item.get(kind.member)
			if nullish(v) {
				continue
			}
			in := rt.input([]goja.Value{v}, name+": "+kind.member)
			o := rt.object("table", in.need(name, "table"), "operation", rt.vm.ToValue(kind.operation), "key", rt.attributes(in.need(name, "key"), 0))
			switch kind.member {
			case "putItem":
				rt.set(o, "attributeValues", rt.attributes(in.need(name, "item"), 0))
			case "updateItem":
				rt.set(o, "update", rt.update(in.need(name, "update")))
			}
			return in.expressions(o, "condition")
		}
		rt.fail("%s: an item must have putItem, updateItem, deleteItem or conditionCheck", name)
		return nil
	})
}

// placeholders numbers names as the module does: #expName_1, :expValue_1.
type placeholders struct {
	rt            *Runtime
	names, values *goja.Object
	known         map[string]string
}

func (p *placeholders) name(s string) string {
	if p.known[s] == "" {
		p.known[s] = "#expName_" + index(len(p.known)+1)
		p.rt.set(p.names, p.known[s], p.rt.vm.ToValue(s))
	}
	return p.known[s]
}

func (p *placeholders) value(v goja.Value) string {
	name := ":expValue_" + index(len(p.values.Keys())+1)
	p.rt.set(p.values, name, p.rt.attribute(v, 0))
	return name
}

func (rt *Runtime) placeholders() *placeholders {
	return &placeholders{rt: rt, names: rt.vm.NewObject(), values: rt.vm.NewObject(), known: map[string]string{}}
}

// projection makes an expression of a list of paths, nil of an empty one; every part of a path has a placeholder.
func (rt *Runtime) projection(v goja.Value) *goja.Object {
	if !isArray(v) {
		rt.fail("projection must be a list")
	}
	p := rt.placeholders()
	var paths []string
	for _, one := range rt.elements(v) {
		parts := strings.Split(one.String(), ".")
		for i, part := range parts {
			name, at, indexed := strings.Cut(part, "[")
			if parts[i] = p.name(name); indexed {
				parts[i] += "[" + at
			}
		}
		paths = append(paths, strings.Join(parts, "."))
	}
	if paths == nil {
		return nil
	}
	return rt.object("expression", rt.vm.ToValue(strings.Join(paths, ", ")), "expressionNames", p.names)
}

// update makes an update expression: all that is set, in the order written, then all that is removed. A bare value
// replaces the attribute, null included.
func (rt *Runtime) update(v goja.Value) goja.Value {
	in := rt.input([]goja.Value{v}, "update: update")
	p := rt.placeholders()
	var set, remove, removed []string
	for _, field := range in.o.Keys() {
		v := in.get(field)
		if goja.IsUndefined(v) {
			continue
		}
		if operationOf(rt, v) == "OPERATION_REMOVE" {
			removed = append(removed, field)
			continue
		}
		list := []goja.Value{v}
		if isArray(v) && rt.allListItems(v) {
			list = rt.elements(v)
		}
		for _, one := range list {
			set = append(set, rt.assignment(p, p.name(field), one))
		}
	}
	for _, field := range removed {
		remove = append(remove, p.name(field))
	}
	var parts []string
	if set != nil {
		parts = append(parts, "SET "+strings.Join(set, ", "))
	}
	if remove != nil {
		parts = append(parts, "REMOVE "+strings.Join(remove, ", "))
	}
	return rt.object("expression", rt.vm.ToValue(strings.Join(parts, " ")), "expressionNames", p.names, "expressionValues", p.values)
}

// assignment is one part of SET.
func (rt *Runtime) assignment(p *placeholders, name string, v goja.Value) string {
	kind := operationOf(rt, v)
	if kind == "" {
		return name + " = " + p.value(v)
	}
	in := input{rt, v.ToObject(rt.vm)}
	by := func() string {
		if v := in.get("by"); !nullish(v) {
			return p.value(v)
		}
		return p.value(rt.vm.ToValue(1))
	}
	switch kind {
	case "OPERATION_ADD", "OPERATION_REPLACE":
		return name + " = " + p.value(in.get("value"))
	case "OPERATION_APPEND":
		return name + " = list_append(" + name + ", " + p.value(in.get("items")) + ")"
	case "OPERATION_PREPEND":
		return name + " = list_append(" + p.value(in.get("items")) + ", " + name + ")"
	case "OPERATION_INCREMENT":
		return name + " = " + name + " + " + by()
	case "OPERATION_DECREMENT":
		return name + " = " + name + " - " + by()
	case "OPERATION_UPDATE_LIST_ITEM":
		return name + "[" + in.get("index").String() + "] = " + p.value(in.get("value"))
	}
	rt.fail("update: there is no operation %s", kind)
	return ""
}

// operationOf is the kind of an operation, empty for any other value.
func operationOf(rt *Runtime, v goja.Value) string {
	if !isObject(v) {
		return ""
	}
	if kind := v.ToObject(rt.vm).Get("type"); kind != nil && goja.IsString(kind) && strings.HasPrefix(kind.String(), "OPERATION_") {
		return kind.String()
	}
	return ""
}

func (rt *Runtime) allListItems(v goja.Value) bool {
	list := rt.elements(v)
	for _, one := range list {
		if operationOf(rt, one) != "OPERATION_UPDATE_LIST_ITEM" {
			return false
		}
	}
	return len(list) > 0
}
