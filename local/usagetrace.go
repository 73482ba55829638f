package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// CustomMetrics are the metrics that functions wrote in the embedded metric format: one for each name under each set of dimensions. They
// are billed by the month in which they were written, so that Since is of no use for them.
const CustomMetrics Meter = "cloudwatch:metrics"

// The details of Traces. X-Ray's default rule records the first request of each second and five percent of the others (X-Ray Developer
// Guide, "Configuring sampling rules"), for each service that decides.
const (
	TraceFirst = "first of its second"
	TraceOther = "another"
)

// beginTrace counts where a trace begins.
func (s *Stack) beginTrace(resource string) {
	if s.traced == nil {
		s.traced = map[string]int64{}
	}
	detail, second := TraceOther, s.kernel.Now().Unix()
	if last, ok := s.traced[resource]; !ok || last != second {
		detail = TraceFirst
	}
	s.traced[resource] = second
	s.use(Traces, resource, detail, 1)
}

// billMetrics notes the metrics of a function's log line.
func (s *Stack) billMetrics(line []byte) {
	if !bytes.HasPrefix(line, []byte(`{"_aws":`)) {
		return
	}
	var head struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(line, &head) != nil || json.Unmarshal(line, &values) != nil {
		return // CloudWatch makes no metric of it either
	}
	for _, m := range head.AWS.CloudWatchMetrics {
		for _, set := range m.Dimensions {
			where := m.Namespace
			for _, name := range slices.Sorted(slices.Values(set)) {
				where += fmt.Sprintf(" %s=%s", name, values[name])
			}
			for _, metric := range m.Metrics {
				s.noteMetric(m.Namespace, where+" "+metric.Name)
			}
		}
	}
}

func (s *Stack) noteMetric(namespace, name string) {
	if _, known := s.metrics[name]; known {
		return
	}
	if s.metrics == nil {
		s.metrics = map[string]struct{}{}
	}
	s.metrics[name] = struct{}{}
	s.use(CustomMetrics, "", namespace, 1)
}

// billOutside counts what goes to the outside.
func (s *Stack) billOutside(from string, req *http.Request) {
	size := len(req.Method) + len(req.URL.RequestURI()) + headerSize(req.Header)
	s.use(HTTPBytes, s.names.logicalID(from), "", int64(size)+max(0, req.ContentLength))
}

// billed is what counting has to know of a template.
type billed struct {
	byType map[string]string // the first resource of a type, or ""
	traces bool              // whether the gateway's stage is traced
}

// theOnly is the logical id of the first resource of a type; most templates have no second. "" if there is none.
func (w *world) theOnly(typ string) string {
	if id, known := w.byType[typ]; known {
		return id
	}
	found := ""
	for _, id := range w.names.template.LogicalIDs() {
		if t, _ := w.names.template.Type(id); t == typ && found == "" {
			found = id
		}
	}
	if w.byType == nil {
		w.byType = map[string]string{}
	}
	w.byType[typ] = found
	return found
}

// compute is Options.Compute as Lambda asks it.
func (w *world) compute(of func(FunctionInfo, bool) time.Duration) func(*lambda.Function, bool) time.Duration {
	infos := map[*lambda.Function]FunctionInfo{}
	return func(f *lambda.Function, cold bool) time.Duration {
		info, known := infos[f]
		if !known {
			i := slices.IndexFunc(w.codes, func(c *functionCode) bool { return c.function == f })
			if i < 0 {
				return 0
			}
			info = w.codes[i].info
			infos[f] = info
		}
		return of(info, cold)
	}
}

// stageTraced says whether a stage of the gateway is traced, by its properties.
func stageTraced(properties json.RawMessage) bool {
	var p struct{ TracingEnabled any }
	return json.Unmarshal(properties, &p) == nil && strings.EqualFold(fmt.Sprint(p.TracingEnabled), "true")
}
