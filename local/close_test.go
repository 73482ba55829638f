package local_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// TestCloseEndsWebsockets: clients are told, what served them ends, and nothing happens in the
// stack any more.
func TestCloseEndsWebsockets(t *testing.T) {
	for name, o := range map[string]local.Options{"virtual time": {}, "real time": {RealTime: true}, "kept": {RealTime: true, Data: t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			o.Seed = 1
			s, err := localapp.New("dev", o)
			if err != nil {
				t.Fatal(err)
			}
			if o.RealTime {
				go func() { _ = s.Run(t.Context()) }() // until Close
			}
			url := strings.Replace(s.Outputs()["GraphQLUrl"], ".appsync-api.", ".appsync-realtime-api.", 1)
			token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
			if err != nil {
				t.Fatal(err)
			}
			header := fmt.Sprintf(`{"host":"h","Authorization":%q}`, token)
			options := &websocket.DialOptions{
				HTTPClient:   &http.Client{Transport: s.Transport()},
				Subprotocols: []string{"graphql-ws", "header-" + base64.RawURLEncoding.EncodeToString([]byte(header))},
			}
			var sockets []*websocket.Conn
			for range 3 {
				c, _, err := websocket.Dial(ctx, url, options)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init"}`)); err != nil {
					t.Fatal(err)
				}
				if _, frame, err := c.Read(ctx); err != nil || !strings.Contains(string(frame), "connection_ack") {
					t.Fatalf("%s %v", frame, err)
				}
				sockets = append(sockets, c)
			}
			s.Close()
			s.Close()
			for _, c := range sockets {
				for err == nil {
					_, _, err = c.Read(ctx) // what was under way
				}
				if websocket.CloseStatus(err) != websocket.StatusGoingAway {
					t.Errorf("not told that the stack goes away but: %v", err)
				}
				err = nil
			}
			if _, err := s.Call("sqs", "ListQueues", []byte("{}")); err == nil || !strings.Contains(err.Error(), "closed") {
				t.Errorf("a call of the closed stack: %v", err)
			}
			if c, _, err := websocket.Dial(ctx, url, options); err == nil {
				if _, _, err = c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
					t.Errorf("a client that comes afterwards: %v", err)
				}
			}
			for range 500 {
				if runtime.NumGoroutine() <= before {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		})
	}
}
