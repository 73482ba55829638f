package apigateway

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// stage is a Stage resource, or the one that a Deployment makes by itself.
type stage struct {
	id        string
	name      string
	deploy    string
	variables []variable // sorted by name
	tracing   bool
	logFormat []segment
	settings  []methodSetting
	limits    map[*method]*bucket
}

type variable struct{ name, value string }

// methodSetting is the throttling part of a MethodSetting.
type methodSetting struct {
	path, method string
	rate, burst  *float64
}

func (s *stage) variable(name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(s.variables, name, func(v variable, n string) int { return cmp.Compare(v.name, n) })
	if !ok {
		return "", false
	}
	return s.variables[i].value, true
}

func sortedVariables(m map[string]string) []variable {
	out := make([]variable, 0, len(m))
	for name, value := range m {
		out = append(out, variable{name, value})
	}
	slices.SortFunc(out, func(a, b variable) int { return cmp.Compare(a.name, b.name) })
	return out
}

func (b *builder) buildStages(restAPI string) {
	deployments := map[string]bool{}
	slices.SortFunc(b.deployments, func(x, y cfn.Typed[deploymentProps]) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(b.stages, func(x, y cfn.Typed[stageProps]) int { return cmp.Compare(x.ID, y.ID) })
	for _, d := range b.deployments {
		if !b.mine(d.ID, d.Type, d.Props.RestApiId) {
			continue
		}
		deployments[d.ID] = true
		if present(d.Props.StageDescription) {
			b.Errorf(d.ID, d.Type, "StageDescription is not simulated: declare an AWS::ApiGateway::Stage")
		}
		if present(d.Props.DeploymentCanarySettings) {
			b.Errorf(d.ID, d.Type, "DeploymentCanarySettings are not simulated")
		}
		if d.Props.StageName != "" {
			b.addStage(d.ID, d.Type, &stage{id: d.ID, name: d.Props.StageName, deploy: d.ID})
		}
	}
	for _, r := range b.stages {
		if b.mine(r.ID, r.Type, r.Props.RestApiId) {
			b.buildStage(r, deployments)
		}
	}
	a := b.api
	switch want := a.cfg.Stage; {
	case want != "":
		if a.stage = a.stages[want]; a.stage == nil {
			b.Errorf(restAPI, "AWS::ApiGateway::RestApi", "it has no stage %q", want)
		}
	case a.stage == nil:
		b.Errorf(restAPI, "AWS::ApiGateway::RestApi", "it has no stage: nothing is deployed")
	}
}

func (b *builder) addStage(id, typ string, s *stage) {
	if s.name == "" {
		b.Errorf(id, typ, "StageName is missing")
		return
	}
	if other, dup := b.api.stages[s.name]; dup {
		b.Errorf(id, typ, "%s already has the StageName %q", other.id, s.name)
		return
	}
	b.api.stages[s.name] = s
	if b.api.stage == nil {
		b.api.stage = s
	}
}

func (b *builder) buildStage(r cfn.Typed[stageProps], deployments map[string]bool) {
	p := r.Props
	if !deployments[p.DeploymentId] {
		b.Errorf(r.ID, r.Type, "DeploymentId %q is no deployment of this API", p.DeploymentId)
	}
	if present(p.CanarySetting) {
		b.Errorf(r.ID, r.Type, "CanarySetting is not simulated")
	}
	if p.CacheClusterEnabled {
		b.Errorf(r.ID, r.Type, "CacheClusterEnabled: response caching is not simulated")
	}
	s := &stage{
		id: r.ID, name: p.StageName, deploy: p.DeploymentId, tracing: bool(p.TracingEnabled),
		variables: sortedVariables(p.Variables), limits: map[*method]*bucket{},
	}
	if p.AccessLogSetting != nil {
		s.logFormat = parseSubstitution(p.AccessLogSetting.Format)
	}
	for _, ms := range p.MethodSettings {
		if ms.CachingEnabled {
			b.Errorf(r.ID, r.Type, "MethodSettings: CachingEnabled: response caching is not simulated")
		}
		set := methodSetting{path: settingPath(ms.ResourcePath), method: ms.HttpMethod}
		if ms.ThrottlingRateLimit != nil {
			f := float64(*ms.ThrottlingRateLimit)
			set.rate = &f
		}
		if ms.ThrottlingBurstLimit != nil {
			f := float64(*ms.ThrottlingBurstLimit)
			set.burst = &f
		}
		s.settings = append(s.settings, set)
	}
	b.addStage(r.ID, r.Type, s)
}

// settingPath is a MethodSetting's path as a resource path: in a template a
// slash inside a path part's place is written ~1, and "/*" is every resource.
func settingPath(s string) string {
	if s == "/*" {
		return "*"
	}
	if rest, ok := strings.CutPrefix(s, "/~1"); ok {
		s = "/" + rest
	}
	return strings.ReplaceAll(s, "~1", "/")
}

// limit is the throttle of a method in this stage. Settings of the method
// itself go before those of all methods; each method has its own bucket.
func (s *stage) limit(m *method) *bucket {
	if b, ok := s.limits[m]; ok {
		return b
	}
	var rate, burst *float64
	rank := -1
	for _, set := range s.settings {
		pathOK, methodOK := set.path == m.node.path, set.method == m.httpMethod
		if !(pathOK || set.path == "*") || !(methodOK || set.method == "*") {
			continue
		}
		r := 0
		if pathOK {
			r += 2
		}
		if methodOK {
			r++
		}
		if r > rank && (set.rate != nil || set.burst != nil) {
			rank, rate, burst = r, set.rate, set.burst
		}
	}
	var out *bucket
	if rank >= 0 {
		b := newBucket(accountRate, accountBurst)
		if rate != nil {
			b.rate = *rate
		}
		if burst != nil {
			b.burst, b.tokens = *burst, *burst
		}
		out = &b
	}
	if s.limits == nil {
		s.limits = map[*method]*bucket{}
	}
	s.limits[m] = out
	return out
}

func present(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}
