package storetest

import (
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func stageCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"stages are noted when they change, with what was before we looked told apart": stagesNoted,
		"stages of deals that are gone are removed":                                    stagesPruned,
	}
}

func stagesNoted(b *bench) {
	b.s.TrackStages(map[store.Object][]string{crm: {"stage"}})
	listing := read(crm, at(1), change("1", "stage", "new"), change("2", "stage", ""))
	listing.Listing = at(1)
	b.save(listing)
	b.save(read(crm, at(2), change("1", "stage", "new", "name", "x"))) // another field
	b.save(read(crm, at(3), change("1", "stage", "offer")))
	stamped := change("1", "stage", "won")
	stamped.Modified = at(4)
	b.save(read(crm, at(5), stamped))
	made := change("3", "stage", "new") // it came as a change: it has just been made
	made.Created = at(2)
	b.save(read(crm, at(5), made, change("2", "stage", "new")))
	b.save(read(erp, at(5), change("9", "stage", "new"))) // not tracked
	got, err := b.s.Stages(b.ctx, crm)
	b.ok(err)
	stage := func(id, value string, at time.Time, seen bool) store.Stage {
		return store.Stage{Of: crm, ID: id, Field: "stage", Value: value, At: at, Seen: seen}
	}
	b.same("stages", map[string][]store.Stage{
		"1": {stage("1", "new", at(1), true), stage("1", "offer", at(3), false), stage("1", "won", at(4), false)},
		"2": {stage("2", "new", at(5), false)},
		"3": {stage("3", "new", at(2), false)},
	}, got)
	other, err := b.s.Stages(b.ctx, erp)
	b.ok(err)
	b.same("not tracked", map[string][]store.Stage{}, other)
	var ids []string
	b.ok(b.s.EachPresent(b.ctx, crm, func(r record.Record) error { ids = append(ids, r.ID); return nil }))
	if len(ids) != 3 {
		b.Errorf("present: %v", ids)
	}
}

func stagesPruned(b *bench) {
	b.s.TrackStages(map[store.Object][]string{crm: {"stage"}})
	b.save(read(crm, at(1), change("1", "stage", "new"), change("2", "stage", "new")))
	b.save(read(crm, at(2), gone("2", "deleted")))
	_, err := b.s.Prune(b.ctx, store.Ages{Runs: at(5)}, 100)
	b.ok(err)
	got, err := b.s.Stages(b.ctx, crm)
	b.ok(err)
	if len(got["1"]) != 1 || len(got["2"]) != 0 {
		b.Errorf("left: %v", got)
	}
}
