package record_test

import (
	"testing"

	"github.com/tandemhub/tandem/record"
)

func phones() record.Field {
	return record.Field{Name: "phones", Kind: record.KindList, Elem: []record.Field{
		{Name: "id", Kind: record.KindText, Key: true},
		{Name: "number", Kind: record.KindPhone, Unique: true},
		{Name: "use", Kind: record.KindText, Rewrites: []record.Rewrite{record.RewriteLower}},
	}}
}

func lines() record.Field {
	f := phones()
	f.Elem = append([]record.Field(nil), f.Elem...)
	f.Elem[1].Unique = false
	return f
}

// list makes elements of id, number and use; "-" leaves a field out.
func list(rows ...[3]string) record.Value {
	items := make([]record.Value, 0, len(rows))
	for _, r := range rows {
		f := record.Fields{}
		for i, name := range []string{"id", "number", "use"} {
			if r[i] != "-" {
				f[name] = record.Text(r[i])
			}
		}
		items = append(items, record.Struct(f))
	}
	return record.List(items...)
}

func TestR12AListEchoesWhatWasSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field      record.Field
		read, sent record.Value
		want       bool
	}{
		"with ids and rewritten":             {phones(), list([3]string{"1", "210", "work"}), list([3]string{"-", "210", "Work"}), true},
		"what was not sent does not count":   {phones(), list([3]string{"1", "210", "work"}), list([3]string{"-", "210", "-"}), true},
		"in another order":                   {phones(), list([3]string{"1", "1", "a"}, [3]string{"2", "2", "b"}), list([3]string{"-", "2", "b"}, [3]string{"-", "1", "a"}), true},
		"another number":                     {phones(), list([3]string{"1", "211", "work"}), list([3]string{"-", "210", "work"}), false},
		"one more":                           {phones(), list([3]string{"1", "1", "a"}, [3]string{"2", "2", "b"}), list([3]string{"-", "1", "a"}), false},
		"one twice":                          {phones(), list([3]string{"1", "1", "a"}, [3]string{"2", "2", "b"}), list([3]string{"-", "1", "a"}, [3]string{"-", "1", "a"}), false},
		"lines in another order are another": {lines(), list([3]string{"1", "1", "a"}, [3]string{"2", "2", "b"}), list([3]string{"-", "2", "b"}, [3]string{"-", "1", "a"}), false},
		"lines in order":                     {lines(), list([3]string{"1", "1", "a"}, [3]string{"2", "2", "b"}), list([3]string{"-", "1", "a"}, [3]string{"-", "2", "b"}), true},
		"nothing for nothing":                {phones(), record.Value{}, record.Value{}, true},
	} {
		if got := c.field.Echoes(c.read, c.sent); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestR12IDsAreNotComparedAndKept(t *testing.T) {
	t.Parallel()
	held := list([3]string{"7", "1", "a"}, [3]string{"8", "2", "b"})
	if !phones().Same(held, list([3]string{"9", "1", "a"}, [3]string{"-", "2", "b"})) || phones().Same(held, list([3]string{"7", "1", "a"})) {
		t.Error("lists are not compared without their ids")
	}
	for name, c := range map[string]struct {
		field     record.Field
		sent, out record.Value
	}{
		"by natural key": {phones(), list([3]string{"-", "2", "c"}, [3]string{"-", "3", "d"}), list([3]string{"8", "2", "c"}, [3]string{"-", "3", "d"})},
		"by equality":    {lines(), list([3]string{"-", "2", "c"}, [3]string{"-", "1", "a"}), list([3]string{"-", "2", "c"}, [3]string{"7", "1", "a"})},
	} {
		if got := c.field.WithIDs(held, c.sent); !got.Equal(c.out) {
			t.Errorf("%s: %v, want %v", name, got, c.out)
		}
	}
}

func TestR2BeyondIsWhatWasNeitherSentNorThere(t *testing.T) {
	t.Parallel()
	tags := record.Field{Name: "tags", Kind: record.KindChoices, Rewrites: []record.Rewrite{record.RewriteLower}}
	set := func(texts ...string) record.Value {
		var items []record.Value
		for _, s := range texts {
			items = append(items, record.Text(s))
		}
		return record.List(items...)
	}
	for name, c := range map[string]struct {
		field                     record.Field
		read, sent, held, without record.Value
		more                      bool
	}{
		"one more":                         {tags, set("c", "a", "b"), set("a", "b"), set("a"), set("a", "b"), true},
		"as the vendor spells them":        {tags, set("a", "b"), set("A"), set(), set("a"), true},
		"all the same":                     {tags, set("b", "a"), set("a", "b"), set("a"), set("b", "a"), false},
		"one was kept":                     {tags, set("a", "b"), set("a"), set("a", "b"), set("a", "b"), false},
		"one is there again and one added": {tags, set("a", "b", "c"), set("a"), set("a", "b"), set("a"), true},
		"one became another":               {tags, set("a", "c"), set("a", "b"), set("a"), set("a", "c"), false},
		"to nothing":                       {tags, set("c"), record.Value{}, set("a"), record.Value{}, true},
		"a single one":                     {tags, record.Text("c"), record.Value{}, record.Value{}, record.Value{}, true},
		"a phone": {phones(), list([3]string{"7", "210", "work"}, [3]string{"8", "211", "home"}), list([3]string{"-", "210", "Work"}), record.Value{},
			list([3]string{"7", "210", "work"}), true},
		"a phone that was changed": {phones(), list([3]string{"7", "210", "work"}, [3]string{"8", "211", "fax"}), list([3]string{"-", "210", "work"}),
			list([3]string{"8", "211", "home"}), list([3]string{"7", "210", "work"}, [3]string{"8", "211", "fax"}), false},
		"lines are one value": {lines(), list([3]string{"7", "a", "-"}, [3]string{"8", "b", "-"}), list([3]string{"-", "a", "-"}), record.Value{},
			list([3]string{"7", "a", "-"}, [3]string{"8", "b", "-"}), false},
		"so is a text": {record.Field{Kind: record.KindText}, record.Text("ab"), record.Text("a"), record.Value{}, record.Text("ab"), false},
	} {
		without, more := c.field.Beyond(c.read, c.sent, c.held)
		if more != c.more || !without.Equal(c.without) {
			t.Errorf("%s: %v without, more %t; want %v, %t", name, without, more, c.without, c.more)
		}
	}
}
