package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// acme is a site with one company on both sides, whose vendors call.
func acme(t *testing.T) (s *site, mine, theirs string) {
	t.Helper()
	s = newSite(t, liveYAML)
	mine = s.put(s.erp, "thirdparties", "", map[string]string{"name": "Acme", "url": "acme.gr", "town": "Athens"})
	s.open()
	if got := s.value(s.crm, "companies", "domain", "acme.gr", "city"); got != "Athens" {
		t.Fatalf("after the first run the city is %q\n%s", got, s.log)
	}
	s.quiet()
	for _, r := range s.crm.Rows("companies") {
		theirs = r.ID
	}
	return s, mine, theirs
}

func TestAnEditInHubSpotIsInDolibarrWithinSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, theirs := acme(t)
		polls := s.polls()
		s.put(s.crm, "companies", theirs, map[string]string{"city": "Patras"})
		if got := s.deliver(twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusOK {
			t.Fatalf("answered %v", got)
		}
		if took := s.within(5*time.Second, s.erp, "thirdparties", "name", "Acme", "town", "Patras"); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		if n := s.polls(); n != polls || n == 0 {
			t.Errorf("%d polls: it was found by polling", n-polls)
		}
		s.put(s.crm, "contacts", "", map[string]string{"email": "ann@acme.gr", "lastname": "Berg", "associatedcompanyid": theirs})
		s.deliver(twin.HookFaults{})
		s.within(5*time.Second, s.erp, "contacts", "email", "ann@acme.gr", "lastname", "Berg")
		s.quiet()
		if n := strings.Count(s.log.String(), "level=WARN"); n > 0 { // such as of a journal that nobody asked for
			t.Errorf("%d warnings:\n%s", n, s.log)
		}
	})
}

// Dolibarr calls within the transaction of a save and waits: what it tells cannot be read
// before all targets have answered.
func TestAnEditInDolibarrIsReadAfterItsCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ commit, most time.Duration }{
		"at once":        {0, 5 * time.Second},
		"seconds later":  {6 * time.Second, 12 * time.Second},
		"half a minute":  {28 * time.Second, 20 * time.Second},
		"after a minute": {58 * time.Second, 6 * time.Hour}, // found by the schedule
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, mine, _ := acme(t)
				for left := c.commit; left > 0; left -= 29 * time.Second { // other targets, who take their time
					s.erp.Hook("https://slow.test/", &http.Client{Transport: slow(min(left, 29*time.Second))}, false)
				}
				began := time.Now()
				s.put(s.erp, "thirdparties", mine, map[string]string{"town": "Volos"})
				if took := time.Since(began); c.commit == 0 && took > 100*time.Millisecond {
					t.Errorf("the save took %v: we block people", took)
				}
				s.within(c.most, s.crm, "companies", "domain", "acme.gr", "city", "Volos")
				s.erp.Unhook()
				s.quiet()
			})
		})
	}
}

// slow answers after a while.
type slow time.Duration

func (d slow) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(time.Duration(d))
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// A vendor that waits for the answer has its users wait. While the other side is slow, or a
// run is under way, or thousands of reports come at once, the answer comes at once.
func TestPeopleInDolibarrDoNotWaitForUs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, mine, _ := acme(t)
		hang := s.crm.Kit().Inject(twin.Fault{Kind: twin.FaultSlow, Wait: 20 * time.Second})
		s.put(s.erp, "thirdparties", mine, map[string]string{"town": "Volos"})
		time.Sleep(4 * time.Second) // a turn is under way, and HubSpot does not answer
		var slowest atomic.Int64
		began := time.Now()
		for range 300 {
			one := time.Now()
			s.put(s.erp, "thirdparties", mine, map[string]string{"town": "Larissa"})
			slowest.Store(max(slowest.Load(), int64(time.Since(one))))
		}
		if took := time.Duration(slowest.Load()); took > 100*time.Millisecond {
			t.Errorf("a save took %v; all of them %v", took, time.Since(began))
		}
		hang.Remove()
		s.within(7*time.Hour, s.crm, "companies", "domain", "acme.gr", "city", "Larissa")
		s.quiet()
	})
}

// A hub that is gone makes Dolibarr undo what people save only with a target that blocks,
// which the guide warns of; with the other kind nobody notices, and the next start finds it.
func TestAHubThatIsDownLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, mine, theirs := acme(t)
		s.close()
		if _, err := s.erp.Put("thirdparties", mine, map[string]string{"town": "Volos"}); err == nil || !strings.Contains(err.Error(), "WebHook") {
			t.Errorf("a blocking target that is gone: %v", err)
		}
		s.erp.Unhook()
		s.erp.Hook("https://hub.test/tandem/hooks/erp/x", &http.Client{Transport: s.door}, false)
		s.put(s.erp, "thirdparties", mine, map[string]string{"town": "Volos"})
		s.put(s.crm, "companies", theirs, map[string]string{"phone": "+302101234567"})
		if _, err := s.crm.Deliver(t.Context(), s.door, twin.HookFaults{}); err == nil || s.crm.Undelivered() == 0 {
			t.Errorf("somebody took what HubSpot reports: %v", err)
		}
		s.erp.Unhook()
		s.serve()
		s.deliver(twin.HookFaults{}) // HubSpot comes again by itself
		s.within(10*time.Second, s.erp, "thirdparties", "name", "Acme", "phone", "+302101234567")
		s.within(7*time.Hour, s.crm, "companies", "domain", "acme.gr", "city", "Volos")
	})
}

func TestWhoIsNotTheVendorIsRefusedAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, mine, theirs := acme(t)
		s.put(s.crm, "companies", theirs, map[string]string{"city": "Patras"})
		if got := s.deliver(twin.HookFaults{Forged: true}); len(got) != 1 || got[0] != http.StatusUnauthorized {
			t.Errorf("a wrong signature was answered with %v", got)
		}
		if !s.metric(`tandem_hook_deliveries_total{connection="crm",outcome="refused"} 1`) {
			t.Error("it is not counted")
		}
		time.Sleep(time.Minute)
		if got := s.value(s.erp, "thirdparties", "name", "Acme", "town"); got != "Athens" {
			t.Errorf("a forger made us read: the town is %q", got)
		}
		// Dolibarr signs nothing: its secret is the address, and a wrong one is nobody's.
		s.erp.Unhook()
		s.erp.Hook(s.address("erp")+"x", &http.Client{Transport: s.door}, false)
		s.put(s.erp, "thirdparties", mine, map[string]string{"phone": "+302101234567"})
		if !s.metric(`tandem_hook_deliveries_total{connection="",outcome="unknown"} 2`) { // the agenda's row, and the third party
			t.Error("a wrong address is not counted")
		}
		if strings.Contains(s.log.String(), strings.TrimPrefix(s.address("erp"), "https://hub.test/tandem/hooks/erp/")) {
			t.Error("the log tells the key (invariant 9)")
		}
		s.deliver(twin.HookFaults{}) // the genuine one comes again
		s.within(5*time.Second, s.erp, "thirdparties", "name", "Acme", "town", "Patras")
	})
}

// Whatever happens to notifications on their way, both sides end with what people wrote
// last, and nothing is doubled.
func TestAwkwardReportsOfRealVendors(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]twin.HookFaults{
		"doubled": {Twice: true}, "out of order": {Backwards: true}, "doubled and out of order": {Twice: true, Backwards: true}, "lost": {Lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, mine, theirs := acme(t)
				for i, city := range []string{"Patras", "Volos", "Larissa"} {
					s.put(s.crm, "companies", theirs, map[string]string{"city": city})
					s.put(s.crm, "contacts", "", map[string]string{"email": city + "@acme.gr", "lastname": city})
					s.deliver(f)
					s.put(s.erp, "thirdparties", mine, map[string]string{"phone": "+30210123456" + string(rune('0'+i))})
					time.Sleep(time.Second)
				}
				time.Sleep(7 * time.Hour)
				if n := len(s.erp.Rows("contacts")); n != 3 || len(s.crm.Rows("contacts")) != 3 {
					t.Errorf("%d and %d contacts, want 3", n, len(s.crm.Rows("contacts")))
				}
				if got := s.value(s.erp, "thirdparties", "name", "Acme", "town"); got != "Larissa" {
					t.Errorf("the town is %q", got)
				}
				if got := s.value(s.crm, "companies", "domain", "acme.gr", "phone"); got != "+302101234562" {
					t.Errorf("the phone is %q", got)
				}
				s.quiet()
			})
		})
	}
}

// A flood of more than the door takes at a time: HubSpot is told to come again and does,
// Dolibarr is told that all is well, and what it reported is read from the cursors.
func TestAFloodBlocksNobodyAndLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, mine, theirs := acme(t)
		address := s.address("erp")
		var held []*io.PipeWriter
		for range 512 { // whoever dribbles holds a slot
			body, end := io.Pipe()
			held = append(held, end)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				if res, err := s.door.RoundTrip(r); err == nil {
					_ = res.Body.Close()
				}
			}()
		}
		synctest.Wait()
		s.put(s.crm, "companies", theirs, map[string]string{"phone": "+302101234567"})
		if got := s.deliver(twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusServiceUnavailable {
			t.Errorf("answered %v", got)
		}
		began := time.Now()
		s.put(s.erp, "thirdparties", mine, map[string]string{"town": "Volos"}) // the target blocks: an error would undo it
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("the save took %v", took)
		}
		s.within(time.Minute, s.crm, "companies", "domain", "acme.gr", "city", "Volos")
		for _, end := range held {
			_ = end.Close()
		}
		time.Sleep(time.Minute)
		s.deliver(twin.HookFaults{})
		s.within(time.Minute, s.erp, "thirdparties", "name", "Acme", "phone", "+302101234567")
		s.quiet()
	})
}

// Where no vendor can reach us, HubSpot's journal is fetched.
func TestTheJournalIsFetchedWhereNobodyCanCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(liveYAML, "public_url: https://hub.test/tandem\n", "", 1)
		s := newSite(t, strings.Replace(yaml, "client_secret:", "client_id: ${CRM_APP_ID}\n    client_secret:", 1))
		s.put(s.erp, "thirdparties", "", map[string]string{"name": "Acme", "url": "acme.gr", "town": "Athens"})
		s.serve()
		time.Sleep(time.Minute)
		theirs := s.crm.Rows("companies")[0].ID
		s.put(s.crm, "companies", theirs, map[string]string{"city": "Patras"})
		s.within(30*time.Second, s.erp, "thirdparties", "name", "Acme", "town", "Patras")
		s.close()
		s.put(s.crm, "companies", theirs, map[string]string{"city": "Volos"})
		s.serve()
		s.within(30*time.Second, s.erp, "thirdparties", "name", "Acme", "town", "Volos")
		if n := strings.Count(s.log.String(), "level=WARN"); n > 0 {
			t.Errorf("%d warnings:\n%s", n, s.log)
		}
	})
}
