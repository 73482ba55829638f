package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// VersionProperties are the properties of AWS::Lambda::Version.
type VersionProperties struct {
	FunctionName string

	CodeSha256                   string          `local:"declared"`
	Description                  string          `local:"declared"`
	FunctionScalingConfig        json.RawMessage `local:"declared"`
	ProvisionedConcurrencyConfig json.RawMessage `local:"declared"`
	RuntimePolicy                json.RawMessage `local:"declared"`
}

// AliasProperties are the properties of AWS::Lambda::Alias.
type AliasProperties struct {
	FunctionName string
	// FunctionVersion is a version's number, or $LATEST.
	FunctionVersion string
	Name            string
	// RoutingConfig must be empty: an alias has one version.
	RoutingConfig *struct {
		AdditionalVersionWeights []json.RawMessage
	}

	Description                  string          `local:"declared"`
	ProvisionedConcurrencyConfig json.RawMessage `local:"declared"`
}

// PublishVersion makes the next version of a function and returns its number. All versions have the
// code and the settings that the function has.
func (s *Service) PublishVersion(p VersionProperties) (string, error) {
	f, err := s.unqualified(p.FunctionName)
	if err != nil {
		return "", err
	}
	f.versions++
	return strconv.Itoa(f.versions), nil
}

// aliasName is the pattern of Name (API reference, CreateAlias), which is not a version's number either.
var aliasName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// CreateAlias makes an alias of a version that there is.
func (s *Service) CreateAlias(p AliasProperties) error {
	f, err := s.unqualified(p.FunctionName)
	if err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("lambda: alias %s of function %s: %s", p.Name, f.Name, fmt.Sprintf(format, args...))
	}
	_, number := strconv.Atoi(p.Name)
	switch {
	case !aliasName.MatchString(p.Name) || number == nil:
		return bad("the name must be 1–128 letters, digits, hyphens and underscores, and not a number")
	case f.aliases[p.Name] != "":
		return bad("it exists already")
	case !f.has(p.FunctionVersion):
		return bad("there is no version %q", p.FunctionVersion)
	case p.RoutingConfig != nil && len(p.RoutingConfig.AdditionalVersionWeights) > 0:
		return bad("RoutingConfig is not simulated: an alias has one version")
	}
	if f.aliases == nil {
		f.aliases = map[string]string{}
	}
	f.aliases[p.Name] = p.FunctionVersion
	return nil
}

// unqualified finds a function for what belongs to it as a whole.
func (s *Service) unqualified(ref string) (*Function, error) {
	f, arn, err := s.resolve(ref, "")
	if err == nil && arn != f.ARN {
		err = errors.New("lambda: " + ref + " must name a function, not one of its versions or aliases")
	}
	return f, err
}

// has says whether there is a version.
func (f *Function) has(number string) bool {
	n, err := strconv.Atoi(number)
	return number == latest || err == nil && n >= 1 && n <= f.versions
}

// qualifierOf is what follows the function's own ARN in one that it was invoked by.
func (f *Function) qualifierOf(arn string) string {
	return strings.TrimPrefix(strings.TrimPrefix(arn, f.ARN), ":")
}

// version is what runs when the function is invoked by an ARN. An asynchronous invocation can be older than
// a template that has its alias no more: then it is the function as it is.
func (f *Function) version(arn string) string {
	q := f.qualifierOf(arn)
	if v := f.aliases[q]; v != "" {
		return v
	}
	if q != "" && f.has(q) {
		return q
	}
	return latest
}
