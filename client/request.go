package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// maxBody is the most that is read of an answer, in bytes: the most that API Gateway sends.
const maxBody = 10 << 20

// repeat says when a request may be made again.
type repeat int

const (
	always      repeat = iota // it does no harm
	ifThrottled               // if nothing has happened
)

// call is a request that may need several attempts.
type call struct {
	method string
	url    string
	header http.Header
	body   []byte
	repeat repeat
	accept []int // the statuses that are no problem
}

type response struct {
	status int
	header http.Header
	body   []byte
}

// do makes a call. Its error is a *Problem, the context's, or says why there was no answer.
func (c *Client) do(ctx context.Context, k call) (*response, error) {
	for n := 1; ; n++ {
		r, err := c.once(ctx, &k)
		if err == nil {
			return r, nil
		}
		var unreached *url.Error
		if errors.As(err, &unreached) {
			err = fmt.Errorf("client: %w", err) // it names the method, and the URL
		} else {
			err = fmt.Errorf("client: %s: %w", k.method, err)
		}
		if ctx.Err() != nil {
			return nil, attempts(err, n)
		}
		d, again := c.wait(err, n, k.repeat)
		if !again {
			return nil, attempts(err, n)
		}
		if e := c.options.Sleep(ctx, d); e != nil {
			return nil, attempts(errors.Join(e, err), n)
		}
	}
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, k *call) (*response, error) {
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return nil, err
	}
	if k.body == nil {
		req.Body, req.GetBody = nil, nil
	}
	for name, values := range k.header {
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", c.options.UserAgent)
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.options.Authorize(req); err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	resp, err := c.options.HTTPClient.Do(req)
	if err != nil {
		return nil, &transportError{err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, &transportError{fmt.Errorf("reading the answer: %w", err)}
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	r := &response{resp.StatusCode, resp.Header, body}
	if !slices.Contains(k.accept, r.status) {
		return nil, newProblem(r, c.options.Now())
	}
	return r, nil
}

// into reads an answer's JSON.
func (r *response) into(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("client: the answer is not of the form agreed on: %w", err)
	}
	return nil
}
