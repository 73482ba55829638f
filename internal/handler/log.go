package handler

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// newLogger writes one JSON object a line, with the member names that Lambda's
// own JSON log format has ("timestamp", "level", "message"), so that both can
// be searched alike. Lines carry the time of now.
//
// What may be logged: ids, SKUs, amounts, names of errors. Never a card token,
// a name or an address.
func newLogger(w io.Writer, now func() time.Time, level slog.Level) *slog.Logger {
	return slog.New(clocked{now: now, Handler: slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				a.Key = "timestamp"
			case slog.MessageKey:
				a.Key = "message"
			}
			return a
		},
	})})
}

// clocked puts another clock's time into the records.
type clocked struct {
	slog.Handler
	now func() time.Time
}

func (h clocked) Handle(ctx context.Context, r slog.Record) error {
	r.Time = h.now().UTC()
	return h.Handler.Handle(ctx, r)
}

func (h clocked) WithAttrs(attrs []slog.Attr) slog.Handler {
	return clocked{h.Handler.WithAttrs(attrs), h.now}
}

func (h clocked) WithGroup(name string) slog.Handler {
	return clocked{h.Handler.WithGroup(name), h.now}
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
