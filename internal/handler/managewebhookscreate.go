package handler

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/egress"
	signing "github.com/orderflow-cdk/orderflow/webhook"
)

// webhook is an endpoint as the API shows it.
type webhook struct {
	ID             string          `json:"id"`
	URL            string          `json:"url"`
	Description    string          `json:"description,omitempty"`
	Statuses       []string        `json:"statuses"` // none: all
	Enabled        bool            `json:"enabled"`
	DisabledReason string          `json:"disabledReason,omitempty"`
	CreatedAt      string          `json:"createdAt"`
	FailingSince   string          `json:"failingSince,omitempty"`
	LastFailure    *webhookFailure `json:"lastFailure,omitempty"`
	// Secret is shown to whom it was made for, and never again.
	Secret string `json:"secret,omitempty"`
}

type webhookFailure struct {
	At     string `json:"at"`
	Status int    `json:"status,omitempty"` // absent if there was no answer
	Error  string `json:"error,omitempty"`
}

func shown(e dynamo.Endpoint) webhook {
	w := webhook{
		ID: e.ID, URL: e.URL, Description: e.Description, Statuses: e.Statuses, Enabled: e.Enabled,
		DisabledReason: e.DisabledReason, CreatedAt: dynamo.Timestamp(e.CreatedAt),
	}
	if w.Statuses == nil {
		w.Statuses = []string{}
	}
	if !e.FailingSince.IsZero() {
		w.FailingSince = dynamo.Timestamp(e.FailingSince)
	}
	if f := e.LastFailure; !f.At.IsZero() {
		w.LastFailure = &webhookFailure{dynamo.Timestamp(f.At), f.Status, f.Error}
	}
	return w
}

// newSecret is random, so that nothing may depend on it but signatures.
func newSecret() string { return signing.NewSecret() }

// create registers an endpoint. The id is a function of the tenant and the URL, so that a
// URL gets each event once: when an answer was lost, and the request is repeated, the
// answer is 409 with the id, and rotating gets a secret that is known.
func (h *manageWebhooks) create(ctx context.Context, r *webhookRequest) (answer, error) {
	wanted, err := readWebhook(r.Body, h.statuses)
	if err != nil {
		return answer{}, err
	}
	e := dynamo.Endpoint{
		Tenant: r.Tenant, ID: endpointID(r.Tenant, wanted.parsed), URL: wanted.URL, Description: wanted.Description,
		Statuses: wanted.Statuses, Enabled: true, CreatedAt: h.env.Now(), Secret: newSecret(),
	}
	r.ID = e.ID // for the log
	err = h.endpoints.Create(ctx, e)
	var tooMany *dynamo.TooManyEndpoints
	switch {
	case alreadyThere(err): // first: whoever made the last one that is possible and did not hear of it needs the id
		return answer{}, refuse(http.StatusConflict, "webhook-exists",
			"The webhook %s has this URL already. If its secret is not known, rotate it; to change it, delete it first.", e.ID)
	case errors.As(err, &tooMany):
		return answer{}, refuse(http.StatusConflict, "too-many-webhooks",
			"There are %d webhooks already, which is the most that is possible.", dynamo.MaxEndpoints)
	case err != nil:
		return answer{}, err
	}
	w := shown(e)
	w.Secret = e.Secret
	return answer{http.StatusCreated, w}, nil
}

// alreadyThere reports whether a transaction of Endpoints.Create was refused because of
// the endpoint's own item, which is its second.
func alreadyThere(err error) bool {
	var cancelled *types.TransactionCanceledException
	return errors.As(err, &cancelled) && len(cancelled.CancellationReasons) == 2 &&
		aws.ToString(cancelled.CancellationReasons[1].Code) == "ConditionalCheckFailed"
}

// endpointID is the id of the endpoint with a URL. Forms of a URL that reach the same
// place have the same one: the host's case, the root's dot behind it, the default port and an empty path make no difference.
func endpointID(tenant string, u *url.URL) string {
	same := *u
	same.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":443")
	same.Host = strings.TrimSuffix(strings.Replace(same.Host, ".:", ":", 1), ".")
	if same.Path == "" {
		same.Path = "/"
	}
	sum := sha256.Sum256([]byte(tenant + "\x00" + same.String()))
	return dynamo.EndpointPrefix + hex.EncodeToString(sum[:16])
}

// newWebhook is the body that registers an endpoint.
type newWebhook struct {
	URL         string   `json:"url"`
	Description string   `json:"description"`
	Statuses    []string `json:"statuses"`

	parsed *url.URL
}

// maxDescription is in characters.
const maxDescription = 256

// statusName is what a status can be called (statusnotifier.Props).
var statusName = regexp.MustCompile(`^[A-Z][A-Z_]*$`)

// readWebhook judges the body of a new endpoint, which can choose among statuses; nil stands for any. The error is
// a *refusal.
func readWebhook(body []byte, statuses []string) (newWebhook, error) {
	var w newWebhook
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, refuse(http.StatusBadRequest, "invalid-webhook", "The body is no webhook: %s.", explained(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return w, refuse(http.StatusBadRequest, "invalid-webhook", "The body is no webhook: something follows it.")
	}
	var err error
	if w.parsed, err = url.Parse(w.URL); err != nil || w.URL == "" {
		return w, refuse(http.StatusBadRequest, "invalid-url", "url is no URL.")
	}
	if err := egress.CheckURL(w.parsed); err != nil {
		why := err.Error()
		var refused *egress.RefusedError
		if errors.As(err, &refused) {
			why = refused.Why
		}
		return w, refuse(http.StatusBadRequest, "invalid-url", "url is refused: %s.", why)
	}
	if n := utf8.RuneCountInString(w.Description); n > maxDescription {
		return w, refuse(http.StatusBadRequest, "invalid-description", "description has %d characters, at most %d are possible.", n, maxDescription)
	}
	for i, s := range w.Statuses {
		switch {
		case statuses != nil && !slices.Contains(statuses, s):
			return w, refuse(http.StatusBadRequest, "invalid-status",
				"statuses/%d: %q is none that an order gets; these are: %s.", i, shortened(s), strings.Join(statuses, ", "))
		case !statusName.MatchString(s):
			return w, refuse(http.StatusBadRequest, "invalid-status",
				"statuses/%d: %q is no status: they are upper-case letters and underscores.", i, shortened(s))
		}
	}
	slices.Sort(w.Statuses)
	w.Statuses = slices.Compact(w.Statuses)
	return w, nil
}

// explained says what is wrong with a body, without Go's names.
func explained(err error) string {
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.As(err, &mistyped) && mistyped.Field != "":
		return mistyped.Field + " cannot be of type " + mistyped.Value
	case errors.As(err, &mistyped):
		return "it is of type " + mistyped.Value
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
