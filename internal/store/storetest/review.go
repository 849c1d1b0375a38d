package storetest

import (
	"errors"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func reviewCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a review item comes back as it was opened":              reviewRoundTrip,
		"an open item is refreshed and keeps its id":             reviewRefresh,
		"a decision is journaled and marks its record":           reviewDecide,
		"a decision on a link marks its left record":             reviewDecideLink,
		"only an open item is decided, by one of its choices":    reviewRefusals,
		"items that settled themselves are gone":                 reviewClose,
		"Decisions gives the newest per subject":                 decisions,
		"Reviews selects by sync, kind and state":                reviewSelect,
		"an item of no sync can be opened and decided":           reviewNoSync,
		"a subject can be opened again after it was decided":     reviewAgain,
		"an item of another sync with the same subject is apart": reviewSubjects,
	}
}

func (b *bench) review(subject string) store.Review {
	return store.Review{Sync: "contacts", Kind: store.ReviewConflict, Subject: subject, Side: record.Left, Record: "1", Text: "t",
		Fix: "f", Choices: []string{"left", "right"}, Opened: at(1)}
}

func (b *bench) open(reviews ...store.Review) []store.Review {
	b.Helper()
	b.decide(store.Facts{Reviews: reviews})
	got, err := b.s.Reviews(b.ctx, store.ReviewQuery{Open: true})
	b.ok(err)
	return got
}

func reviewRoundTrip(b *bench) {
	want := b.review("link 12 email")
	want.Link, want.Field, want.Candidates = 12, "email", []string{"b", "a"}
	want.Values = [2]record.Value{record.Text("l"), record.Texts("r", "s")}
	got := b.open(want)[0]
	want.ID = got.ID
	b.same("item", want, got)
	one, found, err := b.s.Review(b.ctx, got.ID)
	b.ok(err)
	if b.same("by id", want, one); !found || got.ID == 0 {
		b.Error("not found by id")
	}
	if _, found, err := b.s.Review(b.ctx, 999); found || err != nil {
		b.Errorf("an item that nobody opened: %v %v", found, err)
	}
}

func reviewRefresh(b *bench) {
	first := b.open(b.review("s"))[0]
	again := b.review("s")
	again.Text, again.Opened, again.Values[0] = "new text", at(9), record.Text("v")
	got := b.open(again)
	again.ID, again.Opened = first.ID, at(1)
	b.same("items", []store.Review{again}, got)
	b.same("review", 1, b.tally().Review)
}

func reviewDecide(b *bench) {
	r := b.open(b.review("s"))[0]
	b.ok(b.s.DecideReview(b.ctx, r.ID, "left", "ann", at(2)))
	got, _, err := b.s.Review(b.ctx, r.ID)
	b.ok(err)
	r.Decision, r.By, r.Decided = "left", "ann", at(2)
	b.same("item", r, got)
	b.same("dirty", []store.Spot{left("1")}, b.dirty())
	b.same("review", 0, b.tally().Review)
	lines, err := b.s.History(b.ctx, store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1"})
	b.ok(err)
	if len(lines) != 1 || lines[0].Kind != store.Decided || lines[0].By != "ann" || !lines[0].At.Equal(at(2)) {
		b.Errorf("journal: %+v", lines)
	}
}

func reviewDecideLink(b *bench) {
	l := b.linked(1)[0]
	r := b.review("s")
	r.Record, r.Link = "", l.ID
	b.ok(b.s.DecideReview(b.ctx, b.open(r)[0].ID, "right", "ann", at(2)))
	b.same("dirty", []store.Spot{left("1")}, b.dirty())
}

func reviewRefusals(b *bench) {
	r := b.open(b.review("s"))[0]
	for _, decision := range []string{"", "both"} {
		if err := b.s.DecideReview(b.ctx, r.ID, decision, "ann", at(2)); err == nil || errors.Is(err, store.ErrDecided) {
			b.Errorf("decision %q: %v", decision, err)
		}
	}
	if err := b.s.DecideReview(b.ctx, 999, "left", "ann", at(2)); !errors.Is(err, store.ErrDecided) {
		b.Errorf("no such item: %v", err)
	}
	b.ok(b.s.DecideReview(b.ctx, r.ID, "left", "ann", at(2)))
	if err := b.s.DecideReview(b.ctx, r.ID, "right", "bob", at(3)); !errors.Is(err, store.ErrDecided) {
		b.Errorf("a second decision: %v", err)
	}
	b.same("dirty", 1, len(b.dirty()))
}

func reviewClose(b *bench) {
	items := b.open(b.review("one"), b.review("two"))
	b.ok(b.s.DecideReview(b.ctx, items[1].ID, "left", "ann", at(2)))
	b.decide(store.Facts{Close: []string{"one", "two", "three"}})
	all, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	b.same("left", []string{"two"}, []string{all[0].Subject})
	b.same("review", 0, b.tally().Review)
}

func decisions(b *bench) {
	for i, decision := range []string{"left", "right"} {
		items := b.open(b.review("s"), b.review("open"))
		b.ok(b.s.DecideReview(b.ctx, items[len(items)-1-count(items[len(items)-1].Subject == "open")].ID, decision, "ann", at(i)))
	}
	got, err := b.s.Decisions(b.ctx, "contacts", []string{"s", "open", "none"})
	b.ok(err)
	if len(got) != 1 || got["s"].Decision != "right" {
		b.Errorf("decisions: %+v", got)
	}
	got, err = b.s.Decisions(b.ctx, "others", []string{"s"})
	b.ok(err)
	b.same("of another sync", 0, len(got))
}

func count(x bool) int {
	if x {
		return 1
	}
	return 0
}

func reviewSelect(b *bench) {
	parked, other := b.review("p"), b.review("o")
	parked.Kind, other.Sync = store.ReviewParked, "others"
	items := b.open(b.review("c"), parked, other)
	b.ok(b.s.DecideReview(b.ctx, items[0].ID, "left", "ann", at(2)))
	for _, c := range []struct {
		q    store.ReviewQuery
		want string
	}{
		{store.ReviewQuery{}, "cpo"}, {store.ReviewQuery{Open: true}, "po"}, {store.ReviewQuery{Sync: "contacts"}, "cp"},
		{store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewConflict, store.ReviewGuard}}, "co"}, {store.ReviewQuery{Limit: 1}, "c"},
		{store.ReviewQuery{Sync: "nobody"}, ""},
	} {
		got, err := b.s.Reviews(b.ctx, c.q)
		b.ok(err)
		var subjects strings.Builder
		for _, r := range got {
			subjects.WriteString(r.Subject)
		}
		b.same("subjects", c.want, subjects.String())
	}
}

func reviewNoSync(b *bench) {
	r := b.review("connection erp")
	r.Sync, r.Record = "", ""
	id := b.open(r)[0].ID
	b.ok(b.s.DecideReview(b.ctx, id, "left", "ann", at(2)))
	b.same("dirty", 0, len(b.dirty()))
}

func reviewAgain(b *bench) {
	first := b.open(b.review("s"))[0]
	b.ok(b.s.DecideReview(b.ctx, first.ID, "left", "ann", at(2)))
	second := b.open(b.review("s"))
	if len(second) != 1 || second[0].ID == first.ID {
		b.Errorf("opened again: %+v", second)
	}
}

func reviewSubjects(b *bench) {
	other := b.review("s")
	other.Sync = "others"
	b.same("open", 2, len(b.open(b.review("s"), other)))
	b.same("of the sync", 1, b.tally().Review)
}
