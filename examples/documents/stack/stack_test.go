package stack_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/documents/document"
	"example.com/documents/stack"

	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/appfunctions"
	"github.com/orderflow-cdk/orderflow/local/localcdk"
	"github.com/orderflow-cdk/orderflow/local/localtest"
)

func TestMain(m *testing.M) { localcdk.Main(m) }

// template is synthesized once for all tests.
var template = sync.OnceValue(func() []byte {
	return localcdk.Template(stack.New(awscdk.NewApp(nil), "documents", assets))
})

var assets string

// run starts the stack. The sites are what can be fetched, by host.
func run(t *testing.T, sites local.Hosts) *localtest.Stack {
	t.Helper()
	if assets == "" {
		assets = localcdk.Bootstraps(t, stack.Functions()...)
	}
	functions := appfunctions.All() // notify, deliverwebhook, managewebhooks
	for name, newHandler := range document.Functions() {
		functions[name] = func(r local.Runtime) (local.Handler, error) {
			return newHandler(document.Env{Getenv: r.Getenv, AWS: r.AWS, HTTP: r.HTTP, Now: r.Now, Log: r.Log}), nil
		}
	}
	return localtest.Start(t, template(), local.Options{Functions: functions, Egress: sites})
}

// library has one document, and counts how often it was asked for any.
type library struct{ asked int }

func (l *library) sites() local.Hosts { return local.Hosts{"library.example": l} }

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.asked++
	if r.URL.Path != "/moby-dick" {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, "Call me Ishmael.")
}

var mobyDick = document.Request{Source: "https://library.example/moby-dick", Format: "pdf"}

func of(s *localtest.Stack, company string) *localtest.Client {
	return s.SignedIn("someone-at-"+company, localtest.M{stack.CompanyClaim: company})
}

// submit sends a request and returns the path of its status.
func submit(c *localtest.Client, r document.Request) string {
	return c.Do("POST", "/documents", r).Want(http.StatusAccepted).Header.Get("Location")
}

// reaches lets time pass until a document has a status.
func reaches(s *localtest.Stack, c *localtest.Client, path, status string) {
	s.Eventually(func() bool { return c.Do("GET", path, nil).Want(http.StatusOK).Text("status") == status }, 4*time.Hour)
}

// result is the whole of a document.
func result(c *localtest.Client, path string) *localtest.Response {
	return c.Do("GET", strings.TrimSuffix(path, "/status"), nil).Want(http.StatusOK)
}

// history is the statuses of a document so far.
func history(r *localtest.Response) string {
	var all struct{ History []struct{ Status string } }
	r.Decode(&all)
	var statuses []string
	for _, h := range all.History {
		statuses = append(statuses, h.Status)
	}
	return strings.Join(statuses, " ")
}

// job is what the converter finds in its queue.
type job struct{ Token, ID, Key, Format, Cancel string }

// converter is somebody else's program, with the role that the stack has for it.
type converter struct {
	t     *testing.T
	queue string
	jobs  *sqs.Client
	tasks *sfn.Client
}

func newConverter(t *testing.T, s *localtest.Stack) converter {
	t.Helper()
	cfg := s.ConfigOf(s.Output("ConverterRole"))
	return converter{t, s.Output("ConversionQueue"), sqs.NewFromConfig(cfg), sfn.NewFromConfig(cfg)}
}

// take takes a job. There has to be one within the time for which SQS waits.
func (c converter) take() job {
	c.t.Helper()
	out, err := c.jobs.ReceiveMessage(c.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &c.queue, WaitTimeSeconds: 20})
	if err != nil || len(out.Messages) != 1 {
		c.t.Fatalf("the converter got no job: %v", err)
	}
	var j job
	if err := json.Unmarshal([]byte(*out.Messages[0].Body), &j); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.jobs.DeleteMessage(c.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &c.queue, ReceiptHandle: out.Messages[0].ReceiptHandle}); err != nil {
		c.t.Fatal(err)
	}
	return j
}

// convert takes a job and reports it done.
func (c converter) convert() {
	c.t.Helper()
	if err := c.succeed(c.take()); err != nil {
		c.t.Fatal(err)
	}
}

func (c converter) succeed(j job) error {
	_, err := c.tasks.SendTaskSuccess(c.t.Context(), &sfn.SendTaskSuccessInput{TaskToken: &j.Token, Output: aws.String(`{"pages": 635, "content": "%PDF…"}`)})
	return err
}

// refuse takes a job and reports that the document cannot be read.
func (c converter) refuse() {
	c.t.Helper()
	j := c.take()
	_, err := c.tasks.SendTaskFailure(c.t.Context(), &sfn.SendTaskFailureInput{TaskToken: &j.Token, Error: aws.String("Unreadable"), Cause: aws.String("it is upside down")})
	if err != nil {
		c.t.Fatal(err)
	}
}

// files are the steps whose files there are.
func files(s *localtest.Stack) string {
	items := s.AWS("dynamodb:Scan", localtest.M{"TableName": s.Output("FilesTable")})
	var all struct {
		Items []struct{ SK struct{ S string } }
	}
	items.Decode(&all)
	var names []string
	for _, i := range all.Items {
		names = append(names, i.SK.S)
	}
	return strings.Join(names, " ")
}

func TestADocumentIsConverted(t *testing.T) {
	var books library
	s := run(t, books.sites())
	acme := of(s, "acme")

	status := submit(acme, mobyDick)
	if got := acme.Do("GET", status, nil).Want(http.StatusOK).Text("status"); got != "QUEUED" {
		t.Errorf("at once it is %s, want QUEUED", got)
	}
	reaches(s, acme, status, document.Fetched)
	s.Advance(20 * time.Minute) // conversions take their time
	newConverter(t, s).convert()
	reaches(s, acme, status, document.Stored)

	r := result(acme, status)
	if got, want := history(r), "RECEIVED FETCHED CONVERTED STORED"; got != want {
		t.Errorf("it went through %s, want %s", got, want)
	}
	if pages, source := r.Text("results.Store.pages"), r.Text("order.source"); pages != "635" || source != mobyDick.Source {
		t.Errorf("%s pages of %s", pages, source)
	}
	if got := files(s); got != "Fetch Store" {
		t.Errorf("there are files of %s", got)
	}
	of(s, "other").Do("GET", status, nil).Problem(http.StatusNotFound)
	s.Anonymous().Do("GET", status, nil).Problem(http.StatusUnauthorized)
	if denied := s.Trace().Kind(local.EventDenied); len(denied) > 0 {
		t.Errorf("what the stack's own permissions do not allow:\n%s", denied)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		source string
		reason string
		refuse bool // by the converter
		files  string
	}{
		{name: "there is no such source", source: "https://library.example/ulysses", reason: "SourceNotFound"},
		{name: "the converter cannot read it", source: mobyDick.Source, reason: "Unreadable", refuse: true},
		{name: "what the gateway's schema lets pass", source: "https://", reason: "InvalidRequest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var books library
			s := run(t, books.sites())
			acme := of(s, "acme")
			status := submit(acme, document.Request{Source: tt.source, Format: "text"})
			if tt.refuse {
				reaches(s, acme, status, document.Fetched)
				newConverter(t, s).refuse()
			}
			reaches(s, acme, status, document.Refused)
			s.Idle(time.Hour)
			if got := result(acme, status).Text("reason"); got != tt.reason {
				t.Errorf("refused for %s, want %s", got, tt.reason)
			}
			if got := files(s); got != "" {
				t.Errorf("the files of %s are still there", got)
			}
		})
	}
	s := run(t, nil)
	of(s, "acme").Do("POST", "/documents", localtest.M{"source": "ftp://library.example", "format": "pdf"}).Problem(http.StatusBadRequest)
}

// The last step fails for good: what the others did is undone, and the converter is told.
func TestAFailureIsCompensated(t *testing.T) {
	var books library
	s := run(t, books.sites())
	acme := of(s, "acme")
	s.Inject(local.Fault{Target: "store", Kind: local.FailWith, ErrorName: "DiskFull"})
	status := submit(acme, mobyDick)
	reaches(s, acme, status, document.Fetched)
	newConverter(t, s).convert()
	reaches(s, acme, status, document.Failed)
	s.Idle(time.Hour)
	if got := result(acme, status).Text("reason"); got != "DiskFull" {
		t.Errorf("the reason is %s", got)
	}
	if got := files(s); got != "" {
		t.Errorf("the files of %s are still there", got)
	}
	if j := newConverter(t, s).take(); j.Cancel == "" || !strings.Contains(status, j.Cancel) {
		t.Errorf("the converter is told %+v", j)
	}
	if n := len(s.Trace().Kind(local.EventInvocation).To("Store")); n != 5 {
		t.Errorf("Store was tried %d times, want 5", n)
	}
}

// The converter takes no job: after an hour it is asked again, after another the document has failed.
func TestTheConverterNeverCallsBack(t *testing.T) {
	var books library
	s := run(t, books.sites())
	acme := of(s, "acme")
	status := submit(acme, mobyDick)
	reaches(s, acme, status, document.Fetched)
	begun := s.Now()
	c := newConverter(t, s)
	job := c.take()
	s.Advance(59 * time.Minute)
	if got := acme.Do("GET", status, nil).Text("status"); got != document.Fetched {
		t.Fatalf("after 59 minutes it is %s", got)
	}
	reaches(s, acme, status, document.Failed)
	if took := s.Now().Sub(begun); took < 2*time.Hour || took > 2*time.Hour+time.Minute {
		t.Errorf("it took %v, want two hours", took)
	}
	if got := result(acme, status).Text("reason"); got != "States.Timeout" {
		t.Errorf("the reason is %s", got)
	}
	if got := files(s); got != "" {
		t.Errorf("the files of %s are still there", got)
	}
	var late *types.TaskTimedOut
	if err := c.succeed(job); !errors.As(err, &late) {
		t.Errorf("calling back after all: %v", err)
	}
}

// Whatever happens twice has one effect.
func TestDuplicates(t *testing.T) {
	for _, target := range []string{"sqs:SendMessage", "intake", "states:StartExecution", "fetch", "store", "notify"} {
		t.Run(target, func(t *testing.T) {
			var books library
			s := run(t, books.sites())
			acme := of(s, "acme")
			s.Inject(local.Fault{Target: target, Kind: local.Duplicate, Times: 1})
			status := submit(acme.With("Idempotency-Key", "moby"), mobyDick)
			reaches(s, acme, status, document.Fetched)
			s.Advance(time.Second)
			newConverter(t, s).convert()
			reaches(s, acme, status, document.Stored)
			if s.Faults()[0].Happened != 1 {
				t.Error("nothing was duplicated")
			}
			if got := history(result(acme, status)); got != "RECEIVED FETCHED CONVERTED STORED" {
				t.Errorf("it went through %s", got)
			}
			begun := s.Trace().Kind(local.EventState).Action("ExecutionStarted")
			if len(begun) != 1 {
				t.Errorf("%d executions began:\n%s", len(begun), begun)
			}
			if again := submit(acme.With("Idempotency-Key", "moby"), mobyDick); again != status {
				t.Errorf("the same key is another document: %s and %s", again, status)
			}
		})
	}
}

// The intake is broken until somebody mends it, and moves what was given up back.
func TestWhatWasGivenUpIsRedriven(t *testing.T) {
	var books library
	s := run(t, books.sites())
	acme := of(s, "acme")
	s.Inject(local.Fault{Target: "intake", Kind: local.CrashBefore})
	status := submit(acme, mobyDick)
	dead := s.Output("DeadLetterQueue")
	s.Eventually(func() bool { return s.Waiting(dead) == 1 }, 24*time.Hour)
	if got := acme.Do("GET", status, nil).Want(http.StatusOK).Text("status"); got != "QUEUED" {
		t.Errorf("given up it is %s to its owner, want QUEUED", got)
	}
	s.Heal()
	s.Redrive(dead)
	reaches(s, acme, status, document.Fetched)
	newConverter(t, s).convert()
	reaches(s, acme, status, document.Stored)
	if s.Waiting(dead) != 0 {
		t.Error("the message is still there")
	}
}

// A company is told of its documents, and of nobody else's: by websocket and by webhook.
func TestTelling(t *testing.T) {
	var books library
	sites := books.sites()
	var delivered []string
	sites["hooks.acme.example"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e struct{ Data struct{ Status string } }
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		if r.Header.Get("Webhook-Signature") == "" {
			t.Error("a delivery is not signed")
		}
		delivered = append(delivered, e.Data.Status)
	})
	ends := 0
	sites["ends.acme.example"] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ends++ })
	s := run(t, sites)
	acme, other := of(s, "acme"), of(s, "other")
	acme.Do("POST", "/webhooks", localtest.M{"url": "https://hooks.acme.example/documents"}).Want(http.StatusCreated)
	acme.Do("POST", "/webhooks", localtest.M{"url": "https://ends.acme.example/documents", "statuses": []string{"STORED"}}).Want(http.StatusCreated)
	acme.Do("POST", "/webhooks", localtest.M{"url": "https://lost.acme.example/documents", "statuses": []string{"PAID"}}).Problem(http.StatusBadRequest)
	const everything = `subscription { onMyOrders { orderId status tenant } }`
	mine, others := acme.Subscribe(everything, nil), other.Subscribe(everything, nil)

	status := submit(acme, mobyDick)
	id := mine.Next(time.Minute).Text("onMyOrders.orderId")
	if !strings.Contains(status, id) {
		t.Errorf("told of %s, want that of %s", id, status)
	}
	if got := mine.Next(time.Minute); got.Text("onMyOrders.status") != "FETCHED" {
		t.Errorf("told %s, want FETCHED", got)
	}
	if got := acme.GraphQL(`query($id: ID!) { order(orderId: $id) { status } }`, localtest.M{"id": id}); got.Text("order.status") != "FETCHED" {
		t.Errorf("asked: %s", got)
	}
	newConverter(t, s).convert()
	for _, want := range []string{"CONVERTED", "STORED"} {
		if got := mine.Next(time.Minute); got.Text("onMyOrders.status") != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
	s.Idle(time.Minute)
	if n := others.Pending(); n != 0 {
		t.Errorf("somebody else is told of %d events", n)
	}
	if len(delivered) != 4 || ends != 1 {
		t.Errorf("webhooks: %v, and %d to the endpoint for the end", delivered, ends)
	}
}
