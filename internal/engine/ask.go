package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// reversedTooOften asks a person when an enforced field has been put back three times in a
// day and was changed once more (R10). The answer is good for that once.
func (b *batch) reversedTooOften(ctx context.Context, d *draft, f mappingField, in merge.Field, w merge.Write) (bool, error) {
	to := fieldOn(f, w.To)
	of := b.r.p.ends[w.To].of
	lines, err := b.r.e.store.History(ctx, store.HistoryQuery{Connection: of.Connection, Object: of.Name, Record: d.link.IDs[w.To], Since: time.Now().Add(-guardDay)})
	if err != nil {
		return false, fmt.Errorf("count reversals: %w", err)
	}
	n, last := 0, time.Time{}
	for _, e := range lines {
		if e.Kind == store.Overruled && e.Field == to.Name && strings.HasPrefix(e.Why, "enforced") {
			n++
			if e.At.After(last) {
				last = e.At
			}
		}
	}
	if n < maxReversals {
		return false, nil
	}
	was, err := b.r.decision(ctx, subject(d.link.ID, f.Key))
	if err != nil {
		return false, err
	}
	if was.Decided.After(last) && was.Values[0].Equal(in.Cells[0].Value) && was.Values[1].Equal(in.Cells[1].Value) {
		switch was.Decision {
		case w.To.Other().String():
			return false, nil
		case w.To.String():
			b.agree(d, f, in, merge.Outcome{Rule: "put back too often, and a person let it stand"})
			return true, nil
		}
	}
	d.diverge(f.Key, "put back too often")
	b.review(store.Review{Kind: store.ReviewConflict, Subject: subject(d.link.ID, f.Key), Link: d.link.ID, Side: w.To, Record: d.link.IDs[w.To], Field: f.Key,
		Values: [2]record.Value{in.Cells[0].Value, in.Cells[1].Value}, Choices: []string{"left", "right"},
		Text: fmt.Sprintf("%s of %s/%s was put back %d times within a day and changed again", to.Name, of, d.link.IDs[w.To], n),
		Fix:  "talk to whoever changes it, or take enforce off the field; say which side holds now: left or right"})
	return true, nil
}

// tooOften reports whether a field was written so often in this run that only a person can
// end it (R8). What was planned and never sent does not count.
func (r *run) tooOften(link int64, key string, side record.Side) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rounds[roundOf(link, key, side)] >= maxFieldRounds
}

func (r *run) countRound(link int64, key string, side record.Side) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rounds[roundOf(link, key, side)]++
}

func roundOf(link int64, key string, side record.Side) string {
	return fmt.Sprintf("%d %s %d", link, key, side)
}

// decision looks up what a person decided about a conflict between exactly these values,
// and asks if nobody did. Conflicts of first matches are one question per field (R5), but
// not where somebody's no is at stake.
func (b *batch) decision(ctx context.Context, d *draft, key string, in merge.Field, mails bool) (merge.Prefer, error) {
	consent := mails || in.Consent != nil
	first := !consent && (!in.Cells[0].HasBase || !in.Cells[1].HasBase)
	about := subject(d.link.ID, key)
	if first {
		about = firstSubject(key)
	}
	was, err := b.r.decision(ctx, about)
	if err != nil {
		return "", err
	}
	if (was.Decision == "left" || was.Decision == "right") &&
		(first || was.Values[0].Equal(in.Cells[0].Value) && was.Values[1].Equal(in.Cells[1].Value)) {
		if spent, err := b.spent(ctx, d, key, in, was); err != nil || !spent {
			return merge.Prefer(was.Decision), err
		}
	}
	item := store.Review{Kind: store.ReviewConflict, Subject: about, Link: d.link.ID, Side: record.Left, Record: d.link.IDs[0], Field: key,
		Values: [2]record.Value{in.Cells[0].Value, in.Cells[1].Value}, Choices: []string{"left", "right"},
		Text: fmt.Sprintf("both sides changed %s: left has %q, right has %q", key, in.Cells[0].Value, in.Cells[1].Value),
		Fix:  "say which one holds: left or right"}
	if first {
		item.Link, item.Record = 0, ""
		item.Text = fmt.Sprintf("records that were matched hold different values of %s, for example %s/%s %q and %s/%s %q", key,
			b.r.p.ends[0].of, d.link.IDs[0], in.Cells[0].Value, b.r.p.ends[1].of, d.link.IDs[1], in.Cells[1].Value)
		item.Fix = "say once which side wins for this field in all first matches: left or right; what loses is kept in the history"
	}
	if consent {
		item.Text, item.Fix = b.askConsent(d, key, in, mails)
	}
	b.review(item)
	return "", nil
}

func subject(link int64, key string) string { return fmt.Sprintf("link %d %s", link, key) }
func firstSubject(key string) string        { return "first match " + key }

// fieldSubject is the subject of a review item about one value of a record that could not be
// carried over.
func fieldSubject(side record.Side, id, key string) string {
	return fmt.Sprintf("field %s %s %s", side, id, key)
}

// review opens a review item of this run's sync, or refreshes it. Of one subject, a batch
// opens one item.
func (b *batch) review(item store.Review) {
	if b.asked == nil {
		b.asked = map[string]bool{}
	}
	if b.asked[item.Subject] {
		return
	}
	b.asked[item.Subject] = true
	if item.Link == 0 && item.Record != "" {
		item.Seen[item.Side] = b.rows[item.Side][item.Record].Seq
	}
	item.ID, item.Sync, item.Opened = b.r.e.store.NewID(), b.r.p.Name, time.Now()
	b.r.asking.Store(true)
	b.facts.Reviews = append(b.facts.Reviews, item)
}

// editText says what holds a delete: an edit, or a value that the deleted record never had.
func (b *batch) editText(d *draft, lost record.Side, key string, was, is record.Value) string {
	other := lost.Other()
	gone, kept := b.r.p.ends[lost].of.String()+"/"+d.link.IDs[lost], b.r.p.ends[other].of.String()+"/"+d.link.IDs[other]
	c := b.r.p.copies
	ofCopies := c != nil && c.list >= 0 && b.r.p.Mapping.Fields()[c.list].Key == key // what these agreed on is with each of them
	field := b.r.p.fieldName(key, other)
	if _, agreed := d.link.Base[other][key]; !agreed && !ofCopies {
		return fmt.Sprintf("%s was deleted before %s was in step with %s, which has %q: nothing is deleted", gone, field, kept, is)
	}
	return fmt.Sprintf("%s was deleted, but %s of %s was changed from %q to %q: nothing is deleted", gone, field, kept, was, is)
}
