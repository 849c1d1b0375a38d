package connectortest

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func goneScenarios() []scenario {
	small := twin.Options{PageSize: pageSize}
	return []scenario{
		{name: "deletes show as declared", needs: needAll(needSource(), needDeletes()), options: small, run: deletesShow},
		{name: "a missing right does not look like deleted", needs: needAll(needSource(), needDeny()), run: rightMissing},
		{name: "a hidden record does not look like deleted", needs: needAll(needSource(), needReader(), needHide()), run: recordHidden},
		{name: "a merged record points to its survivor", needs: needAll(needReader(), needMerge()), run: mergedPoints},
		{name: "delete", needs: needAll(needVerb(connector.Delete)), run: deleteGone},
		{name: "archive", needs: needAll(needVerb(connector.Archive)), run: archiveGone},
		{name: "restore brings the same id back", needs: needAll(needVerb(connector.Restore)), run: restoreBack},
	}
}

// deletesShow holds the object's evidence (R21).
func deletesShow(b *Bench) {
	b.prepare()
	ids := b.puts(2 * pageSize)
	b.later()
	r := b.list()
	gone := ids[1]
	b.remove(gone)
	b.later()
	switch b.shape.Deletes {
	case record.EvidenceFeed:
		r.more()
		if c := r.known[gone]; !fateGone(c.Fate) {
			b.Errorf("the feed does not tell that %s was deleted: fate %q", gone, c.Fate)
		}
	case record.EvidenceBin:
		sweep := b.sweep()
		sweep.more()
		if c, ok := sweep.known[gone]; !ok || !fateGone(c.Fate) {
			b.Errorf("the sweep does not list the tombstone of %s: listed %v, fate %q", gone, ok, c.Fate)
		}
	case record.EvidenceListing:
		sweep := b.sweep()
		sweep.more()
		b.same("a sweep after a delete", sweep.present(), b.rows())
		for part, complete := range sweep.complete {
			if !complete {
				b.Errorf("the sweep of %q does not say that it is complete", part)
			}
		}
	}
	if b.Reader == nil {
		return
	}
	for _, c := range b.read(ids...) {
		if fateGone(c.Fate) != (c.ID == gone) {
			b.Errorf("read: %s has fate %q after %s was deleted", c.ID, c.Fate, gone)
		}
	}
}

// rightMissing takes the right to see the object away: an error, or no proof, but nothing
// that reads as deleted (R21).
func rightMissing(b *Bench) {
	b.prepare()
	ids := b.puts(2)
	b.later()
	parts := b.parts()
	r := b.list()
	if err := b.suite.Deny(b.Twin, b.shape.Name); err != nil {
		b.Fatalf("deny: %v", err)
	}
	b.reopen()
	for _, reading := range []*reading{r, b.sweep()} {
		page, err := reading.ask(parts[0])
		switch {
		case err != nil:
			b.want("changes without the right", err, connector.Forbidden, connector.Unauthorized)
		case page.Complete:
			b.Errorf("without the right to see %s a page of it is complete", b.shape.Name)
		}
		for _, c := range page.Changes {
			if fateGone(c.Fate) {
				b.Errorf("without the right to see it %s has fate %q", c.ID, c.Fate)
			}
		}
	}
	if b.Reader == nil {
		return
	}
	changes, err := b.Reader.Read(b.ctx, b.shape.Name, ids[:1])
	if b.note(err); err != nil {
		b.want("read without the right", err, connector.Forbidden, connector.Unauthorized)
	}
	for _, c := range changes {
		if c.Fate != connector.Left {
			b.Errorf("without the right to see it %s has fate %q", c.ID, c.Fate)
		}
	}
}

// recordHidden hides one record from the credential.
func recordHidden(b *Bench) {
	b.prepare()
	ids := b.puts(3)
	b.later()
	r := b.list()
	if err := b.suite.Hide(b.Twin, b.shape.Name, ids[1]); err != nil {
		b.Fatalf("hide: %v", err)
	}
	b.later()
	r.more()
	if fate := r.known[ids[1]].Fate; fateGone(fate) {
		b.Errorf("changes: a hidden record has fate %q", fate)
	}
	changes, err := b.Reader.Read(b.ctx, b.shape.Name, ids[1:2])
	if b.note(err); err != nil {
		b.want("read of a hidden record", err, connector.Forbidden)
	}
	for _, c := range changes {
		if c.Fate != connector.Left {
			b.Errorf("read: a hidden record has fate %q", c.Fate)
		}
	}
}

// mergedPoints holds the contract of Reader for merged records (R24).
func mergedPoints(b *Bench) {
	b.prepare()
	ids := b.puts(3)
	b.later()
	r := b.list()
	if err := b.suite.Merge(b.Twin, b.shape.Name, ids[0], ids[2]); err != nil {
		b.Fatalf("merge: %v", err)
	}
	b.later()
	changes := b.read(ids...)
	b.follows("read", changes[0], ids)
	if changes[1].Fate != connector.Present {
		b.Errorf("a record that was not merged has fate %q", changes[1].Fate)
	}
	if b.shape.Deletes == record.EvidenceFeed {
		r.more()
		b.follows("changes", r.known[ids[0]], ids)
	}
}

// follows fails unless the loser points to a record that is there.
func (b *Bench) follows(what string, lost connector.Change, ids []string) {
	b.Helper()
	if lost.Fate != connector.Merged || lost.ID != ids[0] || len(lost.Into) != 1 {
		b.Fatalf("%s: a merged record has fate %q under %s and points to %v", what, lost.Fate, lost.ID, lost.Into)
	}
	survivor := lost.Into[0]
	if survivor.Object != b.shape.Name || !slices.Contains(b.rows(), survivor.ID) {
		b.Errorf("%s: a merged record points to %v, which is not there", what, survivor)
	}
}

func deleteGone(b *Bench) {
	b.prepare()
	ids := b.puts(2)
	b.do(b.verbOp(connector.Delete, ids[0]))
	b.lag()
	if fate := b.look(ids[0]).Fate; !fateGone(fate) {
		b.Errorf("a record that was deleted has fate %q", fate)
	}
	b.same("after the delete", b.rows(), b.others(ids[0]))
	b.one(ids[1])
}

func archiveGone(b *Bench) {
	b.prepare()
	ids := b.puts(2)
	b.do(b.verbOp(connector.Archive, ids[0]))
	b.lag()
	if fate := b.look(ids[0]).Fate; fate != connector.Archived {
		b.Errorf("a record that was archived has fate %q", fate)
	}
	b.same("after archiving", b.rows(), b.others(ids[0]))
	b.one(ids[1])
}

// others returns what people see but the one record.
func (b *Bench) others(id string) []string {
	return slices.DeleteFunc(b.rows(), func(row string) bool { return row == id })
}

func restoreBack(b *Bench) {
	b.prepare()
	was := b.one(b.put())
	b.do(b.verbOp(connector.Archive, was.ID))
	b.lag()
	b.do(b.verbOp(connector.Restore, was.ID))
	got := b.one(was.ID)
	for _, f := range b.writable() {
		if v, shown := was.Fields[f.Name]; shown && !equal(f, got.Fields[f.Name], v) {
			b.Errorf("%s was %q and is %q after archive and restore", f.Name, v, got.Fields[f.Name])
		}
	}
	if !slices.Contains(b.rows(), was.ID) {
		b.Errorf("people do not see %s again", was.ID)
	}
}
