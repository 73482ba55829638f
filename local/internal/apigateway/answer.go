package apigateway

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// answered turns an endpoint's answer into the response.
func (c *call) answered(in *integration, a answer) {
	if a.header == nil {
		a.header = http.Header{"Content-Type": {"application/json"}}
		if a.requestID != "" {
			a.header["X-Amzn-Requestid"] = []string{a.requestID}
		}
	}
	c.answer = a
	if c.answeredAt.IsZero() {
		c.answeredAt = c.api.k.Now()
	}
	ir := in.choose(&a)
	if ir == nil {
		c.fail(apiConfigurationError.because("Configuration error: No match for output mapping and no default output mapping configured. Endpoint Response Status Code: " + strconv.Itoa(a.status)))
		return
	}
	resp := &Response{Status: ir.status, Header: make(http.Header, 8), Body: a.body}
	contentType := "application/json"
	if n := len(ir.templates); n > 0 {
		t := &ir.templates[chooseTemplate(n, c.accept(), func(i int) string { return ir.templates[i].contentType })]
		contentType = t.contentType
		if t.template != nil {
			body, err := c.render(t.template, newInput(c, a.body, false))
			if err != nil {
				c.failTemplate(err, false)
				return
			}
			resp.Body = []byte(body)
		}
	}
	resp.Header["Content-Type"] = []string{contentType}
	for i := range ir.headers {
		h := &ir.headers[i]
		v, ok, err := h.value(c)
		if err != nil {
			c.fail(internalServerError.because("Execution failed due to configuration error: the integration response's body is not JSON"))
			return
		}
		if ok && v != "" {
			resp.Header[http.CanonicalHeaderKey(h.name)] = []string{headerText(v)}
		}
	}
	c.overrideResponse(resp)
	c.finish(resp)
}

// choose picks the first response whose pattern matches all of the selection
// value (the status, or a failed function's errorMessage), else the default.
func (in *integration) choose(a *answer) *integrationResponse {
	if !a.defaulted {
		for i := range in.responses {
			if in.responses[i].pattern.MatchString(a.selectBy) {
				return &in.responses[i]
			}
		}
	}
	return in.fallback
}

// overrideResponse applies $context.responseOverride. A status that is no
// integer between 100 and 599 is ignored, as AWS does.
func (c *call) overrideResponse(r *Response) {
	if c.responseOverride == nil {
		return
	}
	if v, ok := c.responseOverride.Get("status"); ok {
		n := 0
		switch v := v.(type) {
		case int32:
			n = int(v)
		case int64:
			n = int(v)
		}
		if n >= 100 && n <= 599 {
			r.Status = n
		}
	}
	v, _ := c.responseOverride.Get("header")
	m, ok := v.(*vtl.Map)
	if !ok {
		return
	}
	for _, e := range m.Entries() {
		name, err1 := vtl.ToString(e.Key)
		value, err2 := vtl.ToString(e.Value)
		if err1 == nil && err2 == nil && e.Value != nil {
			r.Header[http.CanonicalHeaderKey(remapped(name))] = []string{headerText(value)}
		}
	}
}

// failTemplate answers a template that failed. A request body that is not
// JSON where the template reads it as JSON is the client's fault.
func (c *call) failTemplate(err error, request bool) {
	if request && errors.Is(err, errBadJSON) {
		f := badRequest
		f.message = "Could not parse request body into json: " + strings.TrimPrefix(detail(err), errBadJSON.Error()+": ")
		c.fail(f)
		return
	}
	c.integrationError = err.Error()
	c.fail(internalServerError.because("Execution failed due to configuration error: Unable to transform: " + err.Error()))
}

func detail(err error) string {
	s := err.Error()
	if i := strings.Index(s, errBadJSON.Error()); i >= 0 {
		return s[i:]
	}
	return s
}

// mock answers a MOCK integration: the template's JSON says with which status.
func (c *call) mock(req *integrationRequest) {
	status, ok := mockStatus(req.body)
	if !ok {
		c.fail(internalServerError.because("Execution failed due to configuration error: Unable to parse statusCode. It should be an integer that is defined in the request template."))
		return
	}
	c.answered(c.method.integration, answer{status: status, selectBy: strconv.Itoa(status), header: http.Header{}})
}

// looseStatus finds the status in what is not quite JSON, such as the
// {statusCode: 200} that the CDK emits for CORS and that AWS takes.
var looseStatus = regexp.MustCompile(`^\s*\{(?:[^{}]*,)?\s*["']?statusCode["']?\s*:\s*(\d{3})\s*(?:,[^{}]*)?\}\s*$`)

func mockStatus(body string) (int, bool) {
	var doc struct {
		StatusCode *int `json:"statusCode"`
	}
	if json.Unmarshal([]byte(body), &doc) == nil {
		if doc.StatusCode == nil {
			return 0, false
		}
		return *doc.StatusCode, true
	}
	m := looseStatus.FindStringSubmatch(body)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// compress gzips a response of at least MinimumCompressionSize bytes for a
// client that accepts it.
func (c *call) compress(r *Response) {
	a := c.api
	if a.compressFrom < 0 || len(r.Body) < a.compressFrom || len(r.Body) == 0 ||
		r.Header.Get("Content-Encoding") != "" || !acceptsGzip(c.req.Header.Get("Accept-Encoding")) {
		return
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(r.Body) // to memory: never fails
	_ = w.Close()
	r.Body = buf.Bytes()
	r.Header["Content-Encoding"] = []string{"gzip"}
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.TrimSpace(q) != "q=0"
		}
	}
	return false
}
