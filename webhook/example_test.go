package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// send makes one attempt to deliver a body, as orderflow does.
func send(url, secret, id, body string) int {
	at := time.Now()
	signature, err := webhook.Sign(secret, id, at, []byte(body))
	if err != nil {
		log.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set(webhook.HeaderID, id)
	req.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(webhook.HeaderSignature, signature)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// An endpoint that books what became of orders, once each.
func ExampleReceiver_Handler() {
	secret := webhook.NewSecret() // really: the one that POST /webhooks answered
	receiver, err := webhook.New(webhook.Options{Secrets: []string{secret}})
	if err != nil {
		log.Fatal(err)
	}
	endpoint := httptest.NewServer(receiver.Handler(func(_ context.Context, e event.Event) error {
		fmt.Println("booked", e.OrderID, e.Status)
		return nil
	}))
	defer endpoint.Close()

	body := `{"id":"k-MQ-YWNtZQ:3","type":"order.paid","orderId":"k-MQ-YWNtZQ","tenant":"acme","status":"PAID",
		"previousStatus":"RESERVED","sequence":3,"occurredAt":"2026-01-02T03:04:05.000Z","changes":{}}`
	fmt.Println(send(endpoint.URL, secret, "k-MQ-YWNtZQ:3", body))
	fmt.Println(send(endpoint.URL, secret, "k-MQ-YWNtZQ:3", body)) // the answer was lost: repeated
	fmt.Println(send(endpoint.URL, webhook.NewSecret(), "k-MQ-YWNtZQ:4", body))
	// Output:
	// booked k-MQ-YWNtZQ PAID
	// 204
	// 204
	// 401
}

// Webhooks of any other sender that follows Standard Webhooks, while its secret is rotated.
func ExampleReceiver_MessageHandler() {
	old, current := webhook.NewSecret(), webhook.NewSecret()
	receiver, err := webhook.New(webhook.Options{Secrets: []string{current, old}})
	if err != nil {
		log.Fatal(err)
	}
	endpoint := httptest.NewServer(receiver.MessageHandler(func(_ context.Context, m webhook.Message) error {
		fmt.Println(m.ID, string(m.Body))
		if m.ID == "msg_2" {
			return webhook.RetryAfter(errors.New("too busy"), time.Minute)
		}
		return nil
	}))
	defer endpoint.Close()

	fmt.Println(send(endpoint.URL, old, "msg_1", "hello"))
	fmt.Println(send(endpoint.URL, current, "msg_2", "world"))
	// Output:
	// msg_1 hello
	// 204
	// msg_2 world
	// 503
}

func ExampleSign() {
	signature, err := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	fmt.Println(signature, err)
	// Output: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= <nil>
}
