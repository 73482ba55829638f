package lambda

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// reads are the actions that only read.
var reads map[string]func(*Service, []byte) ([]byte, error)

func init() {
	reads = map[string]func(*Service, []byte) ([]byte, error){
		"GetFunction":              (*Service).getFunction,
		"GetFunctionConfiguration": (*Service).getFunctionConfiguration,
		"GetFunctionConcurrency":   (*Service).getFunctionConcurrency,
		"GetAlias":                 (*Service).getAlias,
		"ListAliases":              (*Service).listAliases,
		"ListVersionsByFunction":   (*Service).listVersions,
		"ListFunctions":            (*Service).listFunctions,
		"GetEventSourceMapping":    (*Service).getEventSourceMapping,
		"ListEventSourceMappings":  (*Service).listEventSourceMappings,
	}
}

type functionConfiguration struct {
	FunctionName, FunctionArn, Version string
	Role, Handler, Runtime             string `json:",omitempty"`
	Description, PackageType           string `json:",omitempty"`
	MemorySize, Timeout                int
	State, LastUpdateStatus            string
	LastModified                       string
	Architectures                      []string
	Environment                        *Environment      `json:",omitempty"`
	DeadLetterConfig                   *DeadLetterConfig `json:",omitempty"`
	LoggingConfig                      LoggingConfig
}

// describe is what the API tells of a function that is asked for by an ARN. It has no code size and no hash: the code is not known.
func (f *Function) describe(arn string) functionConfiguration {
	c := functionConfiguration{
		FunctionName: f.Name, FunctionArn: arn, Version: f.version(arn), Role: f.Properties.Role, Handler: f.Properties.Handler,
		Runtime: f.Properties.Runtime, Description: f.Properties.Description, PackageType: or(f.Properties.PackageType, "Zip"),
		MemorySize: f.memory, Timeout: int(f.timeout / time.Second), State: "Active", LastUpdateStatus: "Successful",
		LastModified:  f.s.started.UTC().Format("2006-01-02T15:04:05.000+0000"),
		Architectures: f.Properties.Architectures, Environment: f.Properties.Environment, DeadLetterConfig: f.Properties.DeadLetterConfig,
		LoggingConfig: LoggingConfig{LogFormat: "Text", LogGroup: f.LogGroup()},
	}
	if c.Architectures == nil {
		c.Architectures = []string{"x86_64"}
	}
	if l := f.Properties.LoggingConfig; l != nil && l.LogFormat == "JSON" {
		c.LoggingConfig.LogFormat = l.LogFormat
		c.LoggingConfig.ApplicationLogLevel, c.LoggingConfig.SystemLogLevel = or(l.ApplicationLogLevel, "INFO"), or(l.SystemLogLevel, "INFO")
	}
	return c
}

// named reads the function that an action is about, and its ARN with the qualifier.
func (s *Service) named(input []byte) (*Function, string, error) {
	var in struct{ FunctionName, Qualifier string }
	if err := decode(input, &in); err != nil {
		return nil, "", err
	}
	return s.resolve(in.FunctionName, in.Qualifier)
}

func decode(input []byte, into any) error {
	if len(input) == 0 {
		return nil
	}
	if err := json.Unmarshal(input, into); err != nil {
		return api.Errorf("InvalidRequestContentException", "Could not parse request body into json: %s", err)
	}
	return nil
}

func (s *Service) getFunctionConfiguration(input []byte) ([]byte, error) {
	f, arn, err := s.named(input)
	if err != nil {
		return nil, err
	}
	return json.Marshal(f.describe(arn))
}

func (s *Service) getFunction(input []byte) ([]byte, error) {
	f, arn, err := s.named(input)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"Configuration": f.describe(arn)}
	if f.reserved >= 0 {
		out["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": f.reserved}
	}
	return json.Marshal(out)
}

func (s *Service) getFunctionConcurrency(input []byte) ([]byte, error) {
	f, _, err := s.named(input)
	if err != nil {
		return nil, err
	}
	if f.reserved < 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]int{"ReservedConcurrentExecutions": f.reserved})
}

// pageIn is what the listing actions have in common. A marker of ours is how many came before.
type pageIn struct {
	Marker   string
	MaxItems int
}

// cut is the page of a list of n that is asked for. One has at most most.
func (in pageIn) cut(n, most int) (from, to int, next string, err error) {
	if in.Marker != "" {
		if from, err = strconv.Atoi(in.Marker); err != nil || from < 0 || from > n {
			return 0, 0, "", api.Errorf("InvalidParameterValueException", "Invalid Marker: %s", in.Marker)
		}
	}
	size := most
	if in.MaxItems > 0 {
		size = min(size, in.MaxItems)
	}
	if to = min(n, from+size); to < n {
		next = strconv.Itoa(to)
	}
	return from, to, next, nil
}

func (s *Service) listFunctions(input []byte) ([]byte, error) {
	var in pageIn
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	// 50 at most (API reference, ListFunctions: MaxItems).
	from, to, next, err := in.cut(len(s.functions), 50)
	if err != nil {
		return nil, err
	}
	out := struct {
		Functions  []functionConfiguration
		NextMarker string `json:",omitempty"`
	}{[]functionConfiguration{}, next}
	for _, f := range s.functions[from:to] {
		out.Functions = append(out.Functions, f.describe(f.ARN))
	}
	return json.Marshal(out)
}

type mappingConfiguration struct {
	UUID                           string
	EventSourceArn, FunctionArn    string
	EventSourceMappingArn          string
	State                          string
	BatchSize                      int
	MaximumBatchingWindowInSeconds int64
	FunctionResponseTypes          []string        `json:",omitempty"`
	FilterCriteria                 *FilterCriteria `json:",omitempty"`
	ScalingConfig                  *ScalingConfig  `json:",omitempty"`
	StartingPosition               string          `json:",omitempty"`
}

// describeMapping is what the API tells of a mapping. Its UUID is the logical id.
func (s *Service) describeMapping(id, invoked string, p EventSourceMappingProperties, batch int) mappingConfiguration {
	c := mappingConfiguration{
		UUID: id, EventSourceArn: p.EventSourceArn, FunctionArn: invoked, State: "Enabled", BatchSize: batch,
		EventSourceMappingArn: fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", s.region, s.account, id),
		FunctionResponseTypes: p.FunctionResponseTypes, FilterCriteria: p.FilterCriteria, ScalingConfig: p.ScalingConfig, StartingPosition: p.StartingPosition,
	}
	if p.MaximumBatchingWindowInSeconds != nil {
		c.MaximumBatchingWindowInSeconds = int64(*p.MaximumBatchingWindowInSeconds)
	}
	if p.Enabled != nil && !bool(*p.Enabled) {
		c.State = "Disabled"
	}
	return c
}

// allMappings lists the mappings by their id, which is their logical id.
func (s *Service) allMappings() (all []mappingConfiguration) {
	for _, m := range s.mappings {
		all = append(all, s.describeMapping(m.ID, m.invoked, m.declared, m.size))
	}
	for _, m := range s.streams {
		all = append(all, s.describeMapping(m.ID, m.invoked, m.declared, m.size))
	}
	slices.SortFunc(all, func(a, b mappingConfiguration) int { return strings.Compare(a.UUID, b.UUID) })
	return all
}

func (s *Service) getEventSourceMapping(input []byte) ([]byte, error) {
	var in struct{ UUID string }
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	for _, m := range s.allMappings() {
		if m.UUID == in.UUID {
			return json.Marshal(m)
		}
	}
	return nil, &api.Error{Code: "ResourceNotFoundException", Message: "The resource you requested does not exist.", Status: 404, Fields: map[string]any{"Type": "User"}}
}

func (s *Service) listEventSourceMappings(input []byte) ([]byte, error) {
	var in struct {
		pageIn
		FunctionName, EventSourceArn string
	}
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	of := ""
	if in.FunctionName != "" {
		var err error
		if _, of, err = s.resolve(in.FunctionName, ""); err != nil {
			return nil, err
		}
	}
	all := []mappingConfiguration{}
	for _, m := range s.allMappings() {
		if (of == "" || m.FunctionArn == of) && (in.EventSourceArn == "" || m.EventSourceArn == in.EventSourceArn) {
			all = append(all, m)
		}
	}
	// 100 at most (API reference, ListEventSourceMappings: MaxItems).
	from, to, next, err := in.cut(len(all), 100)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		EventSourceMappings []mappingConfiguration
		NextMarker          string `json:",omitempty"`
	}{all[from:to], next})
}
