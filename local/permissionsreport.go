package local

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/iam"
)

// PermissionReport is what a run used of what a template's policies allow. It is worth as much as the run: what
// the run did not do needed no permission.
type PermissionReport struct {
	// Unused are allowed and were never needed.
	Unused []Grant `json:"unused"`
	// Wide were needed, but allow more than that: they have a wildcard where what was needed has a name.
	Wide []Grant `json:"wide"`
	// Explained are those of both kinds that Explain found a reason for.
	Explained []Grant `json:"explained,omitempty"`
	// Denied is what no policy allowed.
	Denied []Denial `json:"denied"`
	// Granted and Used count the grants of the template and those that were needed.
	Granted int `json:"granted"`
	Used    int `json:"used"`
}

// Grant is one action on one resource that a statement allows.
type Grant struct {
	// Kind is "identity", "resource" or "trust".
	Kind string `json:"kind"`
	// To is who it is granted to: the logical id of a role, or the principals of a policy of a resource or of trust.
	To string `json:"to"`
	// Policy is the logical id of the resource that has the statement, or the name of an AWS-managed policy.
	Policy string `json:"policy"`
	// Statement is the statement's number in its policy, from 1, and Sid its name, if it has one.
	Statement int    `json:"statement"`
	Sid       string `json:"sid,omitempty"`
	// Action and Resource are as the statement has them, with logical ids for ARNs.
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// Uses is what it was needed for.
	Uses []string `json:"uses,omitempty"`
	// Why is the explanation.
	Why string `json:"why,omitempty"`
}

// String is a line for people.
func (g Grant) String() string {
	s := fmt.Sprintf("%s: %s on %s (%s statement %d)", g.To, g.Action, g.Resource, g.Policy, g.Statement)
	if len(g.Uses) > 0 {
		s += ", used for " + strings.Join(g.Uses, ", ")
	}
	return s
}

// Permissions reports what was used of the template's permissions so far. It is empty with PermissionsOff.
func (s *Stack) Permissions() PermissionReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := PermissionReport{Unused: []Grant{}, Wide: []Grant{}, Denied: []Denial{}}
	if s.world == nil || s.policies == nil {
		return r
	}
	r.Denied = s.denied()
	p := s.policies
	for _, own := range p.sorted {
		p.report(&r, Grant{Kind: string(ofTrust), Policy: own.id}, own.trust)
		for _, a := range own.grants {
			p.report(&r, Grant{Kind: string(ofIdentity), To: own.id, Policy: a.id}, a.document)
		}
	}
	for _, a := range p.attached {
		p.report(&r, Grant{Kind: string(ofResource), Policy: a.id}, a.document)
	}
	return r
}

// report adds the grants of a document. Those of one that AWS manages cannot be narrowed: it is used if any of it is.
func (p *policies) report(r *PermissionReport, g Grant, d *iam.Document) {
	whole := strings.HasPrefix(g.Policy, awsManaged)
	used := false
	for i, s := range d.Statements {
		g.Statement, g.Sid = i+1, s.Sid
		if g.Kind != string(ofIdentity) {
			g.To = principalsOf(s)
		}
		if s.Effect != iam.Allow {
			continue
		}
		for _, u := range parts(s) {
			uses := slices.Sorted(maps.Keys(p.used[u]))
			used = used || len(uses) > 0
			if whole {
				continue
			}
			g := g
			g.Action = cmp.Or(u.action, "NotAction "+strings.Join(s.NotActions, ","))
			g.Resource = p.shown(u.resource)
			if u.resource == "" && len(s.NotResources) > 0 {
				g.Resource = "NotResource " + strings.Join(s.NotResources, ",")
			}
			r.Granted++
			if len(uses) == 0 {
				r.Unused = append(r.Unused, g)
				continue
			}
			r.Used++
			if p.wide(g.Kind, u, uses) {
				for _, use := range uses {
					action, resource, _ := strings.Cut(use, " ")
					g.Uses = append(g.Uses, action+" on "+p.shown(resource))
				}
				r.Wide = append(r.Wide, g)
			}
		}
	}
	if !whole {
		return
	}
	r.Granted++
	if used {
		r.Used++
		return
	}
	g.Action, g.Resource, g.Statement = "*", "*", 1
	r.Unused = append(r.Unused, g)
}

// parts are the grants of a statement.
func parts(s *iam.Statement) []usage {
	actions, resources := s.Actions, s.Resources
	if len(actions) == 0 {
		actions = []string{""}
	}
	if len(resources) == 0 {
		resources = []string{""}
	}
	var all []usage
	for _, a := range actions {
		for _, r := range resources {
			all = append(all, usage{s, a, r})
		}
	}
	return all
}

// wide reports whether a grant that is used allows more than what it was used for.
func (p *policies) wide(kind string, u usage, uses []string) bool {
	if u.action == "" || strings.ContainsAny(u.action, "*?") {
		return true
	}
	if kind != string(ofIdentity) || !strings.ContainsAny(u.resource, "*?") && u.resource != "" {
		return false // a resource's own policy is about that resource alone
	}
	if group, ok := strings.CutSuffix(u.resource, ":*"); ok && strings.Contains(group, ":log-group:") && !strings.ContainsAny(group, "*?") {
		return false // streams have names of their own
	}
	// What knows no resources has to be allowed on all.
	return slices.ContainsFunc(uses, func(use string) bool { return !strings.HasSuffix(use, " *") })
}

// shown is an ARN as people read it: its logical id, with what comes after it.
func (p *policies) shown(arn string) string {
	if arn == "" || arn == "*" {
		return arn
	}
	id := p.idOf(arn)
	if id == arn {
		return arn
	}
	for _, mark := range []string{p.stack.names.physical(id), id} {
		if _, rest, ok := strings.Cut(arn, mark); ok {
			return id + rest
		}
	}
	return id
}

func principalsOf(s *iam.Statement) string {
	var all []string
	for _, kind := range sortedKeys(s.Principals) {
		all = append(all, s.Principals[kind]...)
	}
	return strings.Join(all, ",")
}

// Explanation is why a permission is in the template although a run does not need it, or although it is wide. Its fields
// are compared with those of a Grant; "*" at the end of one stands for anything that follows.
type Explanation struct {
	// To, Action and Resource are those of a Grant.
	To, Action, Resource string
	// Why is a sentence for people.
	Why string
}

func (e Explanation) fits(g Grant) bool {
	for _, pair := range [][2]string{{e.To, g.To}, {e.Action, g.Action}, {e.Resource, g.Resource}} {
		if before, any := strings.CutSuffix(pair[0], "*"); pair[0] != pair[1] && !(any && strings.HasPrefix(pair[1], before)) {
			return false
		}
	}
	return true
}

// Explain moves what an explanation fits to Explained, and returns the explanations that fit nothing.
func (r PermissionReport) Explain(all []Explanation) (explained PermissionReport, idle []Explanation) {
	fits := make([]bool, len(all))
	split := func(grants []Grant) (rest []Grant) {
		rest = []Grant{}
		for _, g := range grants {
			i := slices.IndexFunc(all, func(e Explanation) bool { return e.fits(g) })
			if i < 0 {
				rest = append(rest, g)
				continue
			}
			fits[i] = true
			g.Why = all[i].Why
			r.Explained = append(r.Explained, g)
		}
		return rest
	}
	r.Explained = slices.Clone(r.Explained)
	r.Unused, r.Wide = split(r.Unused), split(r.Wide)
	for i, e := range all {
		if !fits[i] {
			idle = append(idle, e)
		}
	}
	return r, idle
}

// WriteText writes the report for people.
func (r PermissionReport) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d permissions used\n", r.Used, r.Granted)
	section := func(title string, grants []Grant) {
		if len(grants) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, g := range grants {
			fmt.Fprintf(&b, "  %s\n", g)
			if g.Why != "" {
				fmt.Fprintf(&b, "      %s\n", g.Why)
			}
		}
	}
	section("never used:", r.Unused)
	section("wider than used:", r.Wide)
	section("explained:", r.Explained)
	if len(r.Denied) > 0 {
		b.WriteString("\ndenied:\n")
		for _, d := range r.Denied {
			fmt.Fprintf(&b, "  %d× %s\n", d.Count, strings.TrimPrefix(d.String(), "denied: "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
