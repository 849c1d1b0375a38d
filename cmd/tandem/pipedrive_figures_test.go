package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

var marketRows = flag.Int("market.rows", 0, "persons of TestFiguresOfPipedriveAndBrevo; 0 = it is left out")

// The figures of docs/performance.md, in virtual time:
//
//	go test ./cmd/tandem -run FiguresOfPipedrive -v -market.rows 50000 -timeout 1h
func TestFiguresOfPipedriveAndBrevo(t *testing.T) {
	if *marketRows == 0 {
		t.Skip("-market.rows says of how many persons")
	}
	t.Run("first load", firstLoad)
	t.Run("changes", changesCost)
	t.Run("stage to list", stageToList)
}

// spent counts the requests since it was made.
type spent struct {
	m          *market
	pipe, mail int
}

func (m *market) counting() *spent {
	return &spent{m: m, pipe: len(m.pipe.Kit().Calls()), mail: len(m.mail.Kit().Calls())}
}

func (s *spent) since() (pipe, mail int) {
	return len(s.m.pipe.Kit().Calls()) - s.pipe, len(s.m.mail.Kit().Calls()) - s.mail
}

func (m *market) people(n int) {
	for i := range n {
		m.put(m.pipe, "persons", "", map[string]string{"name": fmt.Sprintf("Person %d", i), "emails": fmt.Sprintf("p%d@x.gr", i)})
	}
	time.Sleep(10 * time.Second)
}

func firstLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, "key_name: Tandem", "key_name: Tandem\n    import_list: 2")
		m.people(*marketRows)
		began, s := time.Now(), m.counting()
		code, out := m.run("sync", "contacts")
		for range 48 {
			if code == 0 {
				break
			}
			time.Sleep(30 * time.Minute)
			code, out = m.run("sync", "contacts")
		}
		pipe, mail := s.since()
		if got := len(m.mail.Rows("contacts")); code != 0 || got != *marketRows {
			t.Fatalf("exit %d, %d contacts\n%s", code, got, out)
		}
		t.Logf("%d persons: %d calls to Pipedrive, %d to Brevo (%d of them imports), %v of virtual time", *marketRows, pipe, mail,
			m.mail.Kit().Count(http.MethodPost, "/v3/contacts/import"), time.Since(began).Round(time.Second))
		m.known()
	})
}

// changesCost counts what a thousand edits cost that are found by the schedule.
func changesCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		m := ready(t, "key_name: Tandem", "key_name: Tandem\n    import_list: 2")
		m.people(2 * n)
		m.run("sync")
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		time.Sleep(20 * time.Minute)
		idle := m.counting()
		m.wellSynced()
		idlePipe, idleMail := idle.since()
		rows := m.pipe.Rows("persons")
		for i := range n {
			m.put(m.pipe, "persons", rows[2*i].ID, map[string]string{"name": fmt.Sprintf("Renamed %d", i)})
		}
		time.Sleep(20 * time.Minute)
		s := m.counting()
		m.wellSynced()
		pipe, mail := s.since()
		t.Logf("%d changed persons: %d calls to Pipedrive and %d to Brevo, of them %d and %d that a run costs which finds nothing: %.2f a record",
			n, pipe, mail, idlePipe, idleMail, float64(pipe+mail-idlePipe-idleMail)/n)
	})
}

// stageToList is how long a deal that is dragged takes to move its person at Brevo, when each
// call takes 50 ms.
func stageToList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := marketOf(t, recipe(t, "# public_url: https://tandem.example.com", "public_url: https://hub.test/tandem"), twin.Options{Latency: 50 * time.Millisecond})
		m.made()
		var deals []string
		for i := range 500 {
			p := m.person(fmt.Sprintf("Person %d", i), fmt.Sprintf("p%d@x.gr", i))
			deals = append(deals, m.deal("", p, "value", "10", "currency", "EUR", "stage_id", "1"))
		}
		m.serve()
		time.Sleep(20 * time.Minute)
		rnd := rand.New(rand.NewPCG(1, 1))
		var took []time.Duration
		for n := range 200 { // fewer than half of them: that many changes of one field would be asked about
			m.deal(deals[n], "", "stage_id", "4")
			began := time.Now()
			m.called(http.StatusOK, twin.HookFaults{})
			for !strings.Contains(m.on(fmt.Sprintf("p%d@x.gr", n)), "In negotiation") {
				if time.Since(began) > time.Minute {
					t.Fatalf("move %d did not arrive\n%s", n, m.log)
				}
				time.Sleep(10 * time.Millisecond)
			}
			took = append(took, time.Since(began))
			time.Sleep(time.Duration(500+rnd.IntN(4000)) * time.Millisecond)
		}
		slices.Sort(took)
		t.Logf("%d moves: p50 %v, p99 %v, slowest %v", len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	})
}
