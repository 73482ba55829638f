package apigateway

import (
	"net/url"
	"strings"
)

// node is a resource of the API: one part of a path.
type node struct {
	id      string // logical id
	path    string // "/orders/{orderId}"
	static  map[string]*node
	param   *node  // {name}
	greedy  *node  // {name+}
	name    string // of the parameter, with the + of a greedy one
	methods map[string]*method
}

// pathParam is a path parameter's value, as sent: API Gateway does not decode it.
type pathParam struct{ name, value string }

// match finds the resource that a path belongs to: at each level a static
// part goes before {param}, and that before {proxy+}; where the better choice
// has no method for the request, the next is tried, so that a POST to /a of an
// API with GET /a and ANY /{proxy+} reaches the latter. A trailing slash is
// ignored.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html
func (n *node) match(path, httpMethod string) (*node, *method, []pathParam) {
	path = strings.TrimPrefix(path, "/")
	return n.find(path, httpMethod, nil)
}

func (n *node) find(rest, httpMethod string, params []pathParam) (*node, *method, []pathParam) {
	if rest == "" {
		if m := n.methodFor(httpMethod); m != nil {
			return n, m, params
		}
		return nil, nil, nil
	}
	part, tail, _ := strings.Cut(rest, "/")
	if len(n.static) > 0 {
		if child, ok := n.static[decodePart(part)]; ok {
			if found, m, p := child.find(tail, httpMethod, params); found != nil {
				return found, m, p
			}
		}
	}
	if n.param != nil && part != "" {
		p := append(params[:len(params):len(params)], pathParam{n.param.name, part})
		if found, m, p := n.param.find(tail, httpMethod, p); found != nil {
			return found, m, p
		}
	}
	if n.greedy != nil {
		if m := n.greedy.methodFor(httpMethod); m != nil {
			p := append(params[:len(params):len(params)], pathParam{strings.TrimSuffix(n.greedy.name, "+"), strings.TrimSuffix(rest, "/")})
			return n.greedy, m, p
		}
	}
	return nil, nil, nil
}

func (n *node) methodFor(httpMethod string) *method {
	if m, ok := n.methods[httpMethod]; ok {
		return m
	}
	return n.methods["ANY"]
}

func decodePart(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}
