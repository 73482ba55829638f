package awstest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Notification is a message that a topic took.
type Notification struct {
	TopicARN, Message, Group string
	Attributes               map[string]string
}

// Message is a message that a queue took.
type Message struct {
	QueueURL, Body, Group string
	Attributes            map[string]string
}

// Mutation is a request that AppSync took.
type Mutation struct {
	Query string
	Event map[string]any
}

// PublishOrderStatus is what Calls and Fault have as the action of a request to AppSync.
const PublishOrderStatus = "publishOrderStatus"

// action names what a request asks for: by its header in the JSON protocols, by a parameter in
// that of SNS (the query protocol), and by its path for AppSync.
func action(req *http.Request, body []byte) string {
	if _, target, ok := strings.Cut(req.Header.Get("X-Amz-Target"), "."); ok {
		return target
	}
	if strings.HasSuffix(req.URL.Path, "/graphql") {
		return PublishOrderStatus
	}
	return parse(body).Get("Action")
}

func parse(body []byte) url.Values {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		panic(fmt.Sprintf("awstest: %v in %s", err, body))
	}
	return form
}

// publishBatch judges each message of a batch by Reject.
func (s *Server) publishBatch(body []byte) (*http.Response, error) {
	type result struct {
		Id, MessageId, Code string `xml:",omitempty"`
		SenderFault         bool   `xml:",omitempty"`
	}
	var out struct {
		XMLName    xml.Name `xml:"PublishBatchResponse"`
		Successful []result `xml:"PublishBatchResult>Successful>member"`
		Failed     []result `xml:"PublishBatchResult>Failed>member"`
	}
	form := parse(body)
	seen := map[string]bool{}
	for i := 1; ; i++ {
		entry := fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i)
		id := form.Get(entry + "Id")
		if id == "" {
			break
		}
		if i > 10 || seen[id] {
			panic("awstest: more than 10 messages in a batch, or two with one id")
		}
		seen[id] = true
		n := Notification{
			TopicARN: form.Get("TopicArn"), Message: form.Get(entry + "Message"), Group: form.Get(entry + "MessageGroupId"),
			Attributes: map[string]string{},
		}
		for k := 1; form.Has(fmt.Sprintf("%sMessageAttributes.entry.%d.Name", entry, k)); k++ {
			attribute := fmt.Sprintf("%sMessageAttributes.entry.%d.", entry, k)
			if kind := form.Get(attribute + "Value.DataType"); kind != "String" {
				panic("awstest: an attribute of type " + kind)
			}
			n.Attributes[form.Get(attribute+"Name")] = form.Get(attribute + "Value.StringValue")
		}
		if s.Reject != nil && s.Reject(n.Message) {
			out.Failed = append(out.Failed, result{Id: id, Code: "InternalError"})
			continue
		}
		s.Notifications = append(s.Notifications, n)
		out.Successful = append(out.Successful, result{Id: id, MessageId: fmt.Sprintf("m-%d", len(s.Notifications))})
	}
	b, err := xml.Marshal(out)
	return response(http.StatusOK, "text/xml", b), err
}

// publishOrderStatus takes a mutation, unless Reject says that AppSync answers it with an error.
func (s *Server) publishOrderStatus(req *http.Request, body []byte) *http.Response {
	if !strings.Contains(req.Header.Get("Authorization"), "/eu-central-1/appsync/aws4_request") {
		return response(http.StatusUnauthorized, "application/json",
			[]byte(`{"errors":[{"errorType":"UnauthorizedException","message":"Unable to parse JWT token."}]}`))
	}
	in := decode[struct {
		Query     string
		Variables struct{ Event map[string]any }
	}](body)
	if s.Reject != nil && s.Reject(string(body)) {
		return response(http.StatusOK, "application/json",
			[]byte(`{"data":{"publishOrderStatus":null},"errors":[{"path":["publishOrderStatus"],"errorType":"Code","message":"it went wrong"}]}`))
	}
	s.Mutations = append(s.Mutations, Mutation{in.Query, in.Variables.Event})
	b, err := json.Marshal(map[string]any{"data": map[string]any{"publishOrderStatus": in.Variables.Event}})
	if err != nil {
		panic(err) // It was JSON before.
	}
	return response(http.StatusOK, "application/json", b)
}

func (s *Server) sendMessage(body []byte) any {
	in := decode[struct {
		QueueUrl, MessageBody, MessageGroupId string
		MessageAttributes                     map[string]struct{ DataType, StringValue string }
	}](body)
	m := Message{in.QueueUrl, in.MessageBody, in.MessageGroupId, map[string]string{}}
	for name, a := range in.MessageAttributes {
		m.Attributes[name] = a.StringValue
	}
	s.Messages = append(s.Messages, m)
	sum := md5.Sum([]byte(in.MessageBody))
	return map[string]any{"MessageId": fmt.Sprintf("q-%d", len(s.Messages)), "MD5OfMessageBody": hex.EncodeToString(sum[:])}
}

func response(status int, kind string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}
