package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/sim"
	"github.com/tandemhub/tandem/twin"
)

const toysYAML = `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    prefer: %s
    delete: { left: %s, right: %s }
    merge: %s
    guard: { delete: 1000, create: 1000, update: 1000 }
    fields: [name, box, email, phone, discount, stage, tags, notes%s]
`

// toys is a life between two toys; the rules of its sync follow from the seed too.
func toys(t *testing.T, seed uint64) sim.Setup {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 2))
	one := func(words ...string) string { return words[rnd.IntN(len(words))] }
	fields, code := sim.People(), ""
	if rnd.IntN(4) == 0 {
		code = ", code"
		fields = append(fields, sim.Field{Key: "code", Wire: []string{"code", "code", "code"}, Sole: true, Same: strings.ToLower,
			Draw: func(rnd *rand.Rand, _ int) string { return fmt.Sprintf("K%d", rnd.IntN(9)) }})
	}
	config := fmt.Sprintf(toysYAML, one("left", "right", "newest", "newest", "ask"), one("ignore", "archive", "delete", "unlink"), one("ignore", "archive", "delete", "unlink"), one("ask", "follow"), code)
	s := sim.Setup{Seed: seed, Config: config, Specs: []connector.Spec{toy.Spec()}, Path: t.TempDir() + "/tandem.db", Rounds: 6 + rnd.IntN(8), IdleCalls: 7,
		Kinds: []sim.Kind{{Syncs: []sim.Sync{{Name: "cards", Ends: [2]int{0, 1}}}, Objects: []string{"cards", "cards"}, Fields: fields, Key: "email"}}}
	s.Acts = sim.Acts{Merge: rnd.IntN(3) == 0, Restore: rnd.IntN(3) == 0}
	for _, name := range []string{"a", "b"} {
		tw := toy.New(twin.Options{NoLimits: true, PageSize: 1 + rnd.IntN(20)})
		folds := toy.Folding(rnd.IntN(4))
		tw.(*toy.Twin).Folds(folds)
		s.Sides = append(s.Sides, sim.Account{Connection: name, Twin: tw, Untold: folds >= toy.FoldNowhere, Unseen: folds == toy.FoldUnseen})
	}
	s.Env = func(string) (string, bool) { return s.Sides[0].Twin.Settings()["api_key"], true }
	return s
}
