package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/internal/cli"
	"github.com/tandemhub/tandem/systems"
)

// play runs the demo in virtual time and returns what it printed.
func play(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		code := cli.Run(t.Context(), append([]string{"demo"}, args...), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs,
			Env: func(string) (string, bool) { return "", false }}, systems.All())
		if code != 0 {
			t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
		}
	})
	return out.String()
}

func TestDemoEndsWithBothSidesEqual(t *testing.T) {
	t.Parallel()
	got := play(t, "--companies", "30")
	for _, want := range []string{
		"nothing was written: the ledgers of both hold 0 writes by programs",
		"Once more, with nothing changed: 0 writes to either side.",
		"so both have it",
		`"Θεσσαλονίκη" holds now (prefer newest: right is 1 minute newer)`,
		"HubSpot has 0 people more than before",
		"has the same email as",
		"HubSpot told us once to come back later and was once out of order",
		"12 people had been changed there",
		"its ledger has 12 writes",
		"companies: 30 in Dolibarr, 30 in HubSpot, 30 pairs.",
		"contacts: 91 in Dolibarr, 91 in HubSpot, 91 pairs.",
		"Then 12 people came over: 4 on \"In negotiation\", 8 on \"Qualified leads\".",
		"in stage 1        Qualified leads   -",
		"moved to stage 2  Qualified leads   deal_stage_changed from=1 to=2",
		"moved to stage 3  In negotiation    deal_stage_changed from=2 to=3",
		"won               Customers         deal_won value=500",
		"a lifetime value of 500 and 0 open deals",
		"tandem init",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	for _, never := range []string{"not reconciled", "somebody lost an edit", "differ.", "(empty)."} {
		if strings.Contains(got, never) {
			t.Errorf("the demo says %q", never)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// The demo's sentences are computed: another rule gives another winner, another firm other
// numbers.
func TestDemoTellsWhatHappened(t *testing.T) {
	t.Parallel()
	got := play(t, "--companies", "24", "--prefer", "left")
	for _, want := range []string{
		`"Πειραιάς" holds now (both changed: prefer left)`,
		"companies: 24 in Dolibarr, 24 in HubSpot, 24 pairs.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the demo does not say %q\n%s", want, got)
		}
	}
	if strings.Contains(got, `"Θεσσαλονίκη" holds now`) {
		t.Error("the demo tells the winner of another rule")
	}
}
