package cfn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Typed is a resource with its typed properties.
type Typed[P any] struct {
	ID, Type string // logical id and resource type
	Props    P
}

// Collector collects what the resources of one API are, and all mistakes in them.
// The zero value is ready for use.
type Collector struct {
	errs     []error
	declared []string
}

// Collect decodes a resource's properties and appends it to list. See Decode.
func Collect[P any](c *Collector, r *Resource, list *[]Typed[P]) {
	t := Typed[P]{ID: r.LogicalID, Type: r.Type}
	declared, err := Decode(r, &t.Props)
	if err != nil {
		c.Add(err)
		return
	}
	for _, p := range declared {
		c.declared = append(c.declared, r.LogicalID+": "+p)
	}
	*list = append(*list, t)
}

// Add notes a mistake.
func (c *Collector) Add(err error) { c.errs = append(c.errs, err) }

// Errorf notes a mistake in a resource.
func (c *Collector) Errorf(id, typ, format string, args ...any) {
	c.Add(fmt.Errorf("%s (%s): %s", id, typ, fmt.Sprintf(format, args...)))
}

// Err is all mistakes, or nil.
func (c *Collector) Err() error { return errors.Join(c.errs...) }

// Declared lists, sorted, the properties without effect, as "LogicalID: property".
func (c *Collector) Declared() []string { return slices.Sorted(slices.Values(c.declared)) }

// Choose is the one API to serve of a type: that of the id want, or, if want is empty, the
// only one. Without it there is a mistake, and nil. setting is what to choose by.
func Choose[P any](c *Collector, apis []Typed[P], typ, want, setting string) *Typed[P] {
	var found *Typed[P]
	for i := range apis {
		a := &apis[i]
		switch {
		case want != "" && a.ID != want:
		case found != nil:
			c.Errorf(a.ID, a.Type, "a second %s beside %s: %s must name the one to serve", kindOf(typ), found.ID, setting)
		default:
			found = a
		}
	}
	if found == nil && len(c.errs) == 0 {
		c.Add(fmt.Errorf("no %s %s among the resources", typ, want))
	}
	return found
}

// BelongsTo tells whether a resource is a part of the chosen API: whether its property, with
// the value ref, names that one. It is a mistake if it names no API of the template.
func BelongsTo[A any](c *Collector, id, typ, property, ref, chosen string, apis []Typed[A]) bool {
	if ref == chosen {
		return true
	}
	if !slices.ContainsFunc(apis, func(a Typed[A]) bool { return a.ID == ref }) {
		c.Errorf(id, typ, "%s %q is no %s of this template", property, ref, kindOf(apis[0].Type))
	}
	return false
}

// kindOf is a type's name without those of its service: AWS::ApiGateway::RestApi is a RestApi.
func kindOf(typ string) string { return typ[strings.LastIndexByte(typ, ':')+1:] }
