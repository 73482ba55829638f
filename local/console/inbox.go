package console

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// Inbox receives the webhooks of the page's tenants. It is made before the stack, whose Egress has to lead
// to it, and given to Options.Inbox:
//
//	inbox := console.NewInbox()
//	stack, err := local.New(template, local.Options{Egress: local.Hosts{"hooks.example": inbox}, …})
//	page := console.New(stack, console.Options{Inbox: inbox, OnSignIn: []console.Example{{Path: "/webhooks", Body: …}}})
//
// How it answers is a switch on the page.
type Inbox struct {
	mu     sync.Mutex
	status int
	slow   time.Duration
	got    int
}

// NewInbox returns an inbox that takes everything: it answers with 204.
func NewInbox() *Inbox { return &Inbox{status: http.StatusNoContent} }

type inboxState struct {
	Status  int `json:"status"`
	Got     int `json:"got"`
	Seconds int `json:"seconds"`
}

func (i *Inbox) state() *inboxState {
	i.mu.Lock()
	defer i.mu.Unlock()
	return &inboxState{i.status, i.got, int(i.slow / time.Second)}
}

func (i *Inbox) set(status int, slow time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.slow = status, slow
}

// ServeHTTP implements http.Handler.
func (i *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // what is in it is told by the stack's trace
	i.mu.Lock()
	i.got++
	status, slow := i.status, i.slow
	i.mu.Unlock()
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	w.WriteHeader(status)
}
