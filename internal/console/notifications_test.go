package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type fakeAlerts struct {
	tests int
	err   error
}

func (a *fakeAlerts) Test(context.Context) error { a.tests++; return a.err }
func (a *fakeAlerts) Wrong() string {
	if a.err == nil {
		return ""
	}
	return a.err.Error()
}

func TestTheNotificationsPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.signed(account.Admin)
	b.want(w.get("/settings/notifications"), http.StatusOK, "Nobody is told anything.", "smtp.example.com:587", "Nobody was told anything yet.")
	b.want(w.post("/settings/notifications/test"), http.StatusNotFound)
	b.want(b.signed(account.Operator).get("/settings/notifications"), http.StatusForbidden)

	alerts := &fakeAlerts{}
	b.c.alerts = alerts
	b.hub.plan.Notify = plan.Notify{
		Email:   &plan.Email{Server: "smtp.acme.gr:587", User: "tandem", From: "tandem@acme.gr", To: []string{"ann@acme.gr", "bob@acme.gr"}, Secrets: plan.Secrets{plan.NotifyPassword: "hush-hush-hush"}},
		Webhook: &plan.Webhook{Secrets: plan.Secrets{plan.NotifyURL: "https://hooks.acme.gr/very/secret", plan.NotifySecret: "whsec_x"}},
		On:      []string{"failure", "queue"}, Queue: 1234, Test: 7 * 24 * time.Hour,
	}
	now := time.Now()
	for _, n := range []store.Notice{
		{Way: "email", Kind: "failure", Of: "contacts", What: "<script>alert(1)</script>", At: now},
		{Way: "webhook", Kind: "silence", Of: "crm", What: "quiet", At: now, Resolved: now},
		{Way: "email", Kind: "test", At: now},
	} {
		if err := b.hub.store.PutNotice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	got := w.get("/settings/notifications")
	b.want(got, http.StatusOK, "ann@acme.gr, bob@acme.gr", "smtp.acme.gr:587", "hooks.acme.gr", "from 1,234 operations on", "every 7 days", "It holds", "Over", "Tried out", "&lt;script&gt;alert(1)&lt;/script&gt;")
	for _, secret := range []string{"hush-hush", "very/secret", "whsec_", "<script>alert"} {
		if strings.Contains(got.Body.String(), secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	b.to(w.post("/settings/notifications/test"), "/settings/notifications?done=tested")
	alerts.err = errors.New("tell by email: smtp.acme.gr:587 is gone")
	b.want(w.post("/settings/notifications/test"), http.StatusBadGateway, "The test could not be sent by every way.", "smtp.acme.gr:587 is gone")
	if alerts.tests != 2 {
		t.Errorf("%d tests", alerts.tests)
	}
}
