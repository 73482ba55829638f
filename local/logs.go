package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/logs"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// journals are the log groups of a world, and who writes to them.
type journals struct {
	logs       *logs.Service
	byFunction map[string]*functionJournal // by the function's name
	access     *logs.Stream                // of the gateway; nil: it has none
	graphQLLog *logs.Stream                // of the GraphQL API; nil: it has none
}

// openJournals makes the log groups' service of a world, to which the others write.
func (s *Stack) openJournals(w *world) {
	w.journals = journals{logs: logs.NewService(w.kernel, s.opts.Region, s.opts.AccountID), byFunction: map[string]*functionJournal{}}
	w.logs.Authorize = func(c api.Call) error {
		if w.bus.authorize == nil {
			return nil
		}
		if refused := w.bus.authorize(c); refused != nil {
			return refused
		}
		return nil
	}
	w.bus.services["logs"] = w.logs
	w.functions.Line = s.lambdaLine
	w.functions.Journal = s.beginJournal
	type current struct {
		hour   time.Time
		stream *logs.Stream
	}
	streams := map[*states.StateMachine]current{}
	w.machines.Log = func(m *states.StateMachine, render func() string) {
		st := streams[m]
		if hour := w.kernel.Now().Truncate(time.Hour); st.stream == nil || !hour.Equal(st.hour) {
			st = current{hour, w.logs.GroupOf(m.LogGroup()).Stream(stateLogStream(m.Name, hour), logs.Writer{Principal: "delivery.logs.amazonaws.com", SourceARN: m.ARN})}
			streams[m] = st
		}
		st.stream.PutLater(render)
	}
}

// stateLogStream is the stream of a state machine's events: one for each hour here, where Step
// Functions has one for each of its own hosts.
func stateLogStream(machine string, hour time.Time) string {
	at := hour.UTC().Format("2006-01-02-15-04")
	return "states/" + machine + "/" + at + "/" + hexID(machine + at)[:8]
}

// buildLogGroup makes a log group.
func (s *Stack) buildLogGroup(r *cfn.Resource) error {
	var p logs.GroupProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	_, err := s.logs.CreateLogGroup(s.names.physical(r.LogicalID), p)
	return named(r, err)
}

// connectLogs gives the gateway and the GraphQL API the log groups that the template declares for them.
func (s *Stack) connectLogs(resources []*cfn.Resource) error {
	role := ""
	for _, r := range resources {
		if r.Type != "AWS::ApiGateway::Account" {
			continue
		}
		var p struct{ CloudWatchRoleArn string }
		if err := json.Unmarshal(r.Properties, &p); err != nil {
			return named(r, err)
		}
		role = p.CloudWatchRoleArn
	}
	for _, r := range resources {
		switch r.Type {
		case "AWS::ApiGateway::Stage":
			var p struct {
				StageName        string
				AccessLogSetting struct{ DestinationArn string }
			}
			if err := json.Unmarshal(r.Properties, &p); err != nil {
				return named(r, err)
			}
			s.traces = s.traces || stageTraced(r.Properties)
			if arn := p.AccessLogSetting.DestinationArn; arn != "" {
				s.access = s.logs.GroupOf(arn).Stream(hexID(r.LogicalID + p.StageName)[:32], writer(role, "apigateway.amazonaws.com"))
			}
		case "AWS::AppSync::GraphQLApi":
			var p struct {
				LogConfig *struct{ CloudWatchLogsRoleArn string }
			}
			if err := json.Unmarshal(r.Properties, &p); err != nil {
				return named(r, err)
			}
			if p.LogConfig != nil {
				s.graphQLLog = s.logs.GroupOf("/aws/appsync/apis/"+r.LogicalID).Stream(hexID(r.LogicalID)[:32], writer(p.LogConfig.CloudWatchLogsRoleArn, "appsync.amazonaws.com"))
			}
		}
	}
	return nil
}

// writer is a service in a role that it was given, or as itself.
func writer(role, service string) logs.Writer {
	if role == "" {
		return logs.Writer{Principal: service}
	}
	return logs.Writer{Caller: role, Via: service}
}

func hexID(of string) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:])
}

// logAccess takes a line of the gateway's access log.
func (s *Stack) logAccess(line string) {
	fmt.Fprintln(s.opts.AccessLog, line)
	if s.access != nil {
		s.access.Put(line)
	}
}

// logGraphQL takes what AppSync tells of a request.
func (s *Stack) logGraphQL(requestID, message string) {
	fmt.Fprintf(s.opts.Logs, "appsync: %s: %s\n", requestID, message)
	if s.graphQLLog != nil {
		s.graphQLLog.PutLater(func() string { return requestID + " " + message })
	}
}
