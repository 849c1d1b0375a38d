package connectortest

import (
	"maps"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func changeScenarios() []scenario {
	return []scenario{
		{name: "an idle read is one request and nothing new", needs: needAll(needSource(), needEdit()), run: idleRead},
		{name: "a change shows up", needs: needAll(needSource(), needEdit()), run: changeShows},
		{name: "a change shows up whatever the vendor's clock says", needs: needAll(needSource(), needEdit()), run: changeShowsSkewed},
		{name: "a change of every field shows up", needs: needAll(needSource()), run: everyFieldShows},
		{name: "a silent field is told by a full read", needs: needAll(needSource(), needField("silent", silentTyped)), run: silentFieldRead},
		{name: "own writes show up", needs: needAll(needSource(), needVerb(connector.Create)), run: ownWritesShow},
		{name: "stamps move on own writes as declared", needs: needAll(needSource(), needEdit(), needVerb(connector.Update)), run: ownStamps},
		{name: "stamps are right in any zone", needs: needAll(needSource(), needEdit()), options: twin.Options{Zone: kolkata()}, run: stampsInZone},
	}
}

// kolkata is five and a half hours ahead all year.
func kolkata() *time.Location { return time.FixedZone("Asia/Kolkata", 5*3600+1800) }

// idleRead holds the budget of an idle run: one call per object and part. Rows may repeat
// while the overlap lasts; after it, none does.
func idleRead(b *Bench) {
	b.prepare()
	ids := b.puts(3)
	b.later()
	r := b.list()
	before := maps.Clone(r.known)
	for _, c := range r.more() {
		was, ok := before[c.ID]
		if !ok || c.Fate != was.Fate || c.Fate == connector.Present && !b.tells(c.Fields, was.Fields) {
			b.Errorf("nobody did anything, and %s is told as changed", c.ID)
		}
	}
	for range 2 { // the first read after the overlap may still look back over it
		time.Sleep(b.shape.Overlap + b.shape.ReadLag + 2*time.Minute)
		r.more()
	}
	time.Sleep(time.Minute)
	parts := len(b.parts())
	calls, pages := b.calls(), r.pages
	for _, part := range b.parts() {
		page, err := r.ask(part)
		if err != nil {
			b.Fatalf("changes: %v", err)
		}
		if page.More || len(page.Changes) > 0 {
			b.Errorf("an idle read shows %d changes, more %v", len(page.Changes), page.More)
		}
	}
	spent := b.calls() - calls
	if b.Partitioner != nil {
		spent-- // the question for the parts, which the hub asks more rarely
	}
	if spent > parts || r.pages-pages != parts {
		b.Errorf("an idle read of %d parts took %d requests", parts, spent)
	}
	b.edit(ids[0])
	b.later()
	if got := r.more(); len(got) == 0 {
		b.Errorf("after an idle time a change does not show up")
	}
}

// tells reports whether fields are those that were told before; what is silent may be left
// to listings (R35).
func (b *Bench) tells(got, before record.Fields) bool {
	for _, f := range b.shape.Fields {
		v, shown := got[f.Name]
		w, was := before[f.Name]
		left := f.Silent && was && !shown
		if !left && (shown != was || !v.Equal(w)) {
			return false
		}
	}
	return true
}

func changeShows(b *Bench) {
	b.prepare()
	b.showsChanges()
}

// changeShowsSkewed holds that no cursor trusts our clock: change stamps are the vendor's.
func changeShowsSkewed(b *Bench) {
	for _, skew := range []time.Duration{-11 * time.Minute, 11 * time.Minute} {
		b.Twin.Kit().Skew(skew)
		b.reopen()
		b.prepare()
		b.showsChanges()
	}
}

// showsChanges edits at once after a listing, in the same second, and later.
func (b *Bench) showsChanges() {
	b.Helper()
	ids := b.puts(3)
	b.later()
	r := b.list()
	f := b.editable()
	for i, pause := range []time.Duration{0, 500 * time.Millisecond, 3 * time.Minute, 26 * time.Hour} {
		time.Sleep(pause)
		was := r.known[ids[1]]
		text := b.edit(ids[1])
		created := b.put()
		b.later()
		r.more()
		got := r.known[ids[1]]
		if got.Fields[f.Name].Text() != text {
			b.Errorf("an edit %v after a read is not told: %s is %q, not %q", pause, f.Name, got.Fields[f.Name], text)
		}
		if _, ok := r.known[created]; !ok {
			b.Errorf("a record made %v after a read is not told", pause)
		}
		if i > 1 && !got.Modified.IsZero() && !got.Modified.After(was.Modified) {
			b.Errorf("an edit did not move the stamp: %v, then %v", was.Modified, got.Modified)
		}
		if !got.Created.Equal(was.Created) {
			b.Errorf("an edit moved the time of creation from %v to %v (R33)", was.Created, got.Created)
		}
	}
}

// everyFieldShows changes each field that people type, one at a time. One that does not
// show up must be declared silent (R35).
func everyFieldShows(b *Bench) {
	b.prepare()
	id := b.put()
	b.later()
	r := b.list()
	for _, f := range b.writable() {
		if !typed(f) || f.Silent || f.CreateOnly {
			continue
		}
		v, ok := b.value(f, true)
		if !ok || v.Text() == "" || r.known[id].Fields[f.Name].Equal(v) {
			continue
		}
		time.Sleep(b.shape.Overlap + time.Minute)
		b.enter(id, f.Name, v.Text())
		b.later()
		r.more()
		if got := r.known[id].Fields[f.Name]; !record.Echoes(got, v, f.Rewrites) {
			b.Errorf("a change of %s to %q is not told and the field is not declared silent; known is %q", f.Name, v, got)
		}
	}
}

func silentTyped(f record.Field) bool { return f.Silent && typed(f) && f.Writable() }

// silentFieldRead changes a silent field; a full listing and Read show it.
func silentFieldRead(b *Bench) {
	b.prepare()
	id := b.put()
	b.later()
	for _, f := range b.writable() {
		v, ok := b.value(f, true)
		if !silentTyped(f) || !ok {
			continue
		}
		b.enter(id, f.Name, v.Text())
		b.later()
		b.holds("a listing", f, b.list().known[id].Fields, v)
		b.holds("a read", f, b.one(id).Fields, v)
	}
}

func ownWritesShow(b *Bench) {
	b.prepare()
	b.put()
	b.later()
	r := b.list()
	time.Sleep(b.shape.Overlap + time.Minute)
	id := b.create()
	b.later()
	r.more()
	if _, ok := r.known[id]; !ok {
		b.Errorf("a record that was created through the API is not told")
	}
	f, ok := b.editField()
	if !b.shape.Update || !ok {
		return
	}
	time.Sleep(b.shape.Overlap + time.Minute)
	sent := record.Text("Written " + b.next())
	b.do(b.setOp(r.known[id], record.Fields{f.Name: sent}))
	b.later()
	r.more()
	b.holds("changes after an own update", f, r.known[id].Fields, sent)
}

// ownStamps holds Object.OwnStamps, which tells whether newest may trust a stamp (R9).
func ownStamps(b *Bench) {
	b.prepare()
	was := b.one(b.put())
	if was.Modified.IsZero() {
		return // the vendor tells no stamps
	}
	time.Sleep(time.Minute)
	b.do(b.setOp(was, record.Fields{b.editable().Name: record.Text("Stamped " + b.next())}))
	b.later()
	if moved := b.one(was.ID).Modified.After(was.Modified); moved != b.shape.OwnStamps {
		b.Errorf("an own write moves the stamp: %v; declared: %v", moved, b.shape.OwnStamps)
	}
}

// stampsInZone holds that an account in another zone shifts no stamp and no time.
func stampsInZone(b *Bench) {
	b.prepare()
	made := time.Now()
	id := b.put()
	time.Sleep(time.Hour)
	edited := time.Now()
	b.edit(id)
	c := b.one(id)
	for _, x := range []struct {
		what      string
		got, want time.Time
	}{{"creation", c.Created, made}, {"change", c.Modified, edited}} {
		if off := x.got.Sub(x.want).Abs(); !x.got.IsZero() && off > 2*time.Second {
			b.Errorf("the time of %s is off by %v in an account of another zone", x.what, off)
		}
	}
	if b.Writer == nil || !b.shape.Update {
		return
	}
	for _, f := range b.writable() {
		if f.CreateOnly || f.Kind != record.KindDate && f.Kind != record.KindDateTime {
			continue
		}
		for _, second := range []bool{false, true} {
			v, ok := b.value(f, second)
			if !ok {
				continue
			}
			b.do(b.setOp(b.one(id), record.Fields{f.Name: v}))
			b.holds("in another zone", f, b.one(id).Fields, v)
		}
	}
}
