package cfn

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// Environment is what a template's intrinsic functions refer to outside it.
type Environment struct {
	Region, AccountID, StackName string

	// Parameters overrides the defaults of the template's parameters.
	Parameters map[string]string

	// Ref and GetAtt give the values of a resource.
	Ref    func(logicalID, resourceType string) (string, error)
	GetAtt func(logicalID, resourceType, attribute string) (string, error)
}

// noValue is what Ref AWS::NoValue resolves to: the property is left out.
type noValue struct{}

type resolver struct {
	template *Template
	env      Environment
}

func (r resolver) resolve(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || name == "Condition" && isString(arg) || strings.HasPrefix(name, "Fn::") {
					return r.call(name, arg)
				}
			}
		}
		out := make(map[string]any, len(v))
		for _, k := range sortedKeys(v) {
			e, err := r.resolve(v[k])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			if _, none := e.(noValue); !none {
				out[k] = e
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			e, err := r.resolve(e)
			if err != nil {
				return nil, err
			}
			if _, none := e.(noValue); !none {
				out = append(out, e)
			}
		}
		return out, nil
	}
	return v, nil
}

func (r resolver) call(name string, arg any) (any, error) {
	switch name {
	case "Ref":
		id, ok := arg.(string)
		if !ok {
			return nil, fmt.Errorf("Ref takes a name, got %v", arg)
		}
		return r.ref(id)
	case "Fn::GetAtt":
		return r.getAtt(arg)
	case "Fn::Sub":
		return r.sub(arg)
	case "Fn::Join":
		return r.join(arg)
	case "Fn::Select":
		return r.selectOne(arg)
	case "Fn::Split":
		return r.split(arg)
	case "Fn::If":
		return r.ifElse(arg)
	case "Fn::FindInMap":
		return r.findInMap(arg)
	case "Fn::Base64":
		v, err := r.resolve(arg)
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.EncodeToString([]byte(text(v))), nil
	case "Fn::ToJsonString":
		v, err := r.resolve(arg)
		if err != nil {
			return nil, err
		}
		b, err := jsontext.Marshal(v)
		return string(b), err
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition":
		return r.evaluate(map[string]any{name: arg})
	}
	return nil, fmt.Errorf("the intrinsic function %s is not simulated", name)
}

func (r resolver) ref(id string) (any, error) {
	switch id {
	case "AWS::Region":
		return r.env.Region, nil
	case "AWS::AccountId":
		return r.env.AccountID, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return r.env.StackName, nil
	case "AWS::StackId":
		return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/local", r.env.Region, r.env.AccountID, r.env.StackName), nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if p, ok := r.template.parameters[id]; ok {
		if v, ok := r.env.Parameters[id]; ok {
			return v, nil
		}
		if p.Default == nil {
			return nil, fmt.Errorf("parameter %s (%s) has no default and no value was given", id, p.Type)
		}
		return p.Default, nil
	}
	res, ok := r.template.resources[id]
	if !ok {
		return nil, fmt.Errorf("Ref %s: the template has no such resource or parameter", id)
	}
	return r.env.Ref(id, res.Type)
}

func (r resolver) getAtt(arg any) (any, error) {
	var id, attr string
	switch arg := arg.(type) {
	case string:
		id, attr, _ = strings.Cut(arg, ".")
	case []any:
		if len(arg) != 2 {
			return nil, fmt.Errorf("Fn::GetAtt takes two values, got %d", len(arg))
		}
		name, err := r.resolve(arg[1])
		if err != nil {
			return nil, err
		}
		id, attr = text(arg[0]), text(name)
	}
	res, ok := r.template.resources[id]
	if !ok {
		return nil, fmt.Errorf("Fn::GetAtt %s.%s: the template has no such resource", id, attr)
	}
	return r.env.GetAtt(id, res.Type, attr)
}

var placeholder = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

func (r resolver) sub(arg any) (any, error) {
	format, vars := "", map[string]any{}
	switch arg := arg.(type) {
	case string:
		format = arg
	case []any:
		if len(arg) != 2 {
			return nil, fmt.Errorf("Fn::Sub takes a text or a text and a map, got %d values", len(arg))
		}
		m, ok := arg[1].(map[string]any)
		if !ok {
			return nil, errors.New("Fn::Sub: its second value is not a map")
		}
		format, vars = text(arg[0]), m
	}
	var failed error
	out := placeholder.ReplaceAllStringFunc(format, func(m string) string {
		parts := placeholder.FindStringSubmatch(m)
		if parts[1] == "!" {
			return "${" + parts[2] + "}"
		}
		name := strings.TrimSpace(parts[2])
		var (
			v   any
			err error
		)
		switch e, ok := vars[name]; {
		case ok:
			v, err = r.resolve(e)
		case strings.Contains(name, ".") && !strings.HasPrefix(name, "AWS::"):
			v, err = r.getAtt(name)
		default:
			v, err = r.ref(name)
		}
		if err != nil && failed == nil {
			failed = fmt.Errorf("Fn::Sub: %w", err)
		}
		return text(v)
	})
	return out, failed
}

func (r resolver) list(name string, arg any, want int) ([]any, error) {
	args, ok := arg.([]any)
	if !ok || want > 0 && len(args) != want {
		return nil, fmt.Errorf("%s takes a list of %d values, got %v", name, want, arg)
	}
	return args, nil
}

func (r resolver) join(arg any) (any, error) {
	args, err := r.list("Fn::Join", arg, 2)
	if err != nil {
		return nil, err
	}
	v, err := r.resolve(args[1])
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("Fn::Join: %v is not a list", v)
	}
	parts := make([]string, len(items))
	for i, e := range items {
		parts[i] = text(e)
	}
	return strings.Join(parts, text(args[0])), nil
}

func (r resolver) selectOne(arg any) (any, error) {
	args, err := r.list("Fn::Select", arg, 2)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(text(args[0]))
	if err != nil {
		return nil, fmt.Errorf("Fn::Select: index %v is not a whole number", args[0])
	}
	v, err := r.resolve(args[1])
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok || i < 0 || i >= len(items) {
		return nil, fmt.Errorf("Fn::Select: no element %d in %v", i, v)
	}
	return items[i], nil
}

func (r resolver) split(arg any) (any, error) {
	args, err := r.list("Fn::Split", arg, 2)
	if err != nil {
		return nil, err
	}
	v, err := r.resolve(args[1])
	if err != nil {
		return nil, err
	}
	var out []any
	for p := range strings.SplitSeq(text(v), text(args[0])) {
		out = append(out, p)
	}
	return out, nil
}

func (r resolver) findInMap(arg any) (any, error) {
	args, err := r.list("Fn::FindInMap", arg, 3)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i, a := range args {
		v, err := r.resolve(a)
		if err != nil {
			return nil, err
		}
		keys[i] = text(v)
	}
	v, ok := r.template.mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return nil, fmt.Errorf("Fn::FindInMap: no value at %s", strings.Join(keys[:], "."))
	}
	return v, nil
}

func (r resolver) ifElse(arg any) (any, error) {
	args, err := r.list("Fn::If", arg, 3)
	if err != nil {
		return nil, err
	}
	holds, err := r.condition(text(args[0]))
	if err != nil {
		return nil, err
	}
	if holds {
		return r.resolve(args[1])
	}
	return r.resolve(args[2])
}

func (r resolver) condition(name string) (bool, error) {
	c, ok := r.template.conditions[name]
	if !ok {
		return false, fmt.Errorf("the template has no condition %s", name)
	}
	return r.evaluate(c)
}

func (r resolver) evaluate(c any) (bool, error) {
	m, ok := c.(map[string]any)
	if !ok || len(m) != 1 {
		return false, fmt.Errorf("%v is not a condition", c)
	}
	for name, arg := range m {
		if name == "Condition" {
			return r.condition(text(arg))
		}
		args, err := r.list(name, arg, 0)
		if err != nil {
			return false, err
		}
		switch name {
		case "Fn::Equals":
			v, err := r.resolve(args)
			if err != nil {
				return false, err
			}
			pair := v.([]any)
			if len(pair) != 2 {
				return false, errors.New("Fn::Equals takes two values")
			}
			return text(pair[0]) == text(pair[1]), nil
		case "Fn::Not":
			holds, err := r.evaluate(args[0])
			return !holds, err
		case "Fn::And", "Fn::Or":
			for _, a := range args {
				holds, err := r.evaluate(a)
				if err != nil {
					return false, err
				}
				if holds == (name == "Fn::Or") {
					return holds, nil
				}
			}
			return name == "Fn::And", nil
		}
		return false, fmt.Errorf("the condition function %s is not simulated", name)
	}
	return false, nil
}

func isString(v any) bool { _, ok := v.(string); return ok }

// text spells a scalar as CloudFormation does inside a string.
func text(v any) string {
	switch v := v.(type) {
	case nil, noValue:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	b, err := jsontext.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
