package appsyncjs

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

// utilReports are the ways of a program to tell more than its result.
var utilReports = map[string]utility{
	"util.error": func(rt *Runtime, a []goja.Value) goja.Value {
		panic(rt.vm.NewGoError(rt.report(a)))
	},
	"util.appendError": func(rt *Runtime, a []goja.Value) goja.Value {
		rt.call.result.Errors = append(rt.call.result.Errors, rt.report(a))
		return goja.Undefined()
	},
	"util.unauthorized": func(rt *Runtime, a []goja.Value) goja.Value {
		info := rt.call.context.Info
		panic(rt.vm.NewGoError(&Error{
			Message: "Not Authorized to access " + info.FieldName + " on type " + info.ParentTypeName, Type: "Unauthorized", Unauthorized: true,
		}))
	},
	"runtime.earlyReturn": func(rt *Runtime, a []goja.Value) goja.Value {
		early := &earlyReturn{value: arg(a, 0)}
		if options := arg(a, 1); !nullish(options) {
			if to := options.ToObject(rt.vm).Get("skipTo"); !nullish(to) {
				early.skipTo = to.String()
			}
			if early.skipTo != "END" && early.skipTo != "NEXT" {
				rt.fail("runtime.earlyReturn: skipTo must be END or NEXT, got %q", early.skipTo)
			}
		}
		panic(rt.vm.NewGoError(early))
	},
}

// report is the error of the arguments of util.error: message, type, data, info.
func (rt *Runtime) report(a []goja.Value) *Error {
	e := &Error{}
	if v := arg(a, 0); !nullish(v) {
		e.Message = v.String()
	}
	if v := arg(a, 1); !nullish(v) {
		e.Type = v.String()
	}
	e.Data, e.Info = rt.optional(arg(a, 2)), rt.optional(arg(a, 3))
	return e
}

// optional is an argument as JSON, nil if it is null or was not given.
func (rt *Runtime) optional(v goja.Value) json.RawMessage {
	if nullish(v) {
		return nil
	}
	return rt.mustEncode(v)
}

func (rt *Runtime) mustEncode(v goja.Value) json.RawMessage {
	b, err := rt.encode(v)
	if err != nil {
		rt.fail("%w", err)
	}
	return b
}

var extensions = map[string]utility{
	"extensions.setSubscriptionFilter": func(rt *Runtime, a []goja.Value) goja.Value {
		rt.call.result.SubscriptionFilter = rt.mustEncode(arg(a, 0))
		return goja.Undefined()
	},
	"extensions.setSubscriptionInvalidationFilter": func(rt *Runtime, a []goja.Value) goja.Value {
		rt.call.result.InvalidationFilter = rt.mustEncode(arg(a, 0))
		return goja.Undefined()
	},
	"extensions.invalidateSubscriptions": func(rt *Runtime, a []goja.Value) goja.Value {
		if nullish(arg(a, 0)) {
			rt.fail("extensions.invalidateSubscriptions: the argument is missing")
		}
		o := a[0].ToObject(rt.vm)
		field := o.Get("subscriptionField")
		if nullish(field) {
			rt.fail("extensions.invalidateSubscriptions: subscriptionField is missing")
		}
		rt.call.result.Invalidations = append(rt.call.result.Invalidations, Invalidation{SubscriptionField: field.String(), Payload: rt.mustEncode(o.Get("payload"))})
		return goja.Undefined()
	},
}

// maxHeaders is the size of all response headers together, names and values, in bytes.
const maxHeaders = 4096

// restrictedHeaders are those that AppSync neither copies nor lets code set: they are about one connection
// ("HTTP helpers in util.http").
var restrictedHeaders = map[string]bool{
	"transfer-encoding": true, "connection": true, "host": true, "expect": true, "keep-alive": true, "upgrade": true,
	"proxy-authenticate": true, "proxy-authorization": true, "te": true, "content-length": true,
}

// reservedHeaders are those that AppSync sets itself.
var reservedHeaders = map[string]bool{
	"access-control-allow-credentials": true, "access-control-allow-origin": true, "access-control-expose-headers": true,
	"access-control-max-age": true, "access-control-allow-methods": true, "access-control-allow-headers": true, "vary": true, "content-type": true,
}

var utilHTTP = map[string]utility{
	"util.http.copyHeaders": func(rt *Runtime, a []goja.Value) goja.Value {
		copied := rt.vm.NewObject()
		if nullish(arg(a, 0)) {
			return copied
		}
		from := a[0].ToObject(rt.vm)
		for _, name := range from.Keys() {
			if !restrictedHeaders[strings.ToLower(name)] {
				rt.set(copied, name, from.Get(name))
			}
		}
		return copied
	},
	"util.http.addResponseHeader": func(rt *Runtime, a []goja.Value) goja.Value {
		rt.header(text(a, 0), arg(a, 1))
		return goja.Undefined()
	},
	"util.http.addResponseHeaders": func(rt *Runtime, a []goja.Value) goja.Value {
		if nullish(arg(a, 0)) {
			rt.fail("util.http.addResponseHeaders: the argument is missing")
		}
		from := a[0].ToObject(rt.vm)
		for _, name := range from.Keys() {
			rt.header(name, from.Get(name))
		}
		return goja.Undefined()
	},
}

// header adds a response header; the last value of a name counts, but each counts towards the size. What
// cannot be a header is left out, and an error is appended.
func (rt *Runtime) header(name string, v goja.Value) {
	lower := strings.ToLower(name)
	r := &rt.call.result
	if name == "" || nullish(v) || restrictedHeaders[lower] || reservedHeaders[lower] || strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(lower, "x-amzn-") {
		r.Errors = append(r.Errors, &Error{Type: "ResponseHeaderError", Message: fmt.Sprintf("the response header %q cannot be set to %s", name, rt.mustEncode(v))})
		return
	}
	value := v.String()
	if o, ok := v.(*goja.Object); ok {
		value = string(rt.mustEncode(o))
	}
	if rt.call.headerSize += len(name) + len(value); rt.call.headerSize > maxHeaders {
		rt.fail("util.http.addResponseHeader: the response headers have more than %d bytes", maxHeaders)
	}
	for i := range r.Headers {
		if strings.EqualFold(r.Headers[i].Name, name) {
			r.Headers[i] = Header{Name: name, Value: value}
			return
		}
	}
	r.Headers = append(r.Headers, Header{Name: name, Value: value})
}
