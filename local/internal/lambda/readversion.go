package lambda

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

type aliasConfiguration struct {
	AliasArn, Name, FunctionVersion string
}

func (f *Function) describeAlias(name string) aliasConfiguration {
	return aliasConfiguration{f.ARN + ":" + name, name, f.aliases[name]}
}

func (s *Service) getAlias(input []byte) ([]byte, error) {
	var in struct{ FunctionName, Name string }
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	f, _, err := s.resolve(in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if f.aliases[in.Name] == "" {
		return nil, &api.Error{Code: "ResourceNotFoundException", Message: "Cannot find alias arn: " + f.ARN + ":" + in.Name,
			Status: http.StatusNotFound, Fields: map[string]any{"Type": "User"}}
	}
	return json.Marshal(f.describeAlias(in.Name))
}

// ofFunction is a listing of what a function has.
type ofFunction struct {
	pageIn
	FunctionName, FunctionVersion string
}

func (s *Service) listAliases(input []byte) ([]byte, error) {
	var in ofFunction
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	f, _, err := s.resolve(in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	out := struct {
		Aliases    []aliasConfiguration
		NextMarker string `json:",omitempty"`
	}{Aliases: []aliasConfiguration{}}
	for _, name := range slices.Sorted(maps.Keys(f.aliases)) {
		if in.FunctionVersion == "" || in.FunctionVersion == f.aliases[name] {
			out.Aliases = append(out.Aliases, f.describeAlias(name))
		}
	}
	from, to, next, err := in.cut(len(out.Aliases), 50)
	if err != nil {
		return nil, err
	}
	out.Aliases, out.NextMarker = out.Aliases[from:to], next
	return json.Marshal(out)
}

func (s *Service) listVersions(input []byte) ([]byte, error) {
	var in ofFunction
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	f, _, err := s.resolve(in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	// $LATEST comes first; 50 at most (API reference, ListVersionsByFunction: MaxItems).
	from, to, next, err := in.cut(1+f.versions, 50)
	if err != nil {
		return nil, err
	}
	out := struct {
		Versions   []functionConfiguration
		NextMarker string `json:",omitempty"`
	}{[]functionConfiguration{}, next}
	for n := from; n < to; n++ {
		number := latest
		if n > 0 {
			number = strconv.Itoa(n)
		}
		out.Versions = append(out.Versions, f.describe(f.ARN+":"+number))
	}
	return json.Marshal(out)
}
