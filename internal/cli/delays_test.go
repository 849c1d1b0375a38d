package cli

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func TestDelaysAreCountedByTheHourAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMeters()
		h := &hub{server: &server{meters: m}}
		report := func(connection string, took time.Duration) {
			m.settled(store.Hint{Of: store.Object{Connection: connection}, Received: time.Now().Add(-took)})
		}
		report("crm", 3*time.Second)
		report("crm", 4*time.Second)
		time.Sleep(time.Hour)
		report("crm", 2*time.Hour)
		report("a", time.Second)
		all := h.Delays()
		if len(all) != 3 || all[0].Connection != "a" || all[1].Reports() != 2 || all[1].Longest != 4*time.Second || !all[1].Hour.Before(all[2].Hour) || all[2].Longest != 2*time.Hour {
			t.Errorf("%+v", all)
		}
		time.Sleep(delaysKept)
		report("crm", time.Second)
		if all = h.Delays(); len(all) != 3 || all[0].Connection != "a" || all[1].Longest != 2*time.Hour || all[2].Reports() != 1 { // the first hour is gone
			t.Errorf("after a month: %+v", all)
		}
	})
}
