package console

import (
	"context"
	"time"
)

// A notificationsBody is who is told what, and what was told.
type notificationsBody struct {
	Email   *emailBody   `json:"email,omitempty"`
	Webhook bool         `json:"webhook,omitempty" doc:"a program is told; its address is a secret"`
	On      []string     `json:"on" doc:"what is told"`
	Queue   int          `json:"queue,omitempty" doc:"more operations than that, and ever more, are a growing queue"`
	Days    int          `json:"test_days,omitempty" doc:"how often each way is tried out; absent: never"`
	Wrong   string       `json:"wrong,omitempty" doc:"why the last message could not be carried"`
	Notices []noticeBody `json:"notices" doc:"what was told last, and whether it still holds"`
}

// An emailBody is a mail server, and who gets mail by it.
type emailBody struct {
	Server string   `json:"server"`
	From   string   `json:"from"`
	To     []string `json:"to"`
}

// A noticeBody is something that somebody was told.
type noticeBody struct {
	Way      string     `json:"way"`
	Kind     string     `json:"kind"`
	Of       string     `json:"of,omitempty" doc:"the sync or the connection"`
	What     string     `json:"what"`
	Since    time.Time  `json:"since"`
	At       time.Time  `json:"at"`
	Resolved *time.Time `json:"resolved,omitempty" doc:"absent: it holds"`
}

func (c *console) apiNotifications(ctx context.Context, _ *nothing) (notificationsBody, error) {
	data, err := c.notificationsPage(ctx)
	n := data.Notify
	out := notificationsBody{Webhook: n.Webhook != nil, On: append([]string{}, n.On...), Queue: n.Queue, Days: data.Days, Wrong: data.Wrong, Notices: []noticeBody{}}
	if n.Email != nil {
		out.Email = &emailBody{Server: n.Email.Server, From: n.Email.From, To: append([]string{}, n.Email.To...)}
	}
	for _, x := range data.Notices {
		out.Notices = append(out.Notices, noticeBody{Way: x.Way, Kind: x.Kind, Of: x.Of, What: x.What, Since: x.Since, At: x.At, Resolved: moment(x.Resolved)})
	}
	return out, err
}

func (c *console) apiTryAlerts(ctx context.Context, _ *nothing) (doneBody, error) {
	err := c.tryAlerts(ctx)
	return doneBody{Done: err == nil}, err
}
