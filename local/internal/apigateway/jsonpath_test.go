package apigateway

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

const store = `{"store":{"book":[
 {"category":"reference","author":"Nigel Rees","title":"Sayings","price":8.95},
 {"category":"fiction","author":"Evelyn Waugh","title":"Sword","price":12.99},
 {"category":"fiction","author":"Herman Melville","title":"Moby Dick","isbn":"0-553","price":8.99},
 {"category":"fiction","author":"J. R. R. Tolkien","title":"Rings","isbn":"0-395","price":22.99}],
 "bicycle":{"color":"red","price":19.95}},"expensive":10,"a.b":{"it's":1},"none":null,"n":[[1,2],[3]]}`

func TestJSONPath(t *testing.T) {
	root, err := vtl.FromJSON([]byte(store))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		`$.expensive`:                                 `10`,
		`expensive`:                                   `10`,
		`$['expensive']`:                              `10`,
		`$["expensive"]`:                              `10`,
		`$.store.bicycle`:                             `{"color":"red","price":19.95}`,
		`$.store.book[0].author`:                      `"Nigel Rees"`,
		`$.store.book[-1].title`:                      `"Rings"`,
		`$.store.book[0,-1].title`:                    `["Sayings","Rings"]`,
		`$.store.book[1:3].title`:                     `["Sword","Moby Dick"]`,
		`$.store.book[:2].title`:                      `["Sayings","Sword"]`,
		`$.store.book[-2:].price`:                     `[8.99,22.99]`,
		`$.store.book[*].price`:                       `[8.95,12.99,8.99,22.99]`,
		`$.store.book.*.isbn`:                         `["0-553","0-395"]`,
		`$..price`:                                    `[8.95,12.99,8.99,22.99,19.95]`,
		`$..book[2].title`:                            `["Moby Dick"]`,
		`$.store.bicycle['price','color']`:            `{"price":19.95,"color":"red"}`,
		`$['a.b']['it\'s']`:                           `1`,
		`$.none`:                                      `null`,
		`$.store.book.length()`:                       `4`,
		`$.n[0][1]`:                                   `2`,
		`$.n[*][0]`:                                   `[1,3]`,
		`$.store.book[?(@.isbn)].title`:               `["Moby Dick","Rings"]`,
		`$.store.book[?(!@.isbn)].title`:              `["Sayings","Sword"]`,
		`$.store.book[?(@.price < 10)].title`:         `["Sayings","Moby Dick"]`,
		`$.store.book[?(@.price<=$.expensive)].price`: `[8.95,8.99]`,
		`$.store.book[?(@.category=='fiction' && @.price>20)].title`:        `["Rings"]`,
		`$.store.book[?(@.price > 20 || (@.author == "Nigel Rees"))].title`: `["Sayings","Rings"]`,
		`$.store.book[?(@.category != 'fiction')].title`:                    `["Sayings"]`,
		`$.nothing[*]`: `[]`,
		`$.nothing..x`: `[]`,
		`$`:            "",
	} {
		p, err := compileJSONPath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if path == "$.nothing[*]" || path == "$.nothing..x" {
			p2, _ := p.eval(root)
			if l, ok := p2.(*vtl.List); !ok || l.Len() != 0 {
				t.Errorf("%s: got %v", path, p2)
			}
			continue
		}
		v, ok := p.eval(root)
		got, err := vtl.ToJSON(v)
		if path == "$" {
			want, _ = vtl.ToJSON(root)
		}
		if !ok || err != nil || got != want {
			t.Errorf("%s: got %s, %v, %v\nwant %s", path, got, ok, err, want)
		}
	}
	for _, path := range []string{`$.nothing`, `$.store.nothing.x`, `$.expensive.x`, `$.store.book[9]`, `$.store.book.title`, `$.store[0]`, `$.expensive.length()`} {
		p, err := compileJSONPath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if v, ok := p.eval(root); ok {
			t.Errorf("%s: got %v, want nothing", path, v)
		}
	}
	for _, path := range []string{``, `$.`, `$[`, `$['a`, `$['a'`, `$[?]`, `$[?(]`, `$[?(@.a =~ /x/)]`, `$[:]`, `$[x]`, `$.a.min()`, `$.length().a`, `$..`, `$a`, `$[0`, `$.[0]`, `$[99999999999999999999]`} {
		if p, err := compileJSONPath(path); err == nil {
			t.Errorf("%s: compiled to %+v", path, p)
		}
	}
}

func FuzzJSONPath(f *testing.F) {
	for _, p := range []string{`$.store.book[?(@.price < 10 && !(@.isbn))].title`, `$..*`, `$['a','b'][1:2][-1]`, `a.b.length()`, `$[?(@['x'] == $.y)]`} {
		f.Add(p, `{"a":[1,{"b":"c"}]}`)
	}
	f.Fuzz(func(t *testing.T, path, doc string) {
		if len(path) > 100 || len(doc) > 300 {
			return
		}
		p, err := compileJSONPath(path)
		if err != nil {
			return
		}
		root, err := vtl.FromJSON([]byte(doc))
		if err != nil {
			return
		}
		v, ok := p.eval(root)
		if !p.definite {
			if _, list := v.(*vtl.List); !ok || !list {
				t.Errorf("%s: an indefinite path led to %v", path, v)
			}
		}
		if q, err := compileJSONPath(path); err != nil || q.definite != p.definite {
			t.Errorf("%s does not compile the same way twice: %v", path, err)
		}
	})
}

func FuzzRoutes(f *testing.F) {
	leaf := func(path string) *node { return &node{path: path, methods: map[string]*method{"GET": {}}} }
	root := leaf("/")
	orders, id, proxy, status := leaf("/orders"), leaf("/orders/{id}"), leaf("/{proxy+}"), leaf("/orders/{id}/status")
	id.name, proxy.name = "id", "proxy+"
	root.static, root.greedy = map[string]*node{"orders": orders}, proxy
	orders.param, id.static = id, map[string]*node{"status": status}
	for _, p := range []string{"/", "/orders", "/orders/1/status", "//", "/orders//status", "/%2F", "/a/../b"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		n, m, params := root.match(path, "GET")
		if (n == nil) != (m == nil) {
			t.Fatalf("%q: %v %v", path, n, m)
		}
		if n == nil {
			t.Fatalf("%q: nothing, although {proxy+} takes anything", path)
		}
		for _, p := range params {
			if p.value == "" && n != proxy {
				t.Errorf("%q: an empty parameter in %s", path, n.path)
			}
		}
		if _, m, _ := root.match(path, "PUT"); m != nil {
			t.Errorf("%q: a PUT that nobody declares", path)
		}
	})
}

func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"*", "x", true}, {"a*c", "abbbc", true}, {"a*c", "abbbd", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"a*b*c", "axxbyyc", true}, {"**", "x", true}, {"", "", true}, {"", "x", false}, {"a", "ab", false}, {"*a", "bba", true}, {"*ab*ab", "abab", true},
	} {
		if got := wildcard(c.pattern, c.s); got != c.want {
			t.Errorf("wildcard(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}
