package connectortest

import (
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func writeScenarios() []scenario {
	return []scenario{
		{name: "create", needs: needAll(needVerb(connector.Create)), run: createBack},
		{name: "update of every field", needs: needAll(needVerb(connector.Update)), run: updateBack},
		{name: "clear of every field", needs: needAll(needVerb(connector.Update)), run: clearBack},
		{name: "an update touches only what it names", needs: needAll(needVerb(connector.Update), needEdit()), run: updateTouches},
		{name: "an empty update sends nothing", needs: needAll(needVerb(connector.Update)), run: emptyUpdate},
		{name: "what a write answers is what a read shows", needs: needAll(needVerb(connector.Create)), run: afterShown},
		{name: "the key finds the record", needs: needAll(needVerb(connector.Create), needFinder(), needField("findable key", findableKey)), run: keyFinds},
		{name: "an invalid value is refused and named", needs: needAll(needVerb(connector.Create), needInvalid()), run: invalidRefused},
		{name: "a duplicate names the record that holds the value", needs: needAll(needVerb(connector.Create), needUnique()), run: duplicateNamed},
		{name: "a stale version conflicts", needs: needAll(needVerb(connector.Update), needEdit(), needVersion()), run: staleConflicts},
		{name: "a write to a missing record says so", needs: needAll(needVerb(connector.Update), needEdit()), run: missingSaid},
	}
}

// createBack creates a record like the sample, then one with all that can be filled.
func createBack(b *Bench) {
	b.prepare()
	op := b.newOp()
	res := b.do(op)
	c := b.one(res.Ref.ID)
	for name, sent := range op.Set {
		if f, ok := b.shape.Field(name); ok {
			b.holds("create", f, c.Fields, sent)
		}
	}
	if n := b.writes(connector.Create); n != 1 {
		b.Errorf("one create made %d records", n)
	}
	if !slices.Contains(b.rows(), res.Ref.ID) {
		b.Errorf("people do not see the record %s that was created", res.Ref.ID)
	}
	full := b.newOp()
	for _, f := range b.writable() {
		if _, sampled := full.Set[f.Name]; sampled {
			continue
		}
		if v, ok := b.value(f, true); ok {
			full.Set[f.Name] = v
		}
	}
	c = b.one(b.do(full).Ref.ID)
	for name, sent := range full.Set {
		if f, ok := b.shape.Field(name); ok {
			b.holds("create with every field", f, c.Fields, sent)
		}
	}
}

// updateBack writes two values into each field, one field at a time. Fields of which no
// value can be made up need one in the sample, or a reason in Fixed.
func updateBack(b *Bench) {
	b.prepare()
	id := b.create()
	for _, f := range b.writable() {
		if f.CreateOnly {
			continue
		}
		for _, second := range []bool{false, true} { // in this order, for what only goes forward
			v, ok := b.value(f, second)
			if !ok {
				b.Errorf("the sample needs a value of %s (%s %s), or a reason in Fixed", f.Name, f.Kind, f.Format)
				break
			}
			was := b.one(id)
			b.do(b.setOp(was, record.Fields{f.Name: v}))
			b.holds("update", f, b.one(id).Fields, v)
		}
	}
}

// clearBack empties each field that was filled, and holds that an empty field is known to
// be empty and not absent (R11).
func clearBack(b *Bench) {
	b.prepare()
	id := b.create()
	for _, f := range b.writable() {
		if f.CreateOnly || f.NoClear || f.Required {
			continue
		}
		v, ok := b.value(f, true)
		if !ok {
			continue
		}
		b.do(b.setOp(b.one(id), record.Fields{f.Name: v}))
		filled := b.one(id)
		if filled.Fields[f.Name].IsEmpty() {
			b.Errorf("%s was written and is empty", f.Name)
			continue
		}
		b.do(b.setOp(filled, record.Fields{f.Name: {}}))
		got, known := b.one(id).Fields[f.Name]
		if !known || !got.IsEmpty() {
			b.Errorf("%s was cleared and is known %v as %q", f.Name, known, got)
		}
	}
}

// updateTouches holds R1 and R11 at the vendor: what an operation does not name stays. A
// person's edit of another field, which the connector has not read, must survive.
func updateTouches(b *Bench) {
	b.prepare()
	id := b.full()
	edit := b.editable()
	for _, f := range b.writable() {
		if f.CreateOnly {
			continue
		}
		v, ok := b.value(f, true)
		if !ok {
			continue
		}
		was := b.one(id)
		text := was.Fields[edit.Name].Text()
		if f.Name != edit.Name {
			text = b.edit(id)
		}
		acts := len(b.Twin.Kit().Ledger().Acts())
		b.do(b.setOp(was, record.Fields{f.Name: v}))
		b.named(f, acts)
		now := b.one(id)
		for _, other := range b.writable() {
			want := was.Fields[other.Name]
			switch other.Name {
			case f.Name:
				continue
			case edit.Name:
				want = record.Text(text)
			}
			if got := now.Fields[other.Name]; !equal(other, got, want) {
				b.Errorf("an update of %s changed %s from %q to %q", f.Name, other.Name, want, got)
			}
		}
	}
}

// named fails if programs wrote more than the one field since.
func (b *Bench) named(f record.Field, since int) {
	b.Helper()
	for _, act := range b.Twin.Kit().Ledger().Acts()[since:] {
		if act.By != "api" || act.Object != b.shape.Name {
			continue
		}
		for name := range act.Fields {
			if name != f.Name {
				b.Errorf("an update of %s wrote %s too", f.Name, name)
			}
		}
	}
}

// emptyUpdate holds R11: a write of nothing moves stamps at some vendors.
func emptyUpdate(b *Bench) {
	b.prepare()
	was := b.one(b.put())
	kit := b.Twin.Kit()
	sent := func() int { return kit.Count("PUT", "") + kit.Count("PATCH", "") + kit.Count("DELETE", "") }
	acts, before := len(kit.Ledger().Acts()), sent()
	_, errs := b.try(b.setOp(was, record.Fields{}))
	if errs[0] != nil {
		b.Errorf("an update of nothing failed: %v", errs[0])
	}
	if now := kit.Ledger().Acts(); len(now) > acts {
		b.Errorf("an update of nothing wrote: %+v", now[acts:])
	}
	if n := sent() - before; n > 0 {
		b.Errorf("an update of nothing sent %d writes", n)
	}
}

// afterShown compares the record in a write's answer with a later read (R2).
func afterShown(b *Bench) {
	b.prepare()
	res := b.do(b.newOp())
	was := b.one(res.Ref.ID)
	b.matches("create", res, was)
	f, ok := b.editField()
	if !ok || !b.shape.Update {
		return
	}
	time.Sleep(time.Minute)
	res = b.do(b.setOp(was, record.Fields{f.Name: record.Text("  After " + b.next() + " ")}))
	b.matches("update", res, b.one(was.ID))
}

// matches fails unless the result says of the record what the read says.
func (b *Bench) matches(what string, res connector.Result, c connector.Change) {
	b.Helper()
	if res.Version != "" && c.Version != "" && res.Version != c.Version {
		b.Errorf("%s answered version %q, a read shows %q", what, res.Version, c.Version)
	}
	if res.After == nil {
		return
	}
	if res.After.Ref != res.Ref {
		b.Errorf("%s of %v answered the record %v", what, res.Ref, res.After.Ref)
	}
	for name, v := range res.After.Fields {
		f, ok := b.shape.Field(name)
		if got, shown := c.Fields[name]; !ok || !shown || !equal(f, got, v) {
			b.Errorf("%s answered %s as %q, a read shows %v as %q", what, name, v, shown, got)
		}
	}
}

func findableKey(f record.Field) bool { return f.Key && f.Findable }

// keyFinds holds that the operation's key is where the schema says (R16).
func keyFinds(b *Bench) {
	b.prepare()
	op := b.newOp()
	b.create()
	res := b.do(op)
	b.create()
	b.lag()
	time.Sleep(b.shape.Settle)
	f, _ := b.shape.Key()
	b.same("find by key", b.find(f.Name, op.Key), []string{res.Ref.ID})
	b.same("find by a key never used", b.find(f.Name, b.key()), nil)
	if got := b.one(res.Ref.ID).Fields[f.Name].Text(); got != op.Key {
		b.Errorf("the key reads %q, it was %q", got, op.Key)
	}
}

// invalidOp is an operation with the value that the vendor refuses.
func (b *Bench) invalidOp() connector.Op {
	op := b.newOp()
	maps.Copy(op.Set, b.sample.Invalid)
	return op
}

func invalidRefused(b *Bench) {
	b.prepare()
	_, errs := b.try(b.invalidOp())
	b.invalid("create", errs[0])
	if n := b.writes(connector.Create); n != 0 {
		b.Errorf("a refused create made %d records", n)
	}
	if !b.shape.Update {
		return
	}
	was := b.one(b.put())
	_, errs = b.try(b.setOp(was, clone(b.sample.Invalid)))
	b.invalid("update", errs[0])
	now := b.one(was.ID)
	for name := range b.sample.Invalid {
		if v := now.Fields[name]; !v.Equal(was.Fields[name]) {
			b.Errorf("a refused update changed %s from %q to %q", name, was.Fields[name], v)
		}
	}
}

// invalid fails unless the error parks one record and, if it names a field, the right one.
func (b *Bench) invalid(what string, err error) {
	b.Helper()
	e := b.classified(what+" with an invalid value", err, connector.Invalid)
	if e.Scope != connector.ScopeRecord && e.Scope != "" {
		b.Errorf("%s: an invalid value concerns one record, not scope %s", what, e.Scope)
	}
	if _, named := b.sample.Invalid[e.Field]; !named && e.Field != "" {
		b.Errorf("%s: the error names the field %q, which is not the one at fault", what, e.Field)
	}
}

// unique returns a field of which the vendor allows one record per value.
func (b *Bench) unique() (record.Field, bool) {
	i := slices.IndexFunc(b.shape.Fields, func(f record.Field) bool {
		_, fixed := b.sample.Fixed[f.Name]
		return f.Unique && f.Writable() && !fixed
	})
	if i < 0 {
		return record.Field{}, false
	}
	return b.shape.Fields[i], true
}

// duplicateNamed holds that the error tells who has the value (R17).
func duplicateNamed(b *Bench) {
	b.prepare()
	f, _ := b.unique()
	v, ok := b.value(f, false)
	if !ok {
		b.Fatalf("the sample has no value of %s", f.Name)
	}
	first := b.newOp()
	first.Set[f.Name] = v
	holder := b.do(first).Ref
	b.lag()
	second := b.newOp()
	second.Set[f.Name] = v
	_, errs := b.try(second)
	b.duplicate("create", errs[0], holder)
	if n := b.writes(connector.Create); n != 1 {
		b.Errorf("there are %d records with one unique value", n)
	}
	if !b.shape.Update || f.CreateOnly {
		return
	}
	other := b.one(b.put())
	_, errs = b.try(b.setOp(other, record.Fields{f.Name: v}))
	b.duplicate("update", errs[0], holder)
}

func (b *Bench) duplicate(what string, err error, holder record.Ref) {
	b.Helper()
	e := b.classified(what+" with a value that is taken", err, connector.Duplicate)
	if e.Existing != holder {
		b.Errorf("%s: the error says that %v holds the value, it is %v", what, e.Existing, holder)
	}
	if e.Scope != connector.ScopeRecord && e.Scope != "" {
		b.Errorf("%s: a duplicate concerns one record, not scope %s", what, e.Scope)
	}
}

// staleConflicts holds conditional writes (R4).
func staleConflicts(b *Bench) {
	b.prepare()
	f := b.editable()
	was := b.one(b.put())
	if was.Version == "" {
		b.Fatalf("a record without a version; if there are none, declare a lack")
	}
	time.Sleep(time.Minute)
	text := b.edit(was.ID)
	op := b.setOp(was, record.Fields{f.Name: record.Text("Stale " + b.next())})
	op.IfVersion = was.Version
	_, errs := b.try(op)
	b.want("an update of a version that is gone", errs[0], connector.Conflict)
	now := b.one(was.ID)
	if got := now.Fields[f.Name].Text(); got != text {
		b.Errorf("a conflicting update wrote %q over %q", got, text)
	}
	op = b.setOp(now, record.Fields{f.Name: record.Text("Current " + b.next())})
	op.IfVersion = now.Version
	res := b.do(op)
	if after := b.one(was.ID); res.Version != "" && res.Version != after.Version || after.Version == now.Version {
		b.Errorf("an update went from version %q to %q and answered %q", now.Version, after.Version, res.Version)
	}
}

func missingSaid(b *Bench) {
	b.prepare()
	gone := b.one(b.put())
	b.remove(gone.ID)
	b.lag()
	set := record.Fields{b.editable().Name: record.Text("Late " + b.next())}
	never := gone
	never.ID = b.missing()
	for _, was := range []connector.Change{gone, never} {
		_, errs := b.try(b.setOp(was, set))
		b.want("an update of a record that is not there", errs[0], connector.NotFound)
	}
	if slices.Contains(b.rows(), gone.ID) {
		b.Errorf("an update brought a deleted record back")
	}
}
