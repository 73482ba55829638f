package awsapi

import (
	"bytes"
	"encoding/xml"
	"hash/crc32"
	"net/http"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// Response is an answer as it goes over the wire.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Encode is what a protocol makes of an answer: of out, or of refused if there is one. requestID may be empty, where
// nobody would read it.
func (w Wire) Encode(action string, out []byte, refused *api.Error, requestID string) Response {
	r := Response{Status: http.StatusOK, Header: http.Header{}, Body: out}
	if requestID != "" {
		r.Header.Set("X-Amzn-Requestid", requestID)
	}
	if refused != nil {
		r.Status = refused.HTTPStatus()
	}
	switch w.protocol {
	case query, ec2Query, restXML:
		r.Header.Set("Content-Type", "text/xml")
		r.Body = w.encodeXML(action, out, refused, requestID)
	case cbor:
		r.Header.Set("Content-Type", "application/cbor")
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		r.Body = cborError(refused)
	case restJSON:
		r.Header.Set("Content-Type", w.mime)
		if refused != nil {
			r.Header.Set("X-Amzn-Errortype", refused.Code)
			r.Body = refused.Body("")
		} else if w.service == "lambda" {
			encodeLambda(action, &r)
		} else {
			encodeAppSync(action, &r)
		}
	default:
		r.Header.Set("Content-Type", w.mime)
		if refused != nil {
			w.encodeJSONError(&r, refused)
		}
		if w.service == "dynamodb" && requestID != "" {
			r.Header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(r.Body)), 10))
		}
	}
	return r
}

func (w Wire) encodeJSONError(r *Response, refused *api.Error) {
	r.Header.Set("X-Amzn-Errortype", refused.Code)
	r.Body = refused.Body(w.prefix(refused.Code))
	if w.service == "sqs" { // whose SDKs know errors by what they were called in its query protocol
		r.Header.Set("X-Amzn-Query-Error", sqs.QueryCode(refused.Code)+";"+faultOf(refused))
	}
}

// faultOf is whose fault an error is.
func faultOf(e *api.Error) string {
	if e.HTTPStatus() >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func (w Wire) encodeXML(action string, out []byte, refused *api.Error, requestID string) []byte {
	switch {
	case w.protocol == ec2Query:
		return []byte("<Response><Errors><Error><Code>" + escaped(refused.Code) + "</Code><Message>" + escaped(refused.Message) +
			"</Message></Error></Errors><RequestID>" + requestID + "</RequestID></Response>")
	case w.protocol == restXML:
		return []byte("<Error><Code>" + escaped(refused.Code) + "</Code><Message>" + escaped(refused.Message) + "</Message><RequestId>" +
			requestID + "</RequestId></Error>")
	case w.service == "sns" && refused != nil:
		return sns.EncodeError(refused)
	case w.service == "sns":
		return sns.EncodeResponse(action, out)
	case refused != nil:
		code := refused.Code
		if w.service == "sqs" {
			code = sqs.QueryCode(code)
		}
		return []byte(`<ErrorResponse xmlns="` + namespaces[w.service] + `"><Error><Type>` + faultOf(refused) + "</Type><Code>" + escaped(code) +
			"</Code><Message>" + escaped(refused.Message) + "</Message></Error><RequestId>" + requestID + "</RequestId></ErrorResponse>")
	}
	return encodeQuery(w.service, action, out, requestID)
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a Buffer never fails
	return b.String()
}

// cborError is an error as the protocol smithy-rpc-v2-cbor has it: a map of two texts.
func cborError(e *api.Error) []byte {
	b := []byte{0xa2}
	for _, s := range []string{"__type", e.Code, "message", e.Message} {
		if n := len(s); n < 24 {
			b = append(b, 0x60|byte(n))
		} else {
			b = append(b, 0x79, byte(n>>8), byte(n))
		}
		b = append(b, s...)
	}
	return b
}
