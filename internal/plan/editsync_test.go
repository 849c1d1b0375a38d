package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const editedYAML = `# ours
version: 1
syncs:
  # people first
  people: # both ways
    left: erp.contacts
    right: crm.contacts
    match: [email] # the only one
    prefer: ask # a person decides
    fields: # what we keep
      # names
      - name # of the person
      - { left: note, right: hs_note, direction: left-to-right } # never back
      - left: role # what they do
        right: hs_role # there
        values: # by hand
          "1": vip # of old
          "2": other
      # the end
    schedule: 5m # often

  # deals later
  deals: { left: erp.a, right: crm.b }
`

func edited(t *testing.T, change func(*WrittenSync)) string {
	t.Helper()
	w, err := WrittenSyncOf([]byte(editedYAML), "people")
	if err != nil {
		t.Fatal(err)
	}
	change(&w)
	out, err := EditSync([]byte(editedYAML), "people", w)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// changedLines are the lines that went and those that came.
func changedLines(before, after string) []string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out []string
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			a, b = a[1:], b[1:]
		case len(a) > 0 && !slices.Contains(b, a[0]):
			out, a = append(out, "-"+strings.TrimLeft(a[0], " ")), a[1:]
		default:
			out, b = append(out, "+"+strings.TrimLeft(b[0], " ")), b[1:]
		}
	}
	return out
}

func TestAnEditedSyncChangesTheLinesThatItMust(t *testing.T) {
	t.Parallel()
	for what, x := range map[string]struct {
		change func(*WrittenSync)
		want   []string
	}{
		"nothing":    {func(*WrittenSync) {}, nil},
		"a rule":     {func(w *WrittenSync) { w.Prefer = "left" }, []string{"-prefer: ask # a person decides", "+prefer: left # a person decides"}},
		"a new rule": {func(w *WrittenSync) { w.Direction = "left-to-right" }, []string{"+direction: left-to-right"}},
		"no rule":    {func(w *WrittenSync) { w.Prefer = "" }, []string{"-prefer: ask # a person decides", "+# a person decides"}},
		"deletes":    {func(w *WrittenSync) { w.Delete = [2]string{"archive", ""} }, []string{"+delete: { left: archive }"}},
		"keys": {func(w *WrittenSync) { w.Match = append(w.Match, [][2]string{{"first", "hs:first"}, {"last", "last"}}) }, []string{
			"-match: [email] # the only one", "+match: # the only one", "+- email", `+- [{ left: first, right: "hs:first" }, last]`,
		}},
		"a field":  {func(w *WrittenSync) { w.Fields = append(w.Fields, WrittenField{Right: "size", From: `upper(a) + "x"`}) }, []string{`+- { right: size, from: 'upper(a) + "x"' }`}},
		"no field": {func(w *WrittenSync) { w.Fields = slices.Delete(w.Fields, 0, 1) }, []string{"-- name # of the person"}},
		"an entry": {func(w *WrittenSync) { w.Fields[0].Direction = "left-to-right" }, []string{
			"-- name # of the person", "+- { left: name, right: name, direction: left-to-right } # of the person",
		}},
		"an entry in braces": {func(w *WrittenSync) { w.Fields[1].Direction, w.Fields[1].Prefer = "", "left" }, []string{
			"-- { left: note, right: hs_note, direction: left-to-right } # never back", "+- { left: note, right: hs_note, prefer: left } # never back",
		}},
		"a key of an entry": {func(w *WrittenSync) { w.Fields[2].Right = "hs_title" }, []string{"-right: hs_role # there", "+right: hs_title # there"}},
		"the first key of an entry": {func(w *WrittenSync) { w.Fields[2].Left = "title" }, []string{
			"-- left: role # what they do", "-right: hs_role # there", "-values: # by hand", `-"1": vip # of old`, `-"2": other`,
			"+# there", "+# by hand", "+# of old", "+- left: title # what they do", "+right: hs_role", "+values:", "+1: vip", "+2: other",
		}},
		"values":    {func(w *WrittenSync) { w.Fields[2].Values = [][2]string{{"1", "VIP"}, {"3", ""}} }, []string{`-"1": vip # of old`, `-"2": other`, "+1: VIP # of old", `+3: ""`}},
		"no values": {func(w *WrittenSync) { w.Fields[2].Values = nil }, []string{"-values: # by hand", `-"1": vip # of old`, `-"2": other`, "+# by hand", "+# of old"}},
		"no fields": {func(w *WrittenSync) { w.Fields = nil }, []string{
			"-fields: # what we keep", "-# names", "-- name # of the person", "-- { left: note, right: hs_note, direction: left-to-right } # never back",
			"-- left: role # what they do", "-right: hs_role # there", "-values: # by hand", `-"1": vip # of old`, `-"2": other`,
			"+# what we keep", "+# names", "+# of the person", "+# never back", "+# what they do", "+# there", "+# by hand", "+# of old",
		}},
	} {
		if diff := cmp.Diff(x.want, changedLines(editedYAML, edited(t, x.change))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestASyncThatIsWrittenOddlyIsLeftAlone(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]error{
		"version: 1\nsyncs: { deals: { left: a.b }, more: { left: b.c } }\n": ErrOddSync,
		"syncs:\n  deals:\n    fields: x\n":                                  ErrOddSync,
		"syncs:\n  deals:\n    prefer: []\n":                                 ErrOddSync,
		"syncs: {}\n":                                                        ErrNoSuchSync,
		"version: 1\n":                                                       ErrNoSuchSync,
	} {
		w, err := WrittenSyncOf([]byte(src), "deals")
		if err == nil {
			w.Prefer = "left"
			_, err = EditSync([]byte(src), "deals", w)
		}
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", src, err, want)
		}
	}
	if _, err := WrittenSyncOf([]byte("syncs: ["), "deals"); err == nil {
		t.Error("what is no YAML was read")
	}
}

func TestASyncInBracesIsUnfoldedOnceItChanges(t *testing.T) {
	t.Parallel()
	const src = "syncs:\n  deals: { left: erp.a, right: crm.b, fields: [x, { left: y, right: z }], where: { left: \"a != 'b'\" }, schedule: \"*/5 * * * *\" } # later\n  more: { left: a.b }\n"
	w, err := WrittenSyncOf([]byte(src), "deals")
	if err != nil {
		t.Fatal(err)
	}
	w.Prefer, w.Fields = "ask", append(w.Fields, WrittenField{Left: "n", Right: "n"})
	got, err := EditSync([]byte(src), "deals", w)
	if err != nil {
		t.Fatal(err)
	}
	want := "syncs:\n  deals: # later\n    left: erp.a\n    right: crm.b\n    fields:\n      - x\n      - { left: y, right: z }\n      - n\n" +
		"    where: { left: \"a != 'b'\" }\n    schedule: \"*/5 * * * *\"\n    prefer: ask\n  more: { left: a.b }\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever is entered, the document says it afterwards, all else says what it said, and no comment
// is lost.
func TestAnEditedDocumentSaysWhatWasMeant(t *testing.T) {
	t.Parallel()
	texts := rapid.OneOf(rapid.StringMatching(`[a-z_]{1,8}`), rapid.SampledFrom([]string{"a: b", "#c", "x # y", "it's", `say "x"`, "${NAME}", "$$", "- d", "[e]", "{f}", "null", "1", "0x1", "true", "*", "&g", "é ü", "a,b", "'", `\`, "a\nb", "a\u00a0b", "\u200bx", "\ufeff", "\u2028", "x\u0085"}), rapid.StringMatching(`[ -~]{1,12}`))
	maybe := func(g *rapid.Generator[string]) *rapid.Generator[string] { return rapid.OneOf(rapid.Just(""), g) }
	rapid.Check(t, func(t *rapid.T) {
		src, name := []byte(editedYAML), rapid.SampledFrom([]string{"people", "deals"}).Draw(t, "sync")
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			w, err := WrittenSyncOf(src, name)
			if err != nil {
				t.Fatal(err)
			}
			w.Direction = maybe(rapid.SampledFrom(directions())).Draw(t, "direction")
			w.Delete = [2]string{maybe(rapid.SampledFrom(policies())).Draw(t, "delete"), maybe(rapid.SampledFrom(policies())).Draw(t, "delete")}
			w.Match = nil
			for range rapid.IntRange(0, 2).Draw(t, "keys") {
				part := rapid.Custom(func(t *rapid.T) [2]string { return [2]string{texts.Draw(t, "left"), texts.Draw(t, "right")} })
				w.Match = append(w.Match, rapid.SliceOfN(part, 1, 2).Draw(t, "parts"))
			}
			w.Fields = slices.DeleteFunc(w.Fields, func(WrittenField) bool { return rapid.Bool().Draw(t, "goes") })
			for i := range w.Fields {
				change(t, &w.Fields[i], texts)
			}
			for range rapid.IntRange(0, 2).Draw(t, "new") {
				f := WrittenField{Left: texts.Draw(t, "left"), Right: texts.Draw(t, "right")}
				change(t, &f, texts)
				w.Fields = append(w.Fields, f)
			}
			if len(w.Fields) == 0 {
				w.Fields = nil
			}
			out, err := EditSync(src, name, w)
			if err != nil {
				t.Fatalf("%v: %+v in\n%s", err, w, src)
			}
			for _, comment := range []string{"# ours", "# people first", "# both ways", "# names", "# the end", "# often", "# deals later"} {
				if !strings.Contains(string(out), comment) {
					t.Fatalf("%q is lost in\n%s", comment, out)
				}
			}
			src = out
		}
	})
}

func change(t *rapid.T, f *WrittenField, texts *rapid.Generator[string]) {
	if f.All = f.All || f.Left == "*" && f.Right == "*"; f.All {
		*f = WrittenField{At: f.At, All: true}
		return
	}
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		f.Direction = "both"
	case 1:
		f.Left = texts.Filter(func(s string) bool { return s != "*" }).Draw(t, "left")
	case 2:
		f.Left, f.From = "", texts.Draw(t, "from")
	case 3:
		f.Values = nil
		for key, value := range rapid.MapOfN(texts, rapid.OneOf(rapid.Just(""), texts), 0, 3).Draw(t, "values") {
			f.Values = append(f.Values, [2]string{key, value})
		}
		slices.SortFunc(f.Values, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
}

func FuzzWrittenSync(f *testing.F) {
	f.Add([]byte(editedYAML))
	f.Add([]byte("syncs:\n  people:\n    fields:\n    - a\n    -\n      left: x\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		w, err := WrittenSyncOf(src, "people")
		if err != nil {
			return
		}
		if out, err := EditSync(src, "people", w); err != nil || string(out) != string(src) {
			t.Fatalf("an edit of nothing made %q: %v", out, err)
		}
		w.Prefer = "left"
		_, _ = EditSync(src, "people", w) // whatever comes of it, it ends
	})
}
