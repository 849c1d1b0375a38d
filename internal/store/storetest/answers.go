package storetest

import (
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func answerCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a write with a key is done once": answers, "answers are forgotten after a day": oldAnswers,
		"runs are found by number, sync and age": foundRuns, "review items are found by field, cause and number": foundReviews,
	}
}

func answers(b *bench) {
	a := store.Asking{Key: "k", By: "1/robot", Route: "POST /x", Hash: "h", At: at(5)}
	begin := func(a store.Asking, since time.Time) (store.Answer, bool) {
		b.Helper()
		was, found, err := b.s.BeginAnswer(b.ctx, a, since)
		b.ok(err)
		return was, found
	}
	_, found := begin(a, at(0))
	b.same("the first time", false, found)
	was, found := begin(a, at(0))
	b.same("while it is done", true, found)
	b.same("while it is done", store.Answer{Hash: "h", Body: []byte{}, At: at(5)}, was)
	for _, other := range []store.Asking{{Key: "k2", By: a.By, Route: a.Route}, {Key: "k", By: "2/robot", Route: a.Route}, {Key: "k", By: a.By, Route: "POST /y"}} {
		other.At = at(5)
		_, found = begin(other, at(0))
		b.same("another one", false, found)
	}
	answer := store.Answer{Hash: "h", Status: 202, Kind: "application/json", Body: []byte("{}\n"), At: at(5)}
	b.ok(b.s.EndAnswer(b.ctx, a, answer))
	again := a
	again.Hash, again.At = "other", at(6)
	was, found = begin(again, at(7))
	b.same("once answered", true, found)
	b.same("once answered", answer, was)
	b.ok(b.s.DropAnswer(b.ctx, a))
	_, found = begin(again, at(0))
	b.same("once dropped", false, found)
	_, found = begin(store.Asking{Key: "k", By: a.By, Route: a.Route, Hash: "h3", At: at(9)}, at(8))
	b.same("begun by a process that is no more", false, found)
	was, _ = begin(again, at(8))
	b.same("taken over", "h3", was.Hash)
}

func oldAnswers(b *bench) {
	a := store.Asking{Key: "k", By: "1/robot", Route: "POST /x", Hash: "h", At: at(0)}
	_, _, err := b.s.BeginAnswer(b.ctx, a, at(0))
	b.ok(err)
	b.ok(b.s.EndAnswer(b.ctx, a, store.Answer{Status: 200}))
	a.At = at(0).Add(store.AnswersFor)
	_, found, err := b.s.BeginAnswer(b.ctx, a, at(0))
	b.ok(err)
	b.same("after a day", true, found)
	a.At = a.At.Add(time.Second)
	_, found, err = b.s.BeginAnswer(b.ctx, a, at(0))
	b.ok(err)
	b.same("later", false, found)
}

func foundRuns(b *bench) {
	b.ok(b.s.SetSync(b.ctx, "companies", erp, companies))
	for id := int64(1); id <= 6; id++ {
		r := store.Run{ID: id, Sync: []string{"contacts", "companies"}[id%2], Started: at(int(id))}
		b.ok(b.s.StartRun(b.ctx, r))
		if id != 6 {
			r.Status, r.Ended = "ok", at(int(id)+1)
			b.ok(b.s.FinishRun(b.ctx, r))
		}
	}
	for _, x := range []struct {
		q    store.RunQuery
		want []int64
	}{
		{store.RunQuery{}, []int64{6, 5, 4, 3, 2, 1}}, {store.RunQuery{Limit: 2}, []int64{6, 5}},
		{store.RunQuery{Sync: "contacts"}, []int64{6, 4, 2}}, {store.RunQuery{Sync: "contacts", Before: 4}, []int64{2}},
		{store.RunQuery{Sync: "contacts", After: 2}, []int64{6, 4}}, {store.RunQuery{After: 2, Sync: "contacts", Ended: true}, []int64{4}},
		{store.RunQuery{Sync: "no such"}, nil},
	} {
		runs, err := b.s.RunsPage(b.ctx, x.q)
		b.ok(err)
		var got []int64
		for _, r := range runs {
			got = append(got, r.ID)
		}
		b.same("runs", x.want, got)
	}
}

func foundReviews(b *bench) {
	var items []store.Review
	for _, field := range []string{"email", "phone", "email"} {
		items = append(items, store.Review{Sync: "contacts", Kind: store.ReviewParked, Subject: field + string(rune('0'+len(items))), Field: field, Cause: "bad " + field, Opened: at(1)})
	}
	b.ok(b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Reviews: items}))
	all, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	mails, err := b.s.Reviews(b.ctx, store.ReviewQuery{Field: "email", After: all[0].ID})
	b.ok(err)
	b.same("found", []store.Review{all[2]}, mails)
	phones, err := b.s.Reviews(b.ctx, store.ReviewQuery{Cause: "bad phone"})
	b.ok(err)
	b.same("of a cause", []store.Review{all[1]}, phones)
}
