package local

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// chunk is how many bytes of a message SQS and SNS bill as one request (pricing pages of both).
const chunk = 64 << 10

// updateSize is how many bytes of a message AppSync bills as one real-time update (its pricing page).
const updateSize = 5 << 10

// pieces is how many pieces of a size n bytes are, at least one.
func pieces(n, size int) int64 { return int64(max(1, (n+size-1)/size)) }

// billCall counts what the services bill by the call.
func (s *Stack) billCall(c *api.Call, out []byte) {
	switch c.Service {
	case "sqs":
		url := field(c.Input, "QueueUrl")
		m := QueueRequests
		if strings.HasSuffix(url, ".fifo") {
			m = FIFOQueueRequests
		}
		s.use(m, s.names.logicalID(url), c.Action, pieces(max(len(c.Input), len(out)), chunk))
	case "sns":
		s.use(Publishes, s.names.logicalID(field(c.Input, "TopicArn")), c.Action, pieces(len(c.Input), chunk))
	case "secretsmanager":
		s.use(SecretCalls, s.names.logicalID(field(c.Input, "SecretId")), c.Action, 1)
	}
}

// billRequest counts a request that the gateway answered.
func (s *Stack) billRequest(status int, header http.Header, body []byte) {
	id := s.theOnly("AWS::ApiGateway::RestApi")
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
	default:
		s.use(GatewayRequests, id, "", 1)
	}
	size := len(body) + headerSize(header)
	s.use(GatewayBytes, id, "", int64(size))
	if s.theOnly("AWS::WAFv2::WebACLAssociation") != "" {
		s.use(WAFRequests, s.theOnly("AWS::WAFv2::WebACL"), "", 1)
	}
	if s.traces {
		s.beginTrace(id)
	}
}

// headerSize is what an answer has beside its body: the status line, the header and the empty line.
func headerSize(header http.Header) int {
	n := len("HTTP/1.1 200 OK\r\n\r\n")
	for name, values := range header {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}

// billInvocation counts an invocation that ran.
func (s *Stack) billInvocation(f *lambda.Function, begun time.Time, err error) {
	var refused *api.Error
	if errors.As(err, &refused) {
		return
	}
	id, arch := s.names.logicalID(f.ARN), f.Architecture()
	ms := max(1, int64((s.kernel.Now().Sub(begun)+time.Millisecond-1)/time.Millisecond))
	s.use(FunctionRequests, id, arch, 1)
	s.use(FunctionMBms, id, arch, ms*int64(f.Memory()))
}

// billFrame counts an event that went over a websocket.
func (s *Stack) billFrame(size int) {
	id := s.graphQL.ID()
	s.use(RealTimeUpdates, id, "event", pieces(size, updateSize))
	s.use(GraphQLBytes, id, "", int64(size))
}

// engineUsage tells what the engines of a world counted themselves.
func (w *world) engineUsage(use func(m Meter, resource, detail string, n int64)) {
	some := func(m Meter, resource, detail string, n int64) {
		if n != 0 {
			use(m, resource, detail, n)
		}
	}
	for _, t := range w.tables.Tables() {
		c := t.Consumed()
		id := w.names.logicalID(t.ARN())
		some(ReadHalfUnits, id, "", int64(2*c.Read))
		some(WriteUnits, id, "", int64(c.Write))
	}
	for _, m := range w.functions.Mappings() {
		st, meter := m.Stats(), QueueRequests
		if m.FIFO() {
			meter = FIFOQueueRequests
		}
		id := w.names.logicalID(m.QueueARN())
		some(meter, id, "ReceiveMessage", st.ReceiveRequests)
		some(meter, id, "DeleteMessageBatch", st.DeleteRequests)
	}
	for _, m := range w.functions.StreamMappings() {
		some(StreamRecords, m.ID, "", int64(m.Stats().Records))
	}
	for _, m := range w.machines.StateMachines() {
		id := w.names.logicalID(m.ARN)
		some(Transitions, id, "", m.Transitions)
		some(ExpressRequests, id, "", m.ExpressRequests)
		some(ExpressMBms, id, "", m.ExpressMS*ExpressMemory)
	}
	for _, sub := range w.topics.Subscriptions() {
		some(Deliveries, w.names.logicalID(sub.Topic().ARN), sub.Protocol, int64(sub.Stats().Attempts))
	}
	for _, g := range w.logs.Groups() {
		some(LogBytes, w.names.logicalID(g.ARN()), "", g.Ingested())
	}
	if w.graphQL != nil {
		connected := w.graphQL.Connected()
		some(RealTimeUpdates, w.graphQL.ID(), "client", connected.Operations)
		some(ConnectionSeconds, w.graphQL.ID(), "", int64(connected.Time/time.Second))
	}
}
