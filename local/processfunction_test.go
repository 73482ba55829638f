package local_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// The test binary is also the function of the tests of processes, when this variable is set.
const testFunction = "ORDERFLOW_TEST_FUNCTION"

func init() {
	if name := os.Getenv(testFunction); name != "" {
		if name == "broken" {
			fmt.Println("it cannot start")
			os.Exit(1)
		}
		lambda.Start(testHandler(name))
	}
}

type testEvent struct {
	Do  string `json:"do"`
	N   int    `json:"n"`
	URL string `json:"url"`
}

type outOfStock struct{ error }

// testHandler behaves as events say. name is that of the code.
func testHandler(name string) func(context.Context, testEvent) (any, error) {
	calls := 0
	return func(ctx context.Context, e testEvent) (any, error) {
		calls++
		switch e.Do {
		case "name":
			return name, nil
		case "count":
			return calls, nil
		case "pid":
			return os.Getpid(), nil
		case "environment":
			return os.Environ(), nil
		case "fail":
			return nil, outOfStock{fmt.Errorf("no more KB-1")}
		case "panic":
			panic("no such thing")
		case "exit":
			os.Exit(e.N)
		case "sleep":
			time.Sleep(time.Duration(e.N) * time.Millisecond)
		case "fill":
			b := make([]byte, e.N<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			return len(b), nil
		case "log":
			fmt.Println("a line of the function")
		case "deadline":
			d, _ := ctx.Deadline()
			return time.Until(d).Seconds(), nil
		case "fetch":
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader("body"))
			if err != nil {
				return nil, err
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return err.Error(), nil
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			return fmt.Sprint(res.StatusCode, " ", string(b)), err
		}
		return "done", nil
	}
}
