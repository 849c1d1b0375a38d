package storetest

import "github.com/tandemhub/tandem/internal/store"

func configurationCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a configuration is adopted, versioned and released": adopts,
		"of two who save the same version one is told":       outdated,
	}
}

func adopts(b *bench) {
	_, found, err := b.s.Adoption(b.ctx)
	b.ok(err)
	b.same("found before", false, found)
	_, err = b.s.SaveConfiguration(b.ctx, 0, store.Configuration{Text: "x"})
	b.fails("save without adopting", store.ErrNotAdopted, err)
	b.fails("see without adopting", store.ErrNotAdopted, b.s.SeeFile(b.ctx, "f"))

	one := store.Configuration{Number: 1, Text: "version: 1\n# é\n", By: "ann", At: at(1), Note: "adopted"}
	n, err := b.s.Adopt(b.ctx, "print", one)
	b.ok(err)
	b.same("number", 1, n)
	two := store.Configuration{Number: 2, Text: "two", By: "bob", At: at(2), Note: "why"}
	n, err = b.s.SaveConfiguration(b.ctx, 1, two)
	b.ok(err)
	b.same("number", 2, n)
	a, found, err := b.s.Adoption(b.ctx)
	b.ok(err)
	b.same("found", true, found)
	b.same("adoption", store.Adoption{File: "print", By: "ann", At: at(1), Current: two}, a)
	b.ok(b.s.SeeFile(b.ctx, "other"))
	a, _, err = b.s.Adoption(b.ctx)
	b.ok(err)
	b.same("seen", "other", a.File)

	got, found, err := b.s.Configuration(b.ctx, 1)
	b.ok(err)
	b.same("found", true, found)
	b.same("one", one, got)
	_, found, err = b.s.Configuration(b.ctx, 3)
	b.ok(err)
	b.same("three", false, found)
	one.Text, two.Text = "", ""
	all, err := b.s.Configurations(b.ctx, 0, 10)
	b.ok(err)
	b.same("all", []store.Configuration{two, one}, all)
	all, err = b.s.Configurations(b.ctx, 2, 10)
	b.ok(err)
	b.same("before", []store.Configuration{one}, all)

	was, err := b.s.Unadopt(b.ctx)
	b.ok(err)
	b.same("released", true, was)
	was, err = b.s.Unadopt(b.ctx)
	b.ok(err)
	b.same("released again", false, was)
	_, found, err = b.s.Adoption(b.ctx)
	b.ok(err)
	b.same("found after", false, found)
	n, err = b.s.Adopt(b.ctx, "print", store.Configuration{Text: "three"})
	b.ok(err)
	b.same("goes on", 3, n)
}

func outdated(b *bench) {
	_, err := b.s.Adopt(b.ctx, "print", store.Configuration{Text: "1"})
	b.ok(err)
	_, err = b.s.SaveConfiguration(b.ctx, 1, store.Configuration{Text: "2"})
	b.ok(err)
	_, err = b.s.SaveConfiguration(b.ctx, 1, store.Configuration{Text: "3"})
	b.fails("the second", store.ErrOutdated, err)
	a, _, err := b.s.Adoption(b.ctx)
	b.ok(err)
	b.same("current", "2", a.Current.Text)
}
