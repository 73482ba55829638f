package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/console"
)

type m = map[string]any

type sent struct {
	Pending   int
	Responses []struct {
		Status  int
		Header  http.Header
		Body    string
		OrderID string
		Error   string
	}
}

func sending(tenant string, times int, body string) string {
	b, err := json.Marshal(m{"tenant": tenant, "times": times, "request": m{"path": "/orders", "body": body}})
	if err != nil {
		panic(err) // It is made of strings.
	}
	return string(b)
}

// place sends an order as the page does, and returns its id.
func (a *app) place(body string) string {
	a.Helper()
	var got sent
	a.post("send", sending("acme", 1, body), &got)
	if len(got.Responses) != 1 || got.Responses[0].Status != http.StatusAccepted {
		a.Fatalf("%+v", got)
	}
	return got.Responses[0].OrderID
}

type seen struct {
	Order struct {
		ID, Tenant, Status, Reason, State, Outcome, Machine, Execution string
		Final                                                          bool
	}
	Entries []struct {
		Lane, Status, ID, HTTP string
		Sequence               int
		Time                   time.Time
	}
}

// ended waits for an order's end.
func (a *app) ended(id, status string) seen {
	a.Helper()
	var got seen
	a.until(id+" to be "+status, func() bool {
		a.get("orders/"+id, &got)
		return got.Order.Final && got.Order.Status == status
	})
	return got
}

// What a client would see of an order comes on each of the three channels, with the same ids.
func TestAnOrderIsSeenOnThreeChannels(t *testing.T) {
	a := start(t)
	id := a.place(anOrder)
	a.ended(id, "COMPLETED")
	lanes := map[string][]string{}
	a.until("all channels", func() bool {
		var got seen
		a.get("orders/"+id, &got)
		clear(lanes)
		for _, e := range got.Entries {
			if e.Sequence > 0 {
				lanes[e.Lane] = append(lanes[e.Lane], fmt.Sprint(e.Sequence, " ", e.Status))
				if want := fmt.Sprint(id, ":", e.Sequence); e.ID != want {
					t.Errorf("the id of %+v is not %s", e, want)
				}
			}
		}
		return len(lanes["webhook"]) == 4 && len(lanes["websocket"]) == 4 && slices.Contains(lanes["poll"], "4 COMPLETED")
	})
	slices.Sort(lanes["webhook"]) // no channel promises an order
	all := []string{"1 ACCEPTED", "2 RESERVED", "3 PAID", "4 COMPLETED"}
	if !slices.Equal(lanes["webhook"], all) || !slices.Equal(lanes["websocket"], all) {
		t.Errorf("%v", lanes)
	}
	var trail struct{ Events []local.Event }
	a.get("trace?limit=1000&about="+id, &trail)
	kinds := map[local.EventKind]bool{}
	for _, e := range trail.Events {
		kinds[e.Kind] = true
	}
	for _, want := range []local.EventKind{local.EventRequest, local.EventCall, local.EventState, local.EventFrame, local.EventHTTP} {
		if !kinds[want] {
			t.Errorf("the order's trail has no %s", want)
		}
	}
}

// While time stands still everything can be looked at, and what has to wait is answered later.
func TestWhileTimeStandsStill(t *testing.T) {
	a := start(t)
	a.ended(a.place(anOrder), "COMPLETED")
	var now struct{ Paused, Happened bool }
	if a.post("time", `{"do":"pause"}`, &now); !now.Paused {
		t.Fatalf("%+v", now)
	}
	var pending sent
	if a.post("send", sending("acme", 1, anOrder), &pending); pending.Pending == 0 {
		t.Fatalf("a request was answered while time stands still: %+v", pending)
	}
	machine := ""
	for _, path := range []string{"info", "orders", "architecture", "queues", "machines", "tables", "logs", "faults", "permissions", "trace"} {
		var got m
		a.get(path, &got)
		if path == "machines" {
			machine = got["machines"].([]any)[0].(m)["id"].(string)
		}
	}
	var executions struct {
		Executions []struct{ Name, Status string }
	}
	if a.get("executions?machine="+machine, &executions); len(executions.Executions) != 1 || executions.Executions[0].Status != "SUCCEEDED" {
		t.Errorf("%+v", executions)
	}
	var one struct {
		Execution struct{ Status string }
		Events    []struct{ Type string }
	}
	if a.get("execution?machine="+machine+"&name="+executions.Executions[0].Name, &one); one.Execution.Status != "SUCCEEDED" || len(one.Events) < 10 {
		t.Errorf("%+v", one)
	}
	a.events("", func(name string, data json.RawMessage) bool {
		if name == "hello" {
			if a.post("time", `{"do":"step"}`, &now); !now.Happened || !now.Paused {
				t.Errorf("there was no step to make: %+v", now)
			}
			a.post("time", `{"do":"resume"}`, &now)
		}
		var job struct {
			Job    int
			Result sent
		}
		if name != "job" {
			return false
		}
		if err := json.Unmarshal(data, &job); err != nil || job.Job != pending.Pending || job.Result.Responses[0].Status != http.StatusAccepted {
			t.Errorf("%v: %s", err, data)
		}
		return true
	})
}

// An order whose intake crashes comes to the dead letters, is looked at, and completes when it is moved back.
func TestRedrive(t *testing.T) {
	a := start(t)
	var set struct{ Faults []local.Fault }
	a.post("faults", `{"faults":[{"name":"x","target":"intake","kind":"crash-before"}]}`, &set)
	id := a.place(anOrder)
	dead := ""
	var queues struct {
		Queues []struct {
			ID, Label string
			Sources   []string
			Redrive   bool
			Visible   int
		}
	}
	a.until("the dead letter", func() bool {
		a.post("time", `{"do":"advance","by":"4m"}`, &m{})
		a.get("queues", &queues)
		for _, q := range queues.Queues {
			if q.Label == "ApiDeadLetterQueue" && q.Visible == 1 && q.Redrive {
				dead = q.ID
			}
		}
		return dead != ""
	})
	var queue struct {
		Messages []local.Message
		Tasks    []struct{ Status string }
	}
	a.get("queues/"+dead, &queue)
	if len(queue.Messages) != 1 || queue.Messages[0].Body != anOrder || queue.Messages[0].State != "visible" || !strings.HasPrefix(queue.Messages[0].DeadLetterSource, "ApiQueue") {
		t.Fatalf("%+v", queue)
	}
	a.get("faults", &set)
	if len(set.Faults) != 1 || set.Faults[0].Happened < 5 {
		t.Errorf("%+v", set)
	}
	a.post("faults", `{"faults":[]}`, &set)
	a.post("queues/"+dead+"/redrive", `{}`, &m{})
	a.ended(id, "COMPLETED")
	if a.get("queues/"+dead, &queue); len(queue.Messages) != 0 || len(queue.Tasks) != 1 || queue.Tasks[0].Status != "COMPLETED" {
		t.Errorf("%+v", queue)
	}
}

func TestPurge(t *testing.T) {
	a := start(t)
	for _, r := range a.stack.Resources() {
		if r.Label != "ApiDeadLetterQueue" {
			continue
		}
		if _, err := a.stack.Call("sqs", "SendMessage", fmt.Appendf(nil, `{"QueueUrl":%q,"MessageBody":"x"}`, r.URL)); err != nil {
			t.Fatal(err)
		}
		a.post("queues/"+r.LogicalID+"/purge", `{}`, &m{})
		a.until("the queue to be empty", func() bool { return a.stack.Glance().Queues[r.LogicalID].Visible == 0 })
	}
}

func TestTables(t *testing.T) {
	a := start(t)
	id := a.place(anOrder)
	a.ended(id, "COMPLETED")
	var tables struct{ Tables []struct{ ID, Label string } }
	a.get("tables", &tables)
	if len(tables.Tables) != 3 {
		t.Fatalf("%+v", tables)
	}
	for _, table := range tables.Tables {
		if table.Label != "WorkflowTable" {
			continue
		}
		type page struct {
			Items []map[string]map[string]any
			Keys  map[string]string
		}
		for query, want := range map[string]int{"": 2, "?has=" + id: 2, "?has=nothing": 0, "?key=YWNtZQ%23" + id: 2, "?key=YWNtZQ%23" + id + "&prefix=STAT": 1, "?key=other": 0} {
			var got page
			if a.get("tables/"+table.ID+query, &got); len(got.Items) != want || got.Keys["HASH"] != "pk" {
				t.Errorf("%q: %+v, want %d", query, got, want)
			}
		}
	}
}

// What a policy lacks is named, with the statement that would allow it.
func TestPermissions(t *testing.T) {
	template, err := snapshot.Template("dev")
	if err != nil {
		t.Fatal(err)
	}
	var doc m
	if err := json.Unmarshal(template, &doc); err != nil {
		t.Fatal(err)
	}
	resources := doc["Resources"].(m)
	for id, r := range resources {
		if strings.HasPrefix(id, "ShipRoleDefaultPolicy") {
			document := r.(m)["Properties"].(m)["PolicyDocument"].(m)
			document["Statement"] = slices.DeleteFunc(document["Statement"].([]any), func(s any) bool {
				return strings.Contains(fmt.Sprint(s), "dynamodb:")
			})
		}
	}
	if template, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	a := startTemplate(t, template)
	a.place(anOrder)
	var report local.PermissionReport
	a.until("the denial", func() bool {
		a.get("permissions", &report)
		return len(report.Denied) > 0
	})
	if d := report.Denied[0]; !strings.HasPrefix(d.Who, "ShipRole") || d.Action != "dynamodb:UpdateItem" || !strings.HasPrefix(d.On, "Inventory") || d.Missing == "" {
		t.Errorf("%+v", d)
	}
	if len(report.Unused) == 0 || report.Used == 0 || report.Granted <= report.Used {
		t.Errorf("%d used, %d granted, %d never used", report.Used, report.Granted, len(report.Unused))
	}
}

// Mistakes are told where they are made, with a status of their own.
func TestMistakes(t *testing.T) {
	a := start(t)
	for _, c := range []struct {
		path, body, want string
		status           int
	}{
		{"time", `{"do":"fly"}`, "none of pause", 400},
		{"time", `{"do":"advance","by":"-3s"}`, "duration", 400},
		{"time", `{"do":"advance","by":"9000h"}`, "at most", 400},
		{"time", `{"when":1}`, "unknown field", 400},
		{"faults", `{"faults":[{"target":"nobody","kind":"throttle"}]}`, "nobody", 400},
		{"send", `{"tenant":"acme","request":{"path":"orders"}}`, "begin with /", 400},
		{"send", `{"tenant":"acme","times":100000,"request":{"path":"/orders"}}`, "at most", 400},
		{"signin", `{}`, "tenant is missing", 400},
		{"inbox", `{"status":99}`, "200 to 599", 400},
		{"queues/Nowhere/purge", `{}`, "no such thing", 404},
		{"queues/Nowhere/redrive", `{}`, "no such thing", 404},
		{"nothing", `{}`, "no such thing", 404},
		{"executions/stop", `{"arn":"arn:aws:states:eu-central-1:123456789012:execution:x:y"}`, "xecution", 502},
	} {
		res := a.try(c.path, c.body, map[string]string{"X-Console": "1"})
		var problem struct{ Error string }
		err := json.NewDecoder(res.Body).Decode(&problem)
		res.Body.Close()
		if res.StatusCode != c.status || err != nil || !strings.Contains(problem.Error, c.want) {
			t.Errorf("%s %s: %d %q, want %d and %q", c.path, c.body, res.StatusCode, problem.Error, c.status, c.want)
		}
	}
}

func TestTheInboxAnswersAsItIsTold(t *testing.T) {
	a := start(t)
	a.post("inbox", `{"status":503,"seconds":0}`, &m{})
	id := a.place(anOrder)
	a.until("a delivery that failed", func() bool {
		var got seen
		a.get("orders/"+id, &got)
		for _, e := range got.Entries {
			if e.Lane == "webhook" && e.HTTP == "503" {
				return true
			}
		}
		return false
	})
}

// The page needs nothing but a stack.
func TestThePageOfAnyStack(t *testing.T) {
	template := `{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{}}}}`
	stack, err := local.New([]byte(template), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	page := console.New(stack, console.Options{Path: "/x/"})
	defer page.Close()
	for _, path := range []string{"/x/", "/x/queues/Q", "/x/static/app.js", "/x/api/info", "/x/api/architecture", "/x/api/queues", "/x/api/machines", "/x/api/tables", "/x/api/resources/Q"} {
		if code, body := request(page, path); code != http.StatusOK || body == "" {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if _, body := request(page, "/x/"); !strings.Contains(body, `data-base="/x"`) {
		t.Errorf("the page does not know where it is: %s", body)
	}
}

// The page asks for lines of the log that are new.
func TestLogsAfterAPlace(t *testing.T) {
	a := start(t)
	a.ended(a.place(anOrder), "COMPLETED")
	type lines struct {
		Events []struct {
			Seq          uint64
			From, Detail string
		}
	}
	var all, rest lines
	a.until("the log", func() bool { a.get("logs", &all); return len(all.Events) > 5 })
	if err := a.stack.Pause(); err != nil {
		t.Fatal(err)
	}
	a.get("logs", &all)
	middle := all.Events[2].Seq
	a.get(fmt.Sprintf("logs?after=%d", middle), &rest)
	if len(rest.Events) != len(all.Events)-3 || rest.Events[0].Seq <= middle {
		t.Errorf("%d of %d lines after the third", len(rest.Events), len(all.Events))
	}
	var none lines
	a.get(fmt.Sprintf("logs?after=%d", all.Events[len(all.Events)-1].Seq), &none)
	if none.Events == nil || len(none.Events) != 0 {
		t.Errorf("after the last line: %+v", none)
	}
}

// What a role or a service does is told as what its resource does.
func TestActors(t *testing.T) {
	a := start(t)
	var info struct {
		Stands, Labels map[string]string
	}
	a.get("info", &info)
	for who, want := range map[string]string{"ChargeRole": "charge", "WorkflowRole": "WorkflowStateMachine", "appsync": "StatusGraphQL", "gateway": "Api"} {
		found := ""
		for id, as := range info.Stands {
			if id == who || strings.HasPrefix(id, who) && len(id) == len(who)+8 {
				found = info.Labels[as]
			}
		}
		if found != want {
			t.Errorf("%s stands for %q, want %q", who, found, want)
		}
	}
}
