package local_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// A websocket by Transport outlives the context with which it was dialled, as one over the network does.
func TestTransportKeepsAWebsocket(t *testing.T) {
	s, err := localapp.New("dev", local.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(s.Outputs()["ApiUrl"], client.Options{
		HTTPClient: &http.Client{Transport: s.Transport()}, Authorize: client.IDToken(client.Static(token)), GraphQLURL: s.Outputs()["GraphQLUrl"],
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	sub, err := c.Subscribe(ctx, client.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	accepted, err := c.Submit(ctx, orderBody(1), client.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.RunUntilIdle(time.Hour)
	if e, err := sub.Next(ctx); err != nil || e.OrderID != accepted.OrderID || e.Sequence != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}
