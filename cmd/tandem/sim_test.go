package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/internal/sim"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

const livesYAML = `version: 1
timezone: Europe/Athens
country: GR
connections:
  erp: { system: dolibarr, url: "http://erp.test/api/index.php", api_key: "${ERP_SECRET}" }
  crm: { system: hubspot, access_token: "${CRM_SECRET}" }
syncs:
  contacts:
    left: erp.contacts
    right: crm.contacts
    match: [email]
    prefer: %s
    delete: { left: %s, right: %s }
    guard: { delete: 1000, create: 1000, update: 1000 }
    fields: [last_name, first_name, email, phone, job_title, city]
`

// office life: a Dolibarr and a HubSpot, whose rules of sync follow from the seed too.
func realLife(t *testing.T, seed uint64) sim.Setup {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 3))
	one := func(words ...string) string { return words[rnd.IntN(len(words))] }
	text := func(key, left, right string, draw func(*rand.Rand, int) string) sim.Field {
		return sim.Field{Key: key, Wire: []string{left, right}, Draw: draw, Same: asDolibarrKeepsIt}
	}
	name := text("last_name", "lastname", "lastname", sim.Name)
	name.Keeps = true
	fields := []sim.Field{
		name, text("first_name", "firstname", "firstname", sim.Name), text("job_title", "poste", "jobtitle", plainText), text("city", "town", "city", plainText),
		{Key: "email", Wire: []string{"email", "email"}, Sole: true, Same: strings.ToLower, Draw: func(rnd *rand.Rand, _ int) string {
			return fmt.Sprintf([]string{"p%d@x.example", "P%d@X.example", "o'p%d+tag@x.example"}[rnd.IntN(3)], rnd.IntN(60))
		}},
		{Key: "phone", Wire: []string{"phone_pro", "phone"}, Draw: sim.Phone, Same: sim.Digits},
		{Key: "fax", Wire: []string{"", "fax"}, Draw: sim.Phone, Loose: true},
	}
	s := sim.Setup{Seed: seed, Path: t.TempDir() + "/tandem.db", Rounds: 5 + rnd.IntN(6), IdleCalls: 6, Steady: true,
		Config: fmt.Sprintf(livesYAML, one("left", "right", "newest", "newest", "ask"), one("ignore", "archive", "delete", "unlink"), one("ignore", "archive", "unlink")),
		Kinds:  []sim.Kind{{Syncs: []sim.Sync{{Name: "contacts", Ends: [2]int{0, 1}}}, Objects: []string{"contacts", "contacts"}, Fields: fields, Key: "email"}}}
	for _, sys := range systems.All() {
		s.Specs = append(s.Specs, sys.Spec)
	}
	s.Sides = []sim.Account{{Connection: "erp", Twin: twinOf(t, "dolibarr", twin.Options{Zone: athens(t)}), Blind: true, Shy: true, Archives: [2]string{"statut", "0"}},
		{Connection: "crm", Twin: twinOf(t, "hubspot", twin.Options{}), Blind: true, Keyless: true}}
	s.Env = func(name string) (string, bool) {
		if name == "ERP_SECRET" {
			return s.Sides[0].Twin.Settings()["api_key"], true
		}
		return s.Sides[1].Twin.Settings()["access_token"], true
	}
	return s
}

// plainText draws texts that the simulated systems keep as they are, but for emoji, quotes
// and blanks.
func plainText(rnd *rand.Rand, n int) string {
	return fmt.Sprintf([]string{"%d", "town %d", "Αθήνα %d", "\"quoted\" %d", "🙂 %d", "  blanks   %d ", "null %d", "=1+%d", "%d & co", "l'été %d"}[rnd.IntN(10)], n)
}

// asDolibarrKeepsIt takes out of a text what Dolibarr's database and its firewall do.
func asDolibarrKeepsIt(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > 0xFFFF || r == '"' {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// Invariants 3 to 8 and 11 over the real systems' twins; see internal/sim.
func TestLives(t *testing.T) {
	t.Parallel()
	which, err := sim.LivesOf(os.Getenv, 50)
	if err != nil {
		t.Fatal(err)
	}
	counts, n := map[string]int{}, 0
	for seed := range which.All {
		var res sim.Result
		synctest.Test(t, func(t *testing.T) {
			var err error
			s := realLife(t, seed)
			s.Stress = which.Stress
			if res, err = sim.Run(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		})
		for what, times := range res.Counts {
			counts[what] += times
		}
		if len(res.Wrong) > 0 {
			t.Error(res.Report(which.Again("sim", seed), testing.Verbose()))
		}
		n++
	}
	t.Logf("%d lives:\n%s", n, sim.Told(counts))
	if missing := sim.Missing(counts); !which.Few() && len(missing) > 0 {
		t.Errorf("in %d lives these never happened: %q", n, missing)
	}
}
