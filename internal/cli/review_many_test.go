package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestRangesNameItems(t *testing.T) {
	t.Parallel()
	var items []store.Review
	for id := range int64(9) {
		items = append(items, store.Review{ID: id + 1})
	}
	for _, c := range []struct {
		text string
		want []int64
		bad  bool
	}{
		{"3-5,8", []int64{3, 4, 5, 8}, false},
		{"8,8-20", []int64{8, 9}, false},
		{"20-30", nil, false}, // a range may have gaps
		{"20", nil, true},
		{"5-3", nil, true},
		{"x", nil, true},
		{"0", nil, true},
		{"1-", nil, true},
	} {
		r, err := parseRanges(c.text)
		var got []store.Review
		if err == nil {
			got, err = r.pick(append([]store.Review(nil), items...))
		}
		var ids []int64
		for _, it := range got {
			ids = append(ids, it.ID)
		}
		if d := cmp.Diff(c.want, ids); d != "" || (err != nil) != c.bad {
			t.Errorf("%s: %v %s", c.text, err, d)
		}
	}
}

func TestItemsOfOneCauseAreOneGroup(t *testing.T) {
	t.Parallel()
	parked := func(id int64, field, cause string) store.Review {
		return store.Review{ID: id, Sync: "contacts", Kind: store.ReviewParked, Field: field, Cause: cause}
	}
	groups := engine.GroupsOf([]store.Review{
		parked(1, "email", `the value "a" is too long by 3`),
		parked(2, "country", "invalid country"),
		parked(3, "country", "Invalid country"),
		parked(4, "state", "invalid country"),
		parked(5, "country", "invalid country"),
		parked(6, "email", `the value "bcd" is too long by 12`),
	})
	var got [][]int64
	for _, g := range groups {
		got = append(got, g.Items)
	}
	if d := cmp.Diff([][]int64{{2, 3, 5}, {1, 6}, {4}}, got); d != "" {
		t.Error(d)
	}
}

func TestANumberMeansACandidate(t *testing.T) {
	t.Parallel()
	it := store.Review{Candidates: []string{"501", "7"}}
	for word, want := range map[string]string{":1": "501", ":2": "7", ":3": ":3", "7": "7", "none": "none", ":": ":"} {
		if got := engine.ChoiceOf(it, word); got != want {
			t.Errorf("%s means %s, want %s", word, got, want)
		}
	}
}

func TestCandidatesStandSideBySideWithWhatDiffers(t *testing.T) {
	t.Parallel()
	of := store.Object{Connection: "crm", Name: "contacts"}
	field := func(key, mine, theirs string) engine.CandidateField {
		return engine.CandidateField{Key: key, Mine: record.Text(mine), Theirs: record.Text(theirs), Same: mine == theirs}
	}
	it := store.Review{ID: 7, Candidates: []string{"501", "7"}, Choices: []string{"501", "7", "none"}}
	got := candidatesText(it, []engine.Candidate{
		{Of: of, ID: "501", Title: "Ann Meyer", Score: 110, Why: []string{"same email (+100)", "same phone (+10)"},
			Fields: []engine.CandidateField{field("phone", "1", "1"), field("city", "Athens", ""), field("name", "Ann", "Ann")}},
		{Of: of, ID: "7", Title: "Anna", Score: 95, Why: []string{"same email (+100)", "another phone (-5)"},
			Fields: []engine.CandidateField{field("phone", "1", "2"), field("city", "Athens", "Athens"), field("name", "Ann", "Ann")}},
	})
	want := `  candidates, the likeliest first:
    :1  crm.contacts/501 Ann Meyer
        110 points: same email (+100), same phone (+10)
    :2  crm.contacts/7 Anna
        95 points: same email (+100), another phone (-5)
           this record  :1 501   :2 7
    city   Athens       (empty)  =
    phone  1            =        2
  tandem review decide 7 :1 chooses the first
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
