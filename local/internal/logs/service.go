package logs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// MaxEvents is how many events a group keeps: the latest. CloudWatch Logs has no such limit.
const MaxEvents = 10_000

// Service is the log groups of one account in one region.
type Service struct {
	// Authorize decides whether the writer of a stream may write to it. It is asked once for each stream, and nothing is
	// kept of what may not be written; nil: everything may.
	Authorize func(api.Call) error

	k               *sim.Kernel
	region, account string
	groups          map[string]*Group
	sorted          []*Group // by name
}

// NewService returns a service without groups.
func NewService(k *sim.Kernel, region, account string) *Service {
	return &Service{k: k, region: region, account: account, groups: map[string]*Group{}}
}

// GroupProperties are those of AWS::Logs::LogGroup.
type GroupProperties struct {
	// LogGroupName is the group's name; default one made of the logical id.
	LogGroupName string
	// RetentionInDays is how long events are kept; default for ever.
	RetentionInDays *cfn.Int

	DataProtectionPolicy      json.RawMessage `local:"declared"`
	DeletionProtectionEnabled json.RawMessage `local:"declared"`
	FieldIndexPolicies        json.RawMessage `local:"declared"`
	KmsKeyId                  string          `local:"declared"`
	LogGroupClass             string          `local:"declared"`
	ResourcePolicyDocument    json.RawMessage `local:"declared"`
	Tags                      json.RawMessage `local:"declared"`
}

// retentions are the values that RetentionInDays may have (API reference, PutRetentionPolicy).
var retentions = []int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// CreateLogGroup makes a group.
func (s *Service) CreateLogGroup(name string, p GroupProperties) (*Group, error) {
	if s.groups[name] != nil {
		return nil, fmt.Errorf("logs: group %s exists already", name)
	}
	days := int64(0)
	if p.RetentionInDays != nil {
		if days = int64(*p.RetentionInDays); !slices.Contains(retentions, days) {
			return nil, fmt.Errorf("logs: group %s: RetentionInDays must be one of %v, got %d", name, retentions, days)
		}
	}
	return s.add(name, days), nil
}

func (s *Service) add(name string, days int64) *Group {
	g := &Group{Name: name, s: s, retention: days, created: s.k.Now(), streams: map[string]*Stream{}}
	s.groups[name] = g
	at, _ := slices.BinarySearchFunc(s.sorted, name, func(g *Group, name string) int { return strings.Compare(g.Name, name) })
	s.sorted = slices.Insert(s.sorted, at, g)
	return g
}

// Groups lists the groups by name.
func (s *Service) Groups() []*Group { return s.sorted }

// Group finds a group by its name or its ARN; nil if there is none.
func (s *Service) Group(ref string) *Group { return s.groups[GroupName(ref)] }

// GroupName is the name of a group in its ARN, or what was given if that is none.
func GroupName(ref string) string {
	if _, name, ok := strings.Cut(ref, ":log-group:"); ok && strings.HasPrefix(ref, "arn:") {
		return strings.TrimSuffix(name, ":*")
	}
	return ref
}

// Adopt takes over what the groups of another service hold, as far as it has groups with these names, or had
// them without a template.
func (s *Service) Adopt(from *Service) {
	for _, old := range from.sorted {
		g := s.groups[old.Name]
		if g == nil {
			if !old.made {
				continue
			}
			g = s.add(old.Name, 0)
			g.made = true
		}
		g.created, g.next, g.streams = old.created, old.next, map[string]*Stream{}
		for name, st := range old.streams {
			// Who writes to it is somebody else now.
			again := *st
			again.group, again.asked, again.denied = g, false, false
			g.streams[name] = &again
		}
		g.events = make([]event, 0, len(old.held()))
		for _, e := range old.held() {
			e.stream = g.streams[e.stream.Name]
			g.events = append(g.events, e)
		}
		g.sized = len(g.events) // which the old group has counted
	}
}

// Do implements api.Service: it answers in the same event.
func (s *Service) Do(c api.Call, done func([]byte, error)) {
	action, ok := actions[c.Action]
	if !ok {
		done(nil, fmt.Errorf("logs: action %s is not simulated", c.Action))
		return
	}
	done(action(s, c.Input))
}

var actions map[string]func(*Service, []byte) ([]byte, error)

func init() {
	actions = map[string]func(*Service, []byte) ([]byte, error){
		"DescribeLogGroups":  (*Service).describeLogGroups,
		"DescribeLogStreams": (*Service).describeLogStreams,
		"FilterLogEvents":    (*Service).filterLogEvents,
		"GetLogEvents":       (*Service).getLogEvents,
	}
}

func decode(input []byte, into any) error {
	if len(input) == 0 {
		return nil
	}
	if err := json.Unmarshal(input, into); err != nil {
		return api.Errorf("SerializationException", "%s", err.Error())
	}
	return nil
}

func errParameter(format string, args ...any) error {
	return api.Errorf("InvalidParameterException", format, args...)
}

func (s *Service) find(name, identifier string) (*Group, error) {
	switch {
	case name != "" && identifier != "":
		return nil, errParameter("LogGroupName and LogGroupIdentifier cannot both be given.")
	case name == "" && identifier == "":
		return nil, errParameter("Either LogGroupName or LogGroupIdentifier must be given.")
	}
	if g := s.groups[name]; g != nil && name != "" {
		return g, nil
	}
	if g := s.Group(identifier); g != nil && identifier != "" {
		return g, nil
	}
	return nil, api.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
}

func millis(t time.Time) int64 { return t.UnixMilli() }
