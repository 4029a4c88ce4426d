package restapi

import (
	"fmt"
	"strings"
)

// resource is one path of the API with its methods.
type resource struct {
	path    string // as written in the template, e.g. /map/{proxy+}
	methods map[string]*method
}

// node is one segment of the tree of paths.
type node struct {
	static map[string]*node
	param  *node // {name}
	name   string
	greedy *resource // {name+}
	rest   string
	here   *resource
}

// param is a path parameter, as the client sent it: still encoded.
type param struct{ name, value string }

func (n *node) add(path string, r *resource) error {
	if path == "/" {
		n.here = r
		return nil
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		name, isParam := strings.CutPrefix(s, "{")
		name, closed := strings.CutSuffix(name, "}")
		switch {
		case isParam && !closed || !strings.HasPrefix(path, "/"):
			return fmt.Errorf("path %s: can't be read", path)
		case isParam && strings.HasSuffix(name, "+"):
			if i != len(segments)-1 {
				return fmt.Errorf("path %s: {%s} must come last", path, name)
			}
			n.greedy, n.rest = r, strings.TrimSuffix(name, "+")
			return nil
		case isParam:
			if n.param == nil {
				n.param, n.name = &node{}, name
			}
			if n.name != name {
				return fmt.Errorf("path %s: API Gateway refuses {%s} beside {%s}", path, name, n.name)
			}
			n = n.param
		default:
			if n.static == nil {
				n.static = map[string]*node{}
			}
			if n.static[s] == nil {
				n.static[s] = &node{}
			}
			n = n.static[s]
		}
	}
	n.here = r
	return nil
}

// match finds the resource of a path that has a method, in capitals: literal beats {param} beats {proxy+}, segment by segment,
// and where a branch leads nowhere, or to a resource without the method, the nearest {proxy+} above it takes the path. Slashes in front and one at the end don't count; beyond that nothing
// is decoded or cleaned.
func (n *node) match(method, path string) (*resource, []param) {
	rest := strings.TrimSuffix(strings.TrimLeft(path, "/"), "/")
	if rest == "" {
		return n.here.with(method), nil
	}
	return n.walk(method, rest, nil)
}

// with is the resource, if it has the method.
func (r *resource) with(method string) *resource {
	if r == nil || r.method(method) == nil {
		return nil
	}
	return r
}

// method is that of a resource. ANY stands for the seven methods that API Gateway knows, spelled in capitals.
func (r *resource) method(name string) *method {
	if m := r.methods[name]; m != nil && name != anyOfSeven {
		return m
	}
	if !verbs[strings.ToLower(name)] || name != strings.ToUpper(name) {
		return nil
	}
	return r.methods[anyOfSeven]
}

func (n *node) walk(method, rest string, params []param) (*resource, []param) {
	segment, after, more := strings.Cut(rest, "/")
	try := func(next *node, ps []param) (*resource, []param) {
		if more {
			return next.walk(method, after, ps)
		}
		return next.here.with(method), ps
	}
	if next := n.static[segment]; next != nil {
		if r, ps := try(next, params); r != nil {
			return r, ps
		}
	}
	if n.param != nil && segment != "" {
		if r, ps := try(n.param, append(params[:len(params):len(params)], param{n.name, segment})); r != nil {
			return r, ps
		}
	}
	if n.greedy.with(method) != nil && rest != "" {
		return n.greedy, append(params[:len(params):len(params)], param{n.rest, rest})
	}
	return nil, nil
}
