package dynamodb

import (
	"fmt"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

const msgKeySchema = "The provided key element does not match the schema"

// checkKey refuses a Key that is not exactly the table's key.
func (k keySchema) checkKey(key Item) *api.Error {
	parts := k.attributes()
	if len(key) != len(parts) {
		return validation(msgKeySchema)
	}
	for i, p := range parts {
		v := key.Get(p.name)
		if v.kind != p.kind {
			return validation(msgKeySchema)
		}
		if problem := keyProblem(v, p.name, i == 0); problem != "" {
			return validation("%s", problem)
		}
	}
	return nil
}

// keyProblem applies the limits of a key attribute's value.
func keyProblem(v Value, name string, hash bool) string {
	switch {
	case v.kind == KindN:
	case v.s == "":
		return fmt.Sprintf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyWord(v), name)
	case hash && len(v.s) > 2048:
		return "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
	case !hash && len(v.s) > 1024:
		return "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
	}
	return ""
}

func emptyWord(v Value) string {
	if v.kind == KindB {
		return "binary"
	}
	return "string"
}

// checkItem refuses an item whose keys do not fit the table and its indexes.
func (t *Table) checkItem(it Item) *api.Error {
	for i, p := range t.key.attributes() {
		v := it.Get(p.name)
		if v.kind == 0 {
			return validation("One or more parameter values were invalid: Missing the key %s in the item", p.name)
		}
		if v.kind != p.kind {
			return validation("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", p.name, p.kind, v.kind)
		}
		if problem := keyProblem(v, p.name, i == 0); problem != "" {
			return validation("%s", problem)
		}
	}
	for _, ix := range t.indexes {
		for i, p := range ix.key.attributes() {
			if err := ix.checkAttribute(it.Get(p.name), p, i == 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ix *index) checkAttribute(v Value, p keyAttribute, hash bool) *api.Error {
	switch {
	case v.kind == 0:
		return nil
	case v.kind != p.kind:
		return validation("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", p.name, p.kind, v.kind, ix.name)
	case v.kind != KindN && v.s == "":
		return validation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyWord(v), ix.name, p.name)
	}
	if problem := keyProblem(v, p.name, hash); problem != "" {
		return validation("%s", problem)
	}
	return nil
}

// checkUpdatePaths refuses an update of the key, or of a part of an index key.
func (t *Table) checkUpdatePaths(b *binding) *api.Error {
	actions := b.expr.actions
	for _, p := range t.key.attributes() {
		for i := range actions {
			if b.head(actions[i].path) == p.name {
				return validation("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", p.name)
			}
		}
	}
	for _, ix := range t.indexes {
		for _, p := range ix.key.attributes() {
			for i := range actions {
				a := &actions[i]
				if b.head(a.path) != p.name {
					continue
				}
				if len(a.path) > 1 {
					return validation("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: %s", p.name)
				}
				if a.value.kind == operandValue && a.section == "SET" {
					if v := b.value(a.value); v.kind != p.kind {
						return validation("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", p.name, p.kind, v.kind, ix.name)
					}
				}
			}
		}
	}
	return nil
}

// checkPaths refuses a projection of parts of key attributes.
func (t *Table) checkPaths(b *binding) *api.Error {
	for _, p := range b.expr.paths {
		if err := t.checkScalar(b, p); err != nil {
			return err
		}
	}
	return nil
}

// checkNested refuses document paths into key attributes.
func (t *Table) checkNested(b *binding, c *condition) *api.Error {
	var err *api.Error
	visitPaths(c, func(p path) {
		if err == nil {
			err = t.checkScalar(b, p)
		}
	})
	return err
}

func (t *Table) checkScalar(b *binding, p path) *api.Error {
	if len(p) == 1 {
		return nil
	}
	const msg = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %s"
	name := b.head(p)
	if t.key.has(name) {
		return validation(msg, "Key", name)
	}
	for _, ix := range t.indexes {
		if ix.key.has(name) {
			return validation(msg, "IndexKey", name)
		}
	}
	return nil
}

func visitPaths(c *condition, f func(path)) {
	for _, s := range c.subs {
		visitPaths(s, f)
	}
	for _, a := range c.args {
		visitOperand(a, f)
	}
}

func visitOperand(o operand, f func(path)) {
	if o.kind == operandPath {
		f(o.path)
	}
	for _, a := range o.args {
		visitOperand(a, f)
	}
}

// checkUpdated refuses the outcome of an update whose index keys do not fit.
func (t *Table) checkUpdated(it Item) *api.Error {
	for _, ix := range t.indexes {
		for _, p := range ix.key.attributes() {
			switch v := it.Get(p.name); {
			case v.kind == 0:
			case v.kind != p.kind:
				return validation("The update expression attempted to update the secondary index key to unsupported type")
			case v.kind != KindN && v.s == "":
				return validation("The update expression attempted to update the secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", emptyWord(v))
			}
		}
	}
	return nil
}
