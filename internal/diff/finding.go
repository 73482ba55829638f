package diff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Level says how much a reviewer must look at a finding.
type Level int

// The levels, the harmless first.
const (
	// Info has no effect on what runs, or none that anybody must look at.
	Info Level = iota
	// Low is an ordinary change.
	Low
	// Medium changes what the app does, or replaces what holds nothing.
	Medium
	// High widens permissions, breaks clients or takes a safeguard away.
	High
	// Critical loses or abandons data, or opens what was closed.
	Critical
)

var levelNames = [...]string{"info", "low", "medium", "high", "critical"}

// String is the level's name.
func (l Level) String() string { return levelNames[l] }

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levelNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("there is no level %q: it is one of %s", text, strings.Join(levelNames[:], ", "))
	}
	*l = Level(i)
	return nil
}

// Kind is what a finding is about.
type Kind string

// The kinds, in the order in which findings of one level are told.
const (
	Replaced   Kind = "replaced"   // a resource is made anew, and the old one is removed or abandoned
	Deleted    Kind = "deleted"    // a resource is no longer in the template
	Renamed    Kind = "renamed"    // a resource has another logical id, which replaces it
	Exposure   Kind = "exposure"   // who can reach what, and how
	IAM        Kind = "iam"        // permissions
	Protection Kind = "protection" // what guards data, or tells of trouble
	Schema     Kind = "schema"     // contracts with clients
	Workflow   Kind = "workflow"   // state machines
	Mapping    Kind = "mapping"    // templates and resolvers
	Function   Kind = "function"   // settings of functions
	Output     Kind = "output"     // what others read of the stack
	Changed    Kind = "changed"    // any other property
	Added      Kind = "added"      // a new resource
)

var kinds = []Kind{Replaced, Deleted, Renamed, Exposure, IAM, Protection, Schema, Workflow, Mapping, Function, Output, Changed, Added}

// Finding is one thing that a reviewer is told.
type Finding struct {
	Level Level `json:"level"`
	Kind  Kind  `json:"kind"`
	// Subject is what it is about, as a person calls it: "POST /orders", "intake".
	Subject string `json:"subject"`
	// Resource is the logical id; empty for sections other than Resources.
	Resource string `json:"resource,omitempty"`
	// Also are the logical ids of further resources that the same is said of.
	Also []string `json:"also,omitempty"`
	// Type is the resource's.
	Type string `json:"type,omitempty"`
	// Title is the finding in a sentence, without its subject.
	Title string `json:"title"`
	// Details are further sentences.
	Details []string `json:"details,omitempty"`
	// Diff is a unified diff of a text.
	Diff string `json:"diff,omitempty"`
	// Stateful says that the resource holds data.
	Stateful bool `json:"stateful,omitempty"`
	// Follows says that a resource is replaced in the wake of another one.
	Follows bool `json:"follows,omitempty"`
	// Stacks are those that it is found in, sorted.
	Stacks []string `json:"stacks"`
}

// key is equal for findings that are the same in different stacks, whose names and hashes are in logical ids.
func (f *Finding) key(stack string) string {
	copied := *f
	copied.Stacks, copied.Resource = nil, stem(f.Resource)
	b, err := json.Marshal(copied)
	if err != nil {
		return fmt.Sprintf("%+v", copied)
	}
	return anyHash.ReplaceAllString(neutral(string(b), stack), "")
}

// anyHash is a hash of the CDK's anywhere in a text: that of an id with the stack's name in it depends on the stack.
var anyHash = regexp.MustCompile(`[0-9A-F]{8}`)

// merged has findings of resources of one type that say the same as one finding. The order is kept.
func merged(findings []*Finding) []*Finding {
	first, names := map[string]*Finding{}, map[*Finding][]string{}
	var out []*Finding
	for _, f := range findings {
		copied := *f
		copied.Subject, copied.Resource = "", ""
		b, err := json.Marshal(copied)
		if key := string(b); err == nil && f.Resource != "" && f.Diff == "" {
			if known := first[key]; known != nil {
				known.Also = append(known.Also, f.Resource)
				names[known] = append(names[known], f.Subject)
				continue
			}
			first[key] = f
		}
		names[f] = []string{f.Subject}
		out = append(out, f)
	}
	for _, f := range out {
		const most = 8
		if list := names[f]; len(list) > most+1 {
			f.Subject = fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
		} else {
			f.Subject = strings.Join(list, ", ")
		}
	}
	return out
}

// neutral is a text without the stack's name, as logical ids have it and as physical names do.
func neutral(text, stack string) string {
	if stack == "" {
		return text
	}
	_, env, _ := strings.Cut(stack, "-")
	replace := []string{stack, "STACK", strings.ReplaceAll(stack, "-", ""), "STACK"}
	if env != "" {
		replace = append(replace, strings.Replace(stack, "-", "/", 1), "STACK")
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// order sorts findings: the gravest first, then by kind, what holds data first, then by name.
func order(findings []*Finding) {
	slices.SortStableFunc(findings, func(a, b *Finding) int {
		return cmp.Or(
			cmp.Compare(b.Level, a.Level),
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(btoi(b.Stateful), btoi(a.Stateful)),
			cmp.Compare(btoi(a.Follows), btoi(b.Follows)),
			strings.Compare(a.Subject, b.Subject),
			strings.Compare(a.Resource, b.Resource),
			strings.Compare(a.Title, b.Title),
		)
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
