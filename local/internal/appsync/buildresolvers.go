package appsync

import (
	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

// runtimeVersion is the only version there is of APPSYNC_JS.
const runtimeVersion = "1.0.0"

// maxFunctions is how many functions a pipeline may have (service quotas,
// "Functions per pipeline resolver").
const maxFunctions = 10

func (b *builder) buildSources() {
	for _, r := range b.sources {
		p := &r.Props
		if !b.mine(r.ID, r.Type, p.ApiId) {
			continue
		}
		s := &source{id: r.ID, name: p.Name, typ: p.Type, role: p.ServiceRoleArn}
		switch p.Type {
		case "NONE":
		case "AMAZON_DYNAMODB":
			switch {
			case p.DynamoDBConfig == nil || p.DynamoDBConfig.TableName == "":
				b.Errorf(r.ID, r.Type, "AMAZON_DYNAMODB needs DynamoDBConfig.TableName")
				continue
			case bool(p.DynamoDBConfig.UseCallerCredentials), bool(p.DynamoDBConfig.Versioned):
				b.Errorf(r.ID, r.Type, "DynamoDBConfig.UseCallerCredentials and Versioned are not simulated")
			}
			s.table = p.DynamoDBConfig.TableName
		case "AWS_LAMBDA":
			if p.LambdaConfig == nil || p.LambdaConfig.LambdaFunctionArn == "" {
				b.Errorf(r.ID, r.Type, "AWS_LAMBDA needs LambdaConfig.LambdaFunctionArn")
				continue
			}
			s.lambda = p.LambdaConfig.LambdaFunctionArn
		default:
			b.Errorf(r.ID, r.Type, "data sources of type %q are not simulated", p.Type)
		}
		if s.typ != "NONE" && s.role == "" {
			b.Errorf(r.ID, r.Type, "a data source of type %s needs a ServiceRoleArn", s.typ)
		}
		if b.api.sources[p.Name] != nil {
			b.Errorf(r.ID, r.Type, "a second data source named %q", p.Name)
		}
		b.api.sources[p.Name] = s
		b.api.parts.sources = append(b.api.parts.sources, r)
	}
}

// compile reads a resolver's or a function's code.
func (b *builder) compile(id, typ string, rt *runtimeProps, code string, templates ...string) *appsyncjs.Program {
	for _, t := range templates {
		if t != "" {
			b.Errorf(id, typ, "mapping templates (VTL) are not simulated: use the runtime APPSYNC_JS")
			return nil
		}
	}
	if rt == nil || rt.Name != "APPSYNC_JS" || rt.RuntimeVersion != runtimeVersion {
		b.Errorf(id, typ, "Runtime must be APPSYNC_JS %s", runtimeVersion)
		return nil
	}
	if code == "" {
		b.Errorf(id, typ, "there is no Code (CodeS3Location is not simulated)")
		return nil
	}
	p, err := appsyncjs.Compile(id, code)
	if err != nil {
		b.Errorf(id, typ, "Code: %v", err)
		return nil
	}
	for _, handler := range []string{"request", "response"} {
		if !p.Exports(handler) {
			b.Errorf(id, typ, "Code exports no function %s", handler)
		}
	}
	return p
}

func (b *builder) dataSource(id, typ, name string) *source {
	s := b.api.sources[name]
	if s == nil {
		b.Errorf(id, typ, "there is no data source %q", name)
	}
	return s
}

func (b *builder) buildFunctions() {
	for _, r := range b.functions {
		p := &r.Props
		if !b.mine(r.ID, r.Type, p.ApiId) {
			continue
		}
		if p.MaxBatchSize != nil && *p.MaxBatchSize > 0 {
			b.Errorf(r.ID, r.Type, "MaxBatchSize is not simulated")
		}
		b.api.parts.functions = append(b.api.parts.functions, r)
		b.functionByID[r.ID] = &function{
			id:     r.ID,
			code:   b.compile(r.ID, r.Type, p.Runtime, p.Code, p.RequestMappingTemplate, p.ResponseMappingTemplate),
			source: b.dataSource(r.ID, r.Type, p.DataSourceName),
		}
	}
}

func (b *builder) buildResolvers() {
	for _, r := range b.resolvers {
		p := &r.Props
		if !b.mine(r.ID, r.Type, p.ApiId) {
			continue
		}
		def := b.api.schema.Types[p.TypeName]
		if def == nil || def.Fields.ForName(p.FieldName) == nil {
			b.Errorf(r.ID, r.Type, "the schema has no field %s.%s", p.TypeName, p.FieldName)
			continue
		}
		f := def.Fields.ForName(p.FieldName)
		if b.api.resolvers[f] != nil {
			b.Errorf(r.ID, r.Type, "a second resolver of %s.%s", p.TypeName, p.FieldName)
			continue
		}
		if p.MaxBatchSize != nil && *p.MaxBatchSize > 0 {
			b.Errorf(r.ID, r.Type, "MaxBatchSize is not simulated")
		}
		res := &resolver{id: r.ID}
		switch p.Kind {
		case "", "UNIT":
			res.source = b.dataSource(r.ID, r.Type, p.DataSourceName)
			if direct := res.source != nil && res.source.typ == "AWS_LAMBDA" && p.Runtime == nil && p.Code == "" &&
				p.RequestMappingTemplate == "" && p.ResponseMappingTemplate == ""; direct {
				break
			}
			res.code = b.compile(r.ID, r.Type, p.Runtime, p.Code, p.RequestMappingTemplate, p.ResponseMappingTemplate)
		case "PIPELINE":
			res.pipeline = true
			res.code = b.compile(r.ID, r.Type, p.Runtime, p.Code, p.RequestMappingTemplate, p.ResponseMappingTemplate)
			if p.PipelineConfig == nil || len(p.PipelineConfig.Functions) == 0 || len(p.PipelineConfig.Functions) > maxFunctions {
				b.Errorf(r.ID, r.Type, "a PIPELINE needs 1–%d PipelineConfig.Functions", maxFunctions)
				break
			}
			for _, id := range p.PipelineConfig.Functions {
				fn := b.functionByID[id]
				if fn == nil {
					b.Errorf(r.ID, r.Type, "PipelineConfig.Functions names %q, which is no FunctionConfiguration of this API", id)
					continue
				}
				res.functions = append(res.functions, fn)
			}
		default:
			b.Errorf(r.ID, r.Type, "Kind must be UNIT or PIPELINE, got %q", p.Kind)
		}
		b.api.resolvers[f] = res
		b.api.parts.resolvers = append(b.api.parts.resolvers, r)
	}
}
