package diff

// effectLevels are how much a reviewer must look at what changes of a contract mean.
var effectLevels = map[effect]Level{breaking: High, dangerous: Medium, harmless: Low, access: High}

// contracts tells what changes of the GraphQL schema and of the models of requests mean to clients.
func (d *stackDiff) contracts() {
	d.both(func(o, n *resource) {
		d.contract(o, n, "Definition", func(old, new any) (contractChanges, bool) {
			before, ok := stringOf(old)
			after, ok2 := stringOf(new)
			if !ok || !ok2 {
				return nil, false
			}
			was, err := parseGraphQL(before)
			is, err2 := parseGraphQL(after)
			if err != nil || err2 != nil {
				return nil, false
			}
			return compareGraphQL(was, is), true
		})
	}, "AWS::AppSync::GraphQLSchema")
	d.both(func(o, n *resource) {
		d.contract(o, n, "Schema", func(old, new any) (contractChanges, bool) {
			before, ok := definition(old)
			after, ok2 := definition(new)
			if !ok || !ok2 {
				return nil, false
			}
			return compareSchemas(before, after), true
		})
	}, "AWS::ApiGateway::Model")
}

// contract tells of one contract, in one finding for each kind of effect.
func (d *stackDiff) contract(o, n *resource, property string, judge func(old, new any) (contractChanges, bool)) {
	changes := d.tell(n.id, "Properties", property)
	if len(changes) == 0 {
		return
	}
	said, ok := judge(o.properties[property], n.properties[property])
	if !ok {
		d.tellAll(n, Finding{Kind: Schema, Level: High, Details: []string{"it cannot be read: judge it yourself"}}, changes)
		return
	}
	if len(said) == 0 {
		d.find(n, Finding{Kind: Schema, Level: Info, Title: "the contract is written differently and says the same"})
		return
	}
	for _, e := range []effect{breaking, access, dangerous, harmless} {
		var lines []string
		for _, c := range said {
			if c.effect == e {
				lines = append(lines, c.text)
			}
		}
		if len(lines) == 0 {
			continue
		}
		f := Finding{Kind: Schema, Level: effectLevels[e]}
		if e == access {
			f.Kind = Exposure
		}
		f.Title, f.Details = titled(lines, "changes")
		f.Title = map[effect]string{
			breaking:  "breaks clients: ",
			access:    "who may use it: ",
			dangerous: "may surprise clients: ",
			harmless:  "breaks nothing: ",
		}[e] + f.Title
		d.find(n, f)
	}
}

// String is the effect's name.
func (e effect) String() string { return effectNames[e] }
