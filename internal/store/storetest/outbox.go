package storetest

import (
	"errors"
	"fmt"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func outboxCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"an operation comes back as it was stored":                  opRoundTrip,
		"Claim takes the oldest that are ready and due":             claim,
		"R27 a second unfinished operation of a record is refused":  secondTarget,
		"R15 a second create with one claim is refused":             secondClaim,
		"a second create of one source is refused":                  secondSource,
		"invariant 3: nothing is settled twice":                     settleTwice,
		"a delayed operation stays":                                 delay,
		"Busy knows targets and sources":                            busy,
		"held operations are released":                              release,
		"Unplan drops held operations and marks their records":      unplan,
		"R16 Recover makes sent operations unknown":                 recovers,
		"R36 a pending operation keeps what to ask for":             pending,
		"C6 what a vendor fetches is given out until it is settled": giveOut,
		"Ops selects by sync and state":                             opsSelect,
		"ids grow":                                                  idsGrow,
	}
}

func opRoundTrip(b *bench) {
	o := b.op(connector.Create, "", "1")
	o.Claim, o.IfVersion, o.Link, o.Seen, o.NotBefore = "email a@x", "v3", 12, [2]int64{4, 0}, at(3)
	o.Set = record.Fields{"email": record.Text("a@x"), "fax": {}}
	o.Was = record.Fields{"email": {}}
	o.Source = record.Fields{"email=email": record.Text("a@x")}
	o.Fields = []store.OpField{
		{Key: "email=email", Wire: "email", Source: record.Text("a@x"), Rule: "left changed"},
		{Key: "tags=tags", Wire: "tags", Source: record.Texts("a", "b"), Lost: &store.Lost{Side: record.Right, Value: record.Text("x")}},
		{Key: "fax=fax", Lost: &store.Lost{Side: record.Left}},
		{Key: "labels=labels", Wire: "labels", Base: new(record.Texts("a"))},
		{Key: "groups=groups", Lost: &store.Lost{Side: record.Left}, Base: new(record.Value)},
	}
	b.decide(store.Facts{Ops: []store.Op{o}})
	got, err := b.s.Ops(b.ctx, "contacts")
	b.ok(err)
	b.same("ops", []store.Op{o}, got)
}

func (b *bench) claim(verb connector.Verb, n, minutes int) []int64 {
	b.Helper()
	ops, err := b.s.Claim(b.ctx, crm, verb, n, at(minutes))
	b.ok(err)
	var ids []int64
	for _, o := range ops {
		if o.State != store.OpSent || !o.SentAt.Equal(at(minutes)) || o.Attempts == 0 {
			b.Errorf("a claimed operation says %s, %s, %d attempts", o.State, o.SentAt, o.Attempts)
		}
		ids = append(ids, o.ID)
	}
	return ids
}

func giveOut(b *bench) {
	ops := []store.Op{b.op(connector.Delete, "7", "7"), b.op(connector.Update, "8", "8"), b.op(connector.Create, "", "9"), b.op(connector.Update, "6", "6")}
	ops[3].State = store.OpHeld
	b.decide(store.Facts{Ops: ops})
	give := func(again bool, minutes int) (ids []int64) {
		b.Helper()
		given, err := b.s.GiveOut(b.ctx, "contacts", crm, again, 10, at(minutes))
		b.ok(err)
		for _, o := range given {
			if !o.SentAt.Equal(at(1)) {
				b.Errorf("first given out at %s", o.SentAt)
			}
			ids = append(ids, o.ID)
		}
		return ids
	}
	all := []int64{ops[2].ID, ops[1].ID, ops[0].ID} // deletes last (R30)
	b.same("given out", all, give(true, 1))
	b.same("given out again", all, give(true, 2))
	_, err := b.s.Recover(b.ctx)
	b.ok(err)
	b.same("after a restart", all, give(true, 3))
	b.same("where a create would be another record", all[1:], give(false, 4))
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: all[0], State: store.OpPending, Pending: "done"}, {Op: all[1]}}, store.Facts{Sync: "contacts"}))
	b.same("after a word about two of them", all[2:], give(true, 5))
	left, err := b.s.Ops(b.ctx, "contacts", store.OpSent)
	b.ok(err)
	if len(left) != 1 || left[0].Attempts != 5 || !left[0].SentAt.Equal(at(1)) {
		b.Errorf("left: %+v", left)
	}
}

func claim(b *bench) {
	var ops []store.Op
	for i := range 6 {
		ops = append(ops, b.op(connector.Create, "", fmt.Sprint(i)))
	}
	ops[1].State = store.OpHeld
	ops[2].NotBefore = at(5)
	ops[3].Verb, ops[3].TargetID = connector.Update, "r3"
	b.decide(store.Facts{Ops: ops})
	b.same("none asked", 0, len(b.claim(connector.Create, 0, 0)))
	b.same("two", []int64{ops[0].ID, ops[4].ID}, b.claim(connector.Create, 2, 4))
	b.same("the due rest", []int64{ops[2].ID, ops[5].ID}, b.claim(connector.Create, 9, 5))
	b.same("no more", 0, len(b.claim(connector.Create, 9, 9)))
	b.same("update", []int64{ops[3].ID}, b.claim(connector.Update, 9, 9))
	sent, err := b.s.Ops(b.ctx, "contacts", store.OpSent)
	b.ok(err)
	b.same("sent", 5, len(sent))
	b.same("kept", 1, sent[0].Attempts)
}

func (b *bench) refused(what string, ops ...store.Op) {
	b.Helper()
	if err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Ops: ops}); !errors.Is(err, store.ErrBusy) {
		b.Errorf("%s: got %v", what, err)
	}
}

func secondTarget(b *bench) {
	b.decide(store.Facts{Ops: []store.Op{b.op(connector.Update, "r1", "1")}})
	b.refused("a second update", b.op(connector.Update, "r1", "2"))
	b.refused("a delete", b.op(connector.Delete, "r1", ""))
	other := b.op(connector.Update, "r1", "1")
	other.Sync = "others"
	b.refused("another sync's update", other)
	elsewhere := b.op(connector.Update, "r1", "1")
	elsewhere.Target, elsewhere.Side = erp, record.Left
	b.decide(store.Facts{Ops: []store.Op{elsewhere}})
}

func secondClaim(b *bench) {
	first, second := b.op(connector.Create, "", "1"), b.op(connector.Create, "", "2")
	first.Claim, second.Claim = "email a@x", "email a@x"
	second.Sync = "others"
	b.decide(store.Facts{Ops: []store.Op{first}})
	b.refused("a second claim", second)
	held, err := b.s.Claimed(b.ctx, crm, []string{"email a@x", "email b@x"})
	b.ok(err)
	b.same("claimed", map[string]int64{"email a@x": first.ID}, held)
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: first.ID}}, store.Facts{Ops: []store.Op{second}}))
	held, err = b.s.Claimed(b.ctx, crm, []string{"email a@x"})
	b.ok(err)
	b.same("claimed", map[string]int64{"email a@x": second.ID}, held)
}

func secondSource(b *bench) {
	b.decide(store.Facts{Ops: []store.Op{b.op(connector.Create, "", "1")}})
	b.refused("a second create", b.op(connector.Create, "", "1"))
	b.decide(store.Facts{Ops: []store.Op{b.op(connector.Update, "r1", "1"), b.op(connector.Update, "r2", "1")}}) // members share a source
	other := b.op(connector.Create, "", "1")
	other.Side, other.Target = record.Left, erp
	b.decide(store.Facts{Ops: []store.Op{other}})
}

func settleTwice(b *bench) {
	o := b.op(connector.Update, "r1", "1")
	b.decide(store.Facts{Ops: []store.Op{o}})
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: o.ID}}, store.Facts{}))
	for _, x := range []store.Settlement{{Op: o.ID}, {Op: o.ID, State: store.OpReady}} {
		if err := b.s.Settle(b.ctx, []store.Settlement{x}, store.Facts{Journal: []store.Entry{{Kind: store.Written}}}); err == nil {
			b.Errorf("%+v was settled twice", x)
		}
	}
	lines, err := b.s.History(b.ctx, store.HistoryQuery{})
	b.ok(err)
	b.same("lines", 0, len(lines))
	b.same("outbox", 0, b.tally().Outbox)
}

func delay(b *bench) {
	o := b.op(connector.Update, "r1", "1")
	b.decide(store.Facts{Ops: []store.Op{o}})
	b.claim(connector.Update, 1, 0)
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: o.ID, State: store.OpReady, NotBefore: at(5), Error: "try later"}}, store.Facts{}))
	b.same("not yet", 0, len(b.claim(connector.Update, 1, 4)))
	ops, err := b.s.Claim(b.ctx, crm, connector.Update, 1, at(5))
	b.ok(err)
	b.same("attempts", 2, ops[0].Attempts)
	b.same("error", "try later", ops[0].Error)
	b.same("outbox", 1, b.tally().Outbox)
}

func busy(b *bench) {
	update, create := b.op(connector.Update, "r1", "1"), b.op(connector.Create, "", "2")
	other := b.op(connector.Update, "r3", "x3")
	other.Sync = "others"
	back := b.op(connector.Update, "4", "r4")
	back.Side, back.Target = record.Left, erp
	b.decide(store.Facts{Ops: []store.Op{update, create, other, back}})
	got, err := b.s.Busy(b.ctx, "contacts", []store.Spot{left("1"), right("1"), left("2"), left("x3"), right("r1"), right("r3"),
		left("4"), right("r4"), left("9")})
	b.ok(err)
	b.same("busy", map[store.Spot]int64{left("1"): update.ID, right("r1"): update.ID, left("2"): create.ID, right("r3"): other.ID,
		left("4"): back.ID, right("r4"): back.ID}, got)
}

func (b *bench) held() []store.Op {
	b.Helper()
	ops := []store.Op{b.op(connector.Create, "", "1"), b.op(connector.Update, "r2", "2"), b.op(connector.Delete, "r3", ""), b.op(connector.Update, "r4", "4")}
	for i := range ops[:3] {
		ops[i].State = store.OpHeld
	}
	b.decide(store.Facts{Ops: ops})
	return ops
}

func release(b *bench) {
	b.held()
	n, err := b.s.Release(b.ctx, "contacts")
	b.ok(err)
	b.same("released", 3, n)
	b.same("claimed", 2, len(b.claim(connector.Update, 9, 0)))
	n, err = b.s.Release(b.ctx, "others")
	b.ok(err)
	b.same("released of another sync", 0, n)
}

func unplan(b *bench) {
	ops := b.held()
	b.decide(store.Facts{Dirty: []store.Spot{left("1")}})
	n, err := b.s.Unplan(b.ctx, "contacts")
	b.ok(err)
	b.same("dropped", 3, n)
	b.same("dirty", []store.Spot{left("1"), left("2"), right("r3")}, b.dirty())
	rest, err := b.s.Ops(b.ctx, "contacts")
	b.ok(err)
	b.same("rest", []int64{ops[3].ID}, []int64{rest[0].ID})
	b.same("outbox", 1, b.tally().Outbox)
}

func recovers(b *bench) {
	b.decide(store.Facts{Ops: []store.Op{b.op(connector.Update, "r1", "1"), b.op(connector.Create, "", "2")}})
	ids := b.claim(connector.Update, 9, 0)
	n, err := b.s.Recover(b.ctx)
	b.ok(err)
	b.same("recovered", 1, n)
	unknown, err := b.s.Ops(b.ctx, "", store.OpUnknown)
	b.ok(err)
	b.same("unknown", ids, []int64{unknown[0].ID})
	b.same("not claimed again", 0, len(b.claim(connector.Update, 9, 9)))
}

func opsSelect(b *bench) {
	b.held()
	other := b.op(connector.Update, "r9", "9")
	other.Sync = "others"
	b.decide(store.Facts{Ops: []store.Op{other}})
	for _, c := range []struct {
		sync   string
		states []store.OpState
		want   int
	}{{"", nil, 5}, {"contacts", nil, 4}, {"contacts", []store.OpState{store.OpHeld}, 3}, {"", []store.OpState{store.OpReady, store.OpSent}, 2}, {"nobody", nil, 0}} {
		ops, err := b.s.Ops(b.ctx, c.sync, c.states...)
		b.ok(err)
		b.same(fmt.Sprint(c.sync, c.states), c.want, len(ops))
	}
}

func idsGrow(b *bench) {
	first, second := b.s.NewID(), b.s.NewID()
	if first <= 0 || second <= first {
		b.Errorf("ids %d, %d", first, second)
	}
}

func pending(b *bench) {
	o := b.op(connector.Create, "", "1")
	b.decide(store.Facts{Ops: []store.Op{o}})
	b.claim(connector.Create, 1, 0)
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: o.ID, State: store.OpPending, NotBefore: at(5), Pending: "job 7"}}, store.Facts{}))
	b.same("claimed again", 0, len(b.claim(connector.Create, 1, 9)))
	_, err := b.s.Recover(b.ctx)
	b.ok(err)
	ops, err := b.s.Ops(b.ctx, "contacts", store.OpPending)
	b.ok(err)
	b.same("pending", 1, len(ops))
	b.same("token", "job 7", ops[0].Pending)
	b.same("not before", at(5), ops[0].NotBefore)
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: o.ID, State: store.OpUnknown}}, store.Facts{}))
	ops, err = b.s.Ops(b.ctx, "contacts", store.OpUnknown)
	b.ok(err)
	b.same("token of one that is no longer pending", "", ops[0].Pending)
}

func heldCreates(b *bench) {
	b.save(read(erp, at(0), change("1"), change("2"), change("3")))
	held := func(verb connector.Verb, target, source string) store.Op {
		op := b.op(verb, target, source)
		op.State = store.OpHeld
		return op
	}
	b.decide(store.Facts{Ops: []store.Op{held(connector.Create, "", "1"), held(connector.Create, "", "2"), held(connector.Update, "c3", "3")}})
	n, from, err := b.s.HeldCreates(b.ctx, "contacts", 1)
	b.ok(err)
	if side := record.Right; n != [2]int{0, 2} || len(from[side]) != 1 || from[side][0] != "1" {
		b.Errorf("creates %v from %v", n, from)
	}
	rest, err := b.s.HeldBesides(b.ctx, "contacts", connector.Create)
	b.ok(err)
	if len(rest) != 1 || rest[0].Verb != connector.Update || rest[0].SourceID != "3" {
		b.Errorf("besides: %+v", rest)
	}
}
