package local_test

import (
	"fmt"
	"log"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// A template with a queue, a function that counts its messages, and a table.
func Example() {
	stack, err := local.New([]byte(counter), local.Options{
		Functions: map[string]local.NewFunction{"count": count},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()

	message := fmt.Sprintf(`{"QueueUrl": %q, "MessageBody": "hello"}`, stack.Outputs()["Jobs"])
	if _, err := stack.Call("sqs", "SendMessage", []byte(message)); err != nil {
		log.Fatal(err)
	}
	fmt.Println("idle:", stack.RunUntilIdle(time.Hour))

	key := fmt.Sprintf(`{"TableName": %q, "Key": {"pk": {"S": "n"}}}`, stack.Outputs()["Table"])
	item, err := stack.Call("dynamodb", "GetItem", []byte(key))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(item))
	// Output:
	// idle: true
	// {"Item":{"n":{"N":"1"},"pk":{"S":"n"}}}
}
