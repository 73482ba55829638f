package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// caller is a function that asks three hosts at once, with a second for each.
func caller(got chan<- string) local.NewFunction {
	return func(r local.Runtime) (local.Handler, error) {
		return handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
			answers := make([]string, 3)
			before := r.Now()
			r.Parallel(ctx, 3, func(ctx context.Context, i int) {
				ctx, cancel := r.WithTimeout(ctx, time.Second)
				defer cancel()
				host := []string{"quick.example", "silent.example", "nowhere.example"}[i]
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/x?y=1", strings.NewReader("hello"))
				if err != nil {
					answers[i] = err.Error()
					return
				}
				res, err := r.HTTP.Do(req)
				switch {
				case errors.Is(err, context.DeadlineExceeded):
					answers[i] = "timeout"
				case err != nil:
					answers[i] = "error"
				default:
					body, _ := io.ReadAll(res.Body)
					answers[i] = fmt.Sprintf("%d %s %s", res.StatusCode, res.Header.Get("Location"), body)
				}
			})
			got <- strings.Join(answers, "; ") + "; " + r.Now().Sub(before).Round(100*time.Millisecond).String()
			return nil, nil
		}), nil
	}
}

type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

var hosts = local.Hosts{
	"quick.example": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(http.StatusFound)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, body)
	}),
	"silent.example": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = local.Sleep(r.Context(), time.Hour)
	}),
}

const oneFunction = `{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Handler":"caller","Runtime":"provided.al2023",
	"Timeout":30,"Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":""}}}}}`

func TestHostsAnswerInTheStacksTime(t *testing.T) {
	got := make(chan string, 1)
	s, err := local.New([]byte(oneFunction), local.Options{Functions: map[string]local.NewFunction{"caller": caller(got)}, Egress: hosts})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	began := time.Now()
	if _, err := s.Call("lambda", "Invoke", []byte(`{"FunctionName":"local-F"}`)); err != nil {
		t.Fatal(err)
	}
	const want = "302 https://elsewhere.example/ POST /x?y=1 hello; timeout; error; 1s"
	if answers := <-got; answers != want {
		t.Errorf("got  %s\nwant %s", answers, want)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("a virtual hour took %s", took)
	}
}

func TestRequestsInRealTimeLeaveTheStackRunning(t *testing.T) {
	got := make(chan string, 1)
	s, err := local.New([]byte(oneFunction), local.Options{
		Functions: map[string]local.NewFunction{"caller": caller(got)}, Egress: hosts, RealTime: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = s.Run(ctx) // it ends with the context
	}()
	if _, err := s.Call("lambda", "Invoke", []byte(`{"FunctionName":"local-F"}`)); err != nil {
		t.Error(err)
	}
	answers := <-got
	if want := "302 https://elsewhere.example/ POST /x?y=1 hello; timeout; error; "; !strings.HasPrefix(answers, want) {
		t.Errorf("got %s, want %s…", answers, want)
	}
	stop()
	<-ran
}

// Who answers a request of the stack and calls it would wait for ever in virtual time.
func TestAHostThatCallsTheStackIsTold(t *testing.T) {
	for _, realTime := range []bool{false, true} {
		t.Run(fmt.Sprintf("real time %v", realTime), func(t *testing.T) {
			var stack *local.Stack
			asked := make(chan error, 1)
			stack, err := local.New([]byte(oneFunction), local.Options{
				RealTime: realTime,
				Functions: map[string]local.NewFunction{"caller": func(r local.Runtime) (local.Handler, error) {
					return handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
						req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://nosy.example/", nil)
						if err != nil {
							return nil, err
						}
						res, err := r.HTTP.Do(req)
						if err != nil {
							return nil, err
						}
						return nil, res.Body.Close()
					}), nil
				}},
				Egress: local.Hosts{"nosy.example": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://sns.eu-central-1.amazonaws.com/", nil)
					if err == nil {
						var res *http.Response
						if res, err = stack.Transport().RoundTrip(req); err == nil {
							err = res.Body.Close()
						}
					}
					asked <- err
				})},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer stack.Close()
			if realTime {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				go func() { _ = stack.Run(ctx) }()
			}
			if _, err := stack.Call("lambda", "Invoke", []byte(`{"FunctionName":"local-F"}`)); err != nil {
				t.Fatal(err)
			}
			if err := <-asked; (err == nil) != realTime || err != nil && !strings.Contains(err.Error(), "Options.RealTime") {
				t.Errorf("the host was told %v", err)
			}
		})
	}
}
