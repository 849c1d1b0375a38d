package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// person is an object with everything that words are made of.
func wordyObject() record.Object {
	return record.Object{Name: "people", Common: "contact", Fields: []record.Field{
		{Name: "first", Common: "first_name", Kind: record.KindText}, {Name: "last", Common: "last_name", Kind: record.KindText},
		{Name: "mail", Kind: record.KindEmail}, {Name: "tel", Kind: record.KindPhone}, {Name: "notes", Common: "notes", Kind: record.KindText},
		{Name: "phones", Kind: record.KindList, Elem: []record.Field{{Name: "number", Kind: record.KindPhone}, {Name: "label", Kind: record.KindText}}},
	}}
}

func wordsOf(f record.Fields, country string) []string {
	var words []string
	for _, k := range addWords(nil, wordFields(wordyObject()), f, country) {
		words = append(words, k.Value)
	}
	return words
}

func TestARecordIsFoundByWhatItIsKnownBy(t *testing.T) {
	t.Parallel()
	f := record.Fields{"first": record.Text("Élodie  Ann-Marie"), "last": record.Text("Παπαδοπούλου"), "mail": record.Text("Ann@Example.com"),
		"tel": record.Text("210 1234567"), "notes": record.Text("secret"),
		"phones": record.List(record.Struct(record.Fields{"number": record.Text("+49 30 123456"), "label": record.Text("home")}))}
	want := []string{"elodie", "ann", "marie", "παπαδοπουλου", "ann@example.com", "+302101234567", "+4930123456"}
	if diff := cmp.Diff(want, wordsOf(f, "GR")); diff != "" {
		t.Error(diff)
	}
	for _, x := range []struct {
		typed, country string
		want           []string
	}{
		{" ELODIE ann", "", []string{"elodie", "ann"}},
		{"ΠΑΠΑΔΟΠΟΎΛΟΥ", "", []string{"παπαδοπουλου"}},
		{"ann@EXAMPLE.com", "", []string{"ann@example.com"}},
		{"ann@ex", "", []string{"ann@ex"}},
		{"(0030) 210-123 4567", "GR", []string{"+302101234567"}},
		{"+30 210 1234567", "", []string{"+302101234567"}},
		{"210/1234567", "GR", []string{"+302101234567"}},
		{"INV-2026 7", "GR", []string{"inv", "2026", "7"}},
		{"  ", "", nil},
	} {
		if diff := cmp.Diff(x.want, SearchWords(x.typed, x.country), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q:\n%s", x.typed, diff)
		}
	}
}

func TestWordsOfARecordAreBounded(t *testing.T) {
	t.Parallel()
	f := record.Fields{"first": record.Text(strings.Repeat("a b c d e f g h i j k l m n o p q r s t u v w x y z ", 1000))}
	if n := len(wordsOf(f, "")); n != mostWords {
		t.Errorf("%d words", n)
	}
	if line := (record.Object{Common: "line", Fields: wordyObject().Fields}); len(wordFields(line)) != 0 {
		t.Error("lines are indexed")
	}
	if wordsPrint(wordFields(wordyObject()), "GR") == wordsPrint(wordFields(wordyObject()), "DE") {
		t.Error("the print is the same for other words")
	}
}

// What somebody types to find a name finds it: every beginning of every word of it.
func FuzzSearchWords(f *testing.F) {
	f.Add("Ann Papadopoulou", "GR")
	f.Add("Ünal ΠΑΠΑΣ ß@", "")
	f.Fuzz(func(t *testing.T, text, country string) {
		for _, w := range SearchWords(text, country) {
			if w == "" {
				t.Fatalf("%q asks for an empty word", text)
			}
		}
		keys := addWords(nil, []record.Field{{Name: "n", Common: "name", Kind: record.KindText}}, record.Fields{"n": record.Text(text)}, country)
		for _, w := range nameWords(text) {
			if !slices.Contains(keys, store.WordKey(w)) && len(keys) < mostWords {
				t.Errorf("%q is not found by %q", text, w)
			}
		}
	})
}
