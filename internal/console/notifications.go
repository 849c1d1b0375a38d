package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// Alerts are those who tell people what is wrong. Its methods may be called from several goroutines.
type Alerts interface {
	// Test sends a message by every way that is set, and returns what went wrong.
	Test(ctx context.Context) error
	// Wrong says why the last message could not be carried; "" = nothing went wrong.
	Wrong() string
}

type notificationsPage struct {
	Notify  plan.Notify
	Days    int // between tests; 0 = never
	Notices []store.Notice
	Wrong   string
	Example string // of a configuration, as long as there is none
}

// notifyExample is what to begin with.
const notifyExample = `notify:
  email:
    server: smtp.example.com:587
    user: tandem@example.com
    password: ${SMTP_PASSWORD}
    from: tandem@example.com
    to: [you@example.com]
  webhook:
    url: ${NOTIFY_URL}
    secret: ${NOTIFY_SECRET}
`

func (c *console) notificationsPage(ctx context.Context) (notificationsPage, error) {
	data := notificationsPage{Notify: c.hub.Plan().Notify, Example: notifyExample}
	data.Days = int(data.Notify.Test / (24 * time.Hour))
	if c.alerts != nil {
		data.Wrong = c.alerts.Wrong()
	}
	var err error
	data.Notices, err = c.hub.Store().Notices(ctx)
	return data, err
}

func (c *console) showNotifications(w http.ResponseWriter, r *http.Request) error {
	data, err := c.notificationsPage(r.Context())
	if err != nil {
		return err
	}
	return c.view.page(w, r, "notifications", data)
}

func (c *console) testNotifications(w http.ResponseWriter, r *http.Request) error {
	err := c.tryAlerts(r.Context())
	p, unsent := errors.AsType[*problem](err)
	switch {
	case err == nil:
		return c.redirect(w, "/settings/notifications", "tested")
	case !unsent || p.status != http.StatusBadGateway:
		return err
	}
	data, err := c.notificationsPage(r.Context())
	if err != nil {
		return err
	}
	return c.view.again(w, r, p, "notifications", data)
}

// tryAlerts sends a message by every way that is set.
func (c *console) tryAlerts(ctx context.Context) error {
	noteIn(ctx, "", "")
	if c.alerts == nil || !c.hub.Plan().Notify.Set() {
		return errNotFound()
	}
	if err := c.alerts.Test(ctx); err != nil {
		c.log.Warn("a test of the notifications was not sent", "error", err)
		return &problem{status: http.StatusBadGateway, key: "error.notsent"}
	}
	return nil
}
