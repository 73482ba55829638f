package appsyncjs

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/dop251/goja"
	"golang.org/x/text/unicode/norm"
)

var utilText = map[string]utility{
	"util.escapeJavaScript": func(rt *Runtime, a []goja.Value) goja.Value { return rt.vm.ToValue(escapeJavaScript(text(a, 0))) },
	"util.urlEncode":        func(rt *Runtime, a []goja.Value) goja.Value { return rt.vm.ToValue(urlEncode(text(a, 0))) },
	"util.urlDecode": func(rt *Runtime, a []goja.Value) goja.Value {
		s, err := url.QueryUnescape(text(a, 0))
		if err != nil {
			rt.fail("util.urlDecode: %w", err)
		}
		return rt.vm.ToValue(s)
	},
	"util.base64Encode": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(base64.StdEncoding.EncodeToString([]byte(text(a, 0))))
	},
	"util.base64Decode": func(rt *Runtime, a []goja.Value) goja.Value {
		b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text(a, 0), "="))
		if err != nil {
			rt.fail("util.base64Decode: %w", err)
		}
		return rt.vm.ToValue(strings.ToValidUTF8(string(b), "\ufffd"))
	},
	"util.matches": func(rt *Runtime, a []goja.Value) goja.Value {
		p, err := rt.pattern(`\A(?:` + text(a, 0) + `)\z`)
		if err != nil {
			rt.fail("util.matches: %w", err)
		}
		return rt.vm.ToValue(p.MatchString(text(a, 1)))
	},
	"util.authType": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(rt.authType(rt.call.ctx.Get("identity")))
	},
	"util.str.normalize": func(rt *Runtime, a []goja.Value) goja.Value {
		forms := map[string]norm.Form{"nfc": norm.NFC, "nfd": norm.NFD, "nfkc": norm.NFKC, "nfkd": norm.NFKD}
		form, ok := forms[text(a, 1)]
		if !ok {
			rt.fail("util.str.normalize: the form must be nfc, nfd, nfkc or nfkd, got %q", text(a, 1))
		}
		return rt.vm.ToValue(form.String(text(a, 0)))
	},
}

// urlEncode is application/x-www-form-urlencoded as Java's URLEncoder writes it.
func urlEncode(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "~", "%7E"), "%2A", "*")
}

// escapeJavaScript escapes what cannot stand in a JavaScript string, and the slash.
func escapeJavaScript(s string) string {
	const hex = "0123456789ABCDEF"
	named := map[uint16]byte{'\b': 'b', '\n': 'n', '\t': 't', '\f': 'f', '\r': 'r'}
	var b strings.Builder
	for _, c := range utf16Of(s) {
		switch short := named[c]; {
		case short != 0:
			b.WriteByte('\\')
			b.WriteByte(short)
		case c == '\'' || c == '"' || c == '\\' || c == '/':
			b.WriteByte('\\')
			b.WriteByte(byte(c))
		case c < ' ' || c > '~':
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte(hex[c>>shift&15])
			}
		default:
			b.WriteByte(byte(c))
		}
	}
	return b.String()
}

// identities are the keys of ctx.identity in each authorization mode. AppSync tells the mode by them: no
// other key, and none of the required ones missing or null.
var identities = []struct{ mode, required, optional string }{
	{"IAM Authorization", "accountId sourceIp username userArn", "cognitoIdentityPoolId cognitoIdentityId cognitoIdentityAuthType cognitoIdentityAuthProvider"},
	{"User Pool Authorization", "sourceIp username sub issuer claims defaultAuthStrategy", "groups"},
	{"Open ID Connect Authorization", "sub issuer claims", ""},
	{"Lambda Authorization", "", "resolverContext handlerContext"},
}

func (rt *Runtime) authType(identity goja.Value) string {
	o, ok := identity.(*goja.Object)
	if !ok || o.ClassName() == "Array" {
		return "API Key Authorization"
	}
next:
	for _, one := range identities {
		allowed := " " + one.required + " " + one.optional + " "
		for _, key := range o.Keys() {
			if !strings.Contains(allowed, " "+key+" ") {
				continue next
			}
		}
		for _, key := range strings.Fields(one.required) {
			if nullish(o.Get(key)) {
				continue next
			}
		}
		return one.mode
	}
	return "API Key Authorization"
}
