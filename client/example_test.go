package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
)

// shop stands for a deployed API on which an order goes through.
func shop() *httptest.Server {
	looks := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const id = "k-Y2FydC03-YWNtZQ"
		history := `{"sequence":1,"status":"ACCEPTED","at":"2026-01-02T03:04:05.000Z"}`
		status, sequence := "ACCEPTED", 1
		if looks++; looks > 2 {
			history += `,{"sequence":2,"status":"COMPLETED","at":"2026-01-02T03:04:06.000Z"}`
			status, sequence = "COMPLETED", 2
		} else {
			w.Header().Set("Retry-After", "0")
		}
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, `{"orderId":%q,"status":"QUEUED","links":{}}`, id)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"status":409,"code":"finished","detail":"The order is finished.","orderStatus":"COMPLETED"}`)
		default:
			fmt.Fprintf(w, `{"orderId":%q,"status":%q,"sequence":%d,"history":[%s]}`, id, status, sequence, history)
		}
	}))
}

// An order is submitted, followed to its end, and then cannot be cancelled any more.
func Example() {
	api := shop()
	defer api.Close()
	ctx := context.Background()
	c, err := client.New(api.URL, client.Options{Authorize: client.IDToken(client.Static("a token of the user pool"))})
	if err != nil {
		log.Fatal(err)
	}
	order := map[string]any{"currency": "EUR", "items": []any{map[string]any{"sku": "KB-1001", "quantity": 1, "unitPrice": 4990}}}
	accepted, err := c.Submit(ctx, order, client.SubmitOptions{IdempotencyKey: "cart-7"})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range c.Watch(ctx, accepted.OrderID, client.WatchOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Sequence, e.Status)
	}
	_, err = c.Cancel(ctx, accepted.OrderID)
	var p *client.Problem
	if errors.Is(err, client.ErrFinished) && errors.As(err, &p) {
		fmt.Println("too late:", p.OrderStatus)
	}
	// Output:
	// 1 ACCEPTED
	// 2 COMPLETED
	// too late: COMPLETED
}

func ExampleSequencer() {
	var s client.Sequencer
	for _, sequence := range []int64{1, 3, 3, 2} { // as webhooks may come
		for _, e := range s.Add(event.Event{Sequence: sequence}) {
			fmt.Println("told", e.Sequence)
		}
		if from, to, ok := s.Gap(); ok {
			fmt.Println("missing", from, "to", to)
		}
	}
	// Output:
	// told 1
	// missing 2 to 2
	// missing 2 to 2
	// told 2
	// told 3
}
