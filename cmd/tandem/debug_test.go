package main

import (
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"fmt"
	"time"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

func TestDebugCrash(t *testing.T) {
	after, _ := strconv.Atoi(os.Getenv("AFTER"))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		erp, crm := smallOffice()
		w.furnish(erp, crm)
		w.crash(after)
		w.restart()
		dump := func() {
			for _, c := range append(w.erp.Kit().Calls(), w.crm.Kit().Calls()...) {
				fmt.Println(c.At.Format("15:04:05.000"), c.Method, c.Path, c.Query, c.Status, c.Fault)
			}
		}
		ops, _ := w.store.Ops(t.Context(), "")
		for _, o := range ops { fmt.Printf("OP %+v\n", o) }
		dump()
		fmt.Println("----")
		for range 3 {
		for n, r := range w.trySync(engine.SyncOptions{}) { fmt.Printf("%s %+v\n", n, r) }
		fmt.Println(w.queue())
		for _, tw := range []twin.Twin{w.erp, w.crm} { fmt.Println(tw.Kit().Ledger().Acts()) }
		time.Sleep(15*time.Minute)
		}
		dump()
	})
}

func TestDebugFault(t *testing.T) {
	after, _ := strconv.Atoi(os.Getenv("AFTER"))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		erp, crm := smallOffice()
		w.furnish(erp, crm)
		tw := w.erp
		if os.Getenv("AT") == "crm" { tw = w.crm }
		tw.Kit().Inject(twin.Fault{Kind: twin.FaultKind(os.Getenv("KIND")), After: after, Times: 1, Wait: 3 * time.Second})
		for range 3 {
		for n, r := range w.trySync(engine.SyncOptions{}) { fmt.Printf("%s %+v\n", n, r) }
		fmt.Println(w.queue())
		time.Sleep(15*time.Minute)
		}
			for _, c := range append(w.erp.Kit().Calls(), w.crm.Kit().Calls()...) {
				fmt.Println(c.At.Format("15:04:05.000"), c.Method, c.Path, c.Query, c.Status, c.Fault)
			}
		for _, tw := range []twin.Twin{w.erp, w.crm} { for _, a := range tw.Kit().Ledger().Acts() {fmt.Println(a)} }
		for _, r := range w.crm.Rows("contacts") { for _, l := range w.journal("crm", "contacts", r.ID) { fmt.Printf("%+v\n", l) } }
		links, _ := w.store.Links(t.Context(), "contacts", 0, 100)
		for _, l := range links { fmt.Printf("LINK %+v\n", l) }
	})
}
