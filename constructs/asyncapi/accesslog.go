package asyncapi

import (
	"fmt"
	"strings"
)

// accessLogFormat is one line of JSON per request. API Gateway writes "-" for
// a variable without a value and does not escape any, so what a client can
// choose freely (user agent, query, headers) is left out.
func accessLogFormat(tenant string) string {
	fields := []struct{ name, value string }{
		{"requestId", "$context.requestId"},
		{"extendedRequestId", "$context.extendedRequestId"},
		{"requestTime", "$context.requestTimeEpoch"},
		{"tenant", tenant},
		{"sourceIp", "$context.identity.sourceIp"},
		{"method", "$context.httpMethod"},
		{"route", "$context.resourcePath"},
		{"status", "$context.status"},
		{"responseType", "$context.error.responseType"},
		{"responseLength", "$context.responseLength"},
		{"latency", "$context.responseLatency"},
		{"integrationStatus", "$context.integration.status"},
		{"integrationLatency", "$context.integration.latency"},
		{"integrationRequestId", "$context.integration.requestId"},
		{"integrationError", "$context.integration.error"},
		{"wafStatus", "$context.waf.status"},
		{"traceId", "$context.xrayTraceId"},
	}
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = fmt.Sprintf("%q:%q", f.name, f.value)
	}
	return "{" + strings.Join(texts, ",") + "}"
}
