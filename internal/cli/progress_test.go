package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
)

func TestPlainProgressIsSilentAboutWhatIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a := &app{Streams: Streams{Err: &out}}
		w := a.watch()
		for i := range 12 {
			w.see(engine.Progress{Sync: "contacts", Stage: "reading erp.contacts", Done: 1000 * i, Total: 12000})
			w.see(engine.Progress{Sync: "contacts", Stage: "writing crm.contacts", Done: 100 * i})
			time.Sleep(time.Second)
		}
		w.see(engine.Progress{Sync: "companies", Stage: "reading erp.thirdparties", Done: 3})
		w.stop()
		time.Sleep(time.Minute)
		w.see(engine.Progress{Sync: "contacts", Stage: "reading erp.contacts", Done: 12000, Total: 12000})
		want := `contacts: reading erp.contacts, 2,000 of 12,000
contacts: writing crm.contacts, 200 so far
contacts: reading erp.contacts, 7,000 of 12,000
contacts: writing crm.contacts, 700 so far
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBarsEndWithTheirSync(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := newBars(&out)
	b.see(engine.Progress{Sync: "companies", Stage: "reading", Done: 3})
	b.see(engine.Progress{Sync: "companies", Stage: "writing", Done: 3, Total: 5})
	b.see(engine.Progress{Sync: "contacts", Stage: "reading", Done: 3})
	if len(b.lines) != 1 {
		t.Errorf("%d lines, want that of contacts only", len(b.lines))
	}
	b.stop()
	b.stop()
	b.see(engine.Progress{Sync: "contacts", Stage: "reading", Done: 4})
}
