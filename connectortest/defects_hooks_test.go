package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func alterDelivery(alter func(*connector.Delivery)) func(*mutant, time.Time, *http.Request, []byte) (connector.Delivery, error) {
	return func(m *mutant, now time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
		d, err := m.good.Receiver.Receive(now, r, body)
		if err == nil {
			alter(&d)
		}
		return d, err
	}
}

func hookDefects() []defect {
	const door = "door"
	return []defect{
		{
			name: "forgets a record", scenario: "a delivery names what has changed", part: door, says: "do not name",
			receive: alterDelivery(func(d *connector.Delivery) { d.Hints = nil }),
		},
		{
			name: "names another record", scenario: "a delivery names what has changed", part: door, says: "nothing has happened",
			receive: alterDelivery(func(d *connector.Delivery) { d.Hints = append(d.Hints, record.Ref{Object: "cards", ID: "77"}) }),
		},
		{
			name: "refuses what is genuine", scenario: "a delivery names what has changed", part: door, says: "a genuine delivery is refused",
			receive: func(*mutant, time.Time, *http.Request, []byte) (connector.Delivery, error) {
				return connector.Delivery{}, &connector.Error{Kind: connector.Unauthorized, Err: errors.New("no")}
			},
		},
		{
			name: "believes everybody", scenario: "a wrong signature is unauthorized", part: door, says: "with a wrong signature",
			receive: func(*mutant, time.Time, *http.Request, []byte) (connector.Delivery, error) {
				return connector.Delivery{}, nil
			},
		},
		{
			name: "does not look at the body", scenario: "a wrong signature is unauthorized", part: door, says: "altered on its way",
			receive: func(m *mutant, now time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
				if n := len(body); n > 0 && body[n-1] == ' ' {
					body = body[:n-1]
				}
				return m.good.Receiver.Receive(now, r, body)
			},
		},
		{
			name: "takes garbage for a failure", scenario: "garbage is refused", part: door, says: "garbage is invalid",
			receive: func(m *mutant, now time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
				d, err := m.good.Receiver.Receive(now, r, body)
				if err != nil {
					err = &connector.Error{Kind: connector.Unavailable, Err: err}
				}
				return d, err
			},
		},
		{
			name: "subscribes each time", scenario: "subscribing twice leaves one", part: door, says: "told of 3 times",
			subscribe: func(m *mutant, _ context.Context, hook string, objects []string) (time.Time, error) {
				body, err := json.Marshal(map[string]any{"url": hook, "tables": objects})
				if err != nil {
					return time.Time{}, err
				}
				res, err := m.env.HTTP.Post(m.env.BaseURL+"/hooks", "application/json", bytes.NewReader(body))
				if err != nil {
					return time.Time{}, err
				}
				return time.Time{}, res.Body.Close()
			},
		},
		{
			name: "says that it is over", scenario: "subscribing twice leaves one", part: door, says: "no time from now",
			subscribe: func(m *mutant, ctx context.Context, hook string, objects []string) (time.Time, error) {
				_, err := m.good.Subscriber.Subscribe(ctx, hook, objects)
				return time.Now().Add(-time.Hour), err
			},
		},
		{
			name: "removes everything", scenario: "unsubscribing removes only ours", part: door, says: "somebody else is gone",
			forget: func(m *mutant, ctx context.Context, hook string) error {
				return errors.Join(m.good.Subscriber.Unsubscribe(ctx, hook), m.good.Subscriber.Unsubscribe(ctx, "https://other.example.com/hooks/test/9w"))
			},
		},
		{
			name: "removes nothing", scenario: "unsubscribing removes only ours", part: door, says: "still calls",
			forget: func(*mutant, context.Context, string) error { return nil },
		},
	}
}
