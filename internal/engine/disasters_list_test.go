package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func disasters() []disaster {
	return slices.Concat(recordDisasters(), valueDisasters(), otherDisasters())
}

// recordDisasters befall whole records.
func recordDisasters() []disaster {
	return []disaster{
		{name: "one side is emptied by an import", want: "guard gone", strike: removing(left, 0, disasterCards)},
		{name: "one side is emptied where deletes are ignored", want: "guard gone", yaml: replaced("delete: archive", "delete: ignore"), strike: removing(left, 0, disasterCards), kept: true, final: true},
		{name: "everything is put into the bin", want: "guard gone", strike: func(w *world) {
			for _, row := range w.a.Rows("cards") {
				if err := w.a.Archive("cards", row.ID); err != nil {
					w.t.Fatal(err)
				}
			}
		}},
		{name: "a third is deleted", want: "guard delete", strike: removing(left, 0, disasterCards/3)},
		{name: "records vanish two at a time", want: "guard drip", kept: true, strike: inDrips(12, func(w *world, n int) { removing(left, 0, 2)(w) })},
		{name: "both sides lose records at once", both: true, want: "guard delete", strike: func(w *world) {
			removing(left, 0, 40)(w)
			removing(right, disasterCards-60, disasterCards)(w)
		}},
		{name: "half of the records are merged into the others", want: "guard delete", yaml: replaced("delete: archive", "delete: archive\n    merge: follow"), final: true, mended: true,
			strike: func(w *world) {
				rows := w.a.Rows("cards")
				for i := 0; i+1 < len(rows); i += 2 {
					if err := w.a.Merge("cards", rows[i].ID, rows[i+1].ID); err != nil {
						w.t.Fatal(err)
					}
				}
			}},
		{name: "all records leave the filter", want: "guard delete", yaml: replaced("match: [email]", "match: [email]\n    where: { left: \"stage != 'lost'\" }\n    leave: archive"), mended: true,
			strike: every("stage", becomes("lost"))},
		{name: "a script makes hundreds of records", want: "guard flood", mended: true, strike: func(w *world) {
			for i := range 260 {
				w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Bot ", i), "email": fmt.Sprintf("bot%d@y.gr", i)})
			}
		}},
		{name: "a test leaves records that are all alike", want: "guard copies", mended: true, strike: func(w *world) {
			for i := range 30 {
				w.put(w.a, "cards", "", map[string]string{"name": "Test", "email": fmt.Sprintf("test%d@y.gr", i), "notes": "please ignore"})
			}
		}},
		{name: "an import is bigger than the guard lets in", want: "guard create", yaml: replaced("delete: archive", "delete: archive\n    guard: { create: 50 }"), mended: true, strike: func(w *world) {
			for i := range 80 {
				w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Fair ", i), "email": fmt.Sprintf("fair%d@y.gr", i)})
			}
		}},
		{name: "a script makes everybody once more", want: "review duplicate", strike: func(w *world) {
			for i := range disasterCards {
				w.put(w.a, "cards", "", map[string]string{"name": "Again", "email": fmt.Sprintf("p%d@x.gr", i)})
			}
		}},
		{name: "the vendor was restored from a backup", main: "labels", want: "review identity", strike: func(w *world) { w.a.Rewind("labels", disasterCards+15) }},
		{name: "the vendor lists nothing and says all is well", main: "labels", want: "review identity", strike: func(w *world) { w.a.Blank("labels", true) }},
		{name: "the credential was narrowed", main: "labels", want: "review identity", strike: func(w *world) {
			for _, row := range w.a.Rows("labels")[:30] {
				if err := w.a.Hide("labels", row.ID, true); err != nil {
					w.t.Fatal(err)
				}
			}
		}},
		{name: "another account is behind the address", want: "paused", strike: func(w *world) {
			w.a.Become("B-99")
			removing(left, 0, disasterCards)(w)
		}},
		{name: "all records are touched and none is changed", want: "nothing", strike: func(w *world) {
			for _, row := range w.a.Rows("cards") {
				w.put(w.a, "cards", row.ID, map[string]string{"name": row.Fields["name"], "active": "true"})
			}
		}},
	}
}

// valueDisasters befall the values of fields.
func valueDisasters() []disaster {
	replace := strings.ReplaceAll
	return []disaster{
		{name: "half of the fields are null after an upgrade", want: "guard emptied", strike: func(w *world) {
			for _, row := range w.a.Rows("cards") {
				w.put(w.a, "cards", row.ID, map[string]string{"phone": "", "discount": "", "notes": "", "born": "", "seen": ""})
			}
		}},
		{name: "a pipeline of stages is deleted", want: "guard emptied", strike: share("stage", 3, becomes(""))},
		{name: "a field is emptied a few records at a time", want: "guard emptied", kept: true, strike: inDrips(10, func(w *world, n int) {
			for _, row := range w.a.Rows("cards")[n*4 : n*4+4] {
				w.put(w.a, "cards", row.ID, map[string]string{"notes": ""})
			}
		})},
		{name: "all phones lose their prefix", want: "guard update", strike: every("phone", of("phone", func(s string) string { return strings.TrimPrefix(s, "+49") }))},
		{name: "all times move by a time zone", want: "guard shape", strike: every("seen", of("seen", moved(2*time.Hour)))},
		{name: "times move by a time zone one after the other", want: "guard shape", kept: true, strike: inDrips(10, func(w *world, n int) {
			for _, row := range w.a.Rows("cards")[n*4 : n*4+4] {
				w.put(w.a, "cards", row.ID, map[string]string{"seen": moved(-time.Hour)(row.Fields["seen"])})
			}
		})},
		{name: "all days slip by one", want: "guard shape", strike: every("born", of("born", moved(-24*time.Hour)))},
		{name: "days are counted from another epoch", want: "guard shape", strike: share("born", 4, of("born", moved(1462*24*time.Hour)))},
		{name: "day and month change places", want: "guard shape", strike: every("born", of("born", func(s string) string {
			if d, err := time.Parse(time.DateOnly, s); err == nil && d.Day() <= 12 {
				return time.Date(d.Year(), time.Month(d.Day()), int(d.Month()), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
			}
			return s
		}))},
		{name: "a currency is told in cents", want: "guard shape", strike: share("discount", 4, of("discount", func(s string) string { return scaledBy(s, 100) }))},
		{name: "percents become fractions", want: "guard shape", strike: share("discount", 4, of("discount", func(s string) string { return scaledBy(s, 0.01) }))},
		{name: "all amounts change their sign", want: "guard shape", strike: share("discount", 4, of("discount", func(s string) string { return "-" + s }))},
		{name: "all decimals are cut off", want: "guard shape", strike: share("discount", 4, of("discount", func(s string) string { return strings.Split(s, ".")[0] }))},
		{name: "all is read in the wrong encoding", want: "guard shape", strike: share("name", 4, of("name", latin))},
		{name: "what is not ASCII becomes question marks", want: "guard shape", strike: share("name", 4, of("name", func(s string) string { return replace(replace(s, "ö", "?"), "ü", "?") }))},
		{name: "texts are escaped for the web", want: "guard shape", strike: share("notes", 4, of("notes", func(s string) string { return replace(s, "&", "&amp;") }))},
		{name: "everything is written in capitals", want: "guard shape", strike: share("name", 4, of("name", strings.ToUpper))},
		{name: "codes lose their leading zeros", want: "guard shape", strike: share("code", 4, of("code", func(s string) string { return strings.TrimLeft(s, "0") }))},
		{name: "long numbers went through a spreadsheet", want: "guard shape", strike: func(w *world) {
			for i, row := range w.a.Rows("cards")[:40] {
				w.put(w.a, "cards", row.ID, map[string]string{"code": fmt.Sprintf("%d.%03de+10", 3, i)})
			}
		}},
		{name: "values are masked for a lesser role", want: "guard shape", strike: share("email", 4, func(i int, row map[string]string) string { return row["email"][:2] + "***" + row["email"][2:] })},
		{name: "texts are cut to a shorter column", want: "guard shape", strike: share("notes", 4, of("notes", func(s string) string { return s[:24] }))},
		{name: "names lose their ending", want: "guard shape", strike: share("name", 4, of("name", func(s string) string { return strings.TrimSuffix(s, " GmbH") }))},
		{name: "everybody gets the same e-mail address", want: "guard same", strike: share("email", 4, becomes("info@x.gr"))},
		{name: "times become the beginning of all time", want: "guard same", strike: share("seen", 4, becomes("1970-01-01T00:00:00Z"))},
		{name: "one column was sorted without the others", want: "guard shuffled", strike: func(w *world) {
			rows := w.a.Rows("cards")
			for i, row := range rows[:60] {
				w.put(w.a, "cards", row.ID, map[string]string{"notes": rows[(i+7)%60].Fields["notes"]})
			}
		}},
		{name: "two columns changed places in an import", want: "guard swapped", strike: func(w *world) {
			for _, row := range w.a.Rows("cards")[:50] {
				w.put(w.a, "cards", row.ID, map[string]string{"name": row.Fields["notes"], "notes": row.Fields["name"]})
			}
		}},
		{name: "everything is given to one owner", want: "guard update", strike: every("stage", becomes("won"))},
		{name: "a program writes numbers of its own everywhere", want: "guard update", strike: every("discount", func(i int, _ map[string]string) string { return fmt.Sprint(i * i % 997) })},
	}
}

func scaledBy(s string, by float64) string {
	var n float64
	if _, err := fmt.Sscan(s, &n); err != nil {
		return s
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.4f", n*by), "0"), ".")
}

// otherDisasters are of the configuration, of programs, and of the one record that watches.
func otherDisasters() []disaster {
	canary := replaced("delete: archive", "delete: archive\n    guard: { canary: a.cards/7 }")
	return []disaster{
		{name: "somebody edits the canary", want: "guard canary", yaml: canary, mended: true, kept: true, strike: func(w *world) {
			w.put(w.a, "cards", "7", map[string]string{"notes": "x"})
		}},
		{name: "the canary is deleted", want: "guard canary", yaml: canary, mended: true, kept: true, strike: func(w *world) { w.remove(w.a, "cards", "7") }},
		{name: "the canary would be written", want: "guard canary", yaml: replaced("delete: archive", "delete: archive\n    guard: { canary: b.cards/7 }"), mended: true, kept: true, strike: func(w *world) {
			name := w.by(w.b, "cards", "email", cell(w.b, "7", "email"))
			w.put(w.a, "cards", w.by(w.a, "cards", "email", name.Fields["email"]).ID, map[string]string{"notes": "x"})
		}},
		{name: "the filter in the file is wrong", want: "review configuration", strike: func(w *world) {
			w.configure(replaced("match: [email]", "match: [email]\n    where: { left: \"stage == 'open'\" }\n    leave: archive")(w.yaml))
		}},
		{name: "the value map in the file is wrong", want: "review configuration", strike: func(w *world) {
			w.configure(replaced("stage, tags", "{ left: stage, right: stage, values: { new: lost, won: new, lost: won } }, tags")(w.yaml))
		}},
		{name: "the file names the wrong account", want: "guard strangers", empty: true, both: true, mended: true, strike: func(w *world) {
			for i := range 60 {
				w.put(w.a, "cards", "", newCard(i))
				w.put(w.b, "cards", "", map[string]string{"name": fmt.Sprint("Other ", i), "email": fmt.Sprintf("other%d@y.gr", i)})
			}
		}},
		{name: "the key means something else on either side", want: "guard strangers", empty: true, both: true, mended: true, yaml: replaced("match: [email]", "match: [code]"), strike: func(w *world) {
			for i := range 60 {
				w.put(w.a, "cards", "", newCard(i))
				same := newCard(i)
				same["code"] = fmt.Sprint("sap-", i)
				w.put(w.b, "cards", "", same)
			}
		}},
		{name: "two programs fight over a field", want: "review conflict", strike: inDrips(14, func(w *world, n int) {
			if n%2 == 0 {
				share("stage", 20, becomes("won"))(w)
				return
			}
			for i, row := range w.b.Rows("cards") {
				if i%20 == 0 {
					w.put(w.b, "cards", row.ID, map[string]string{"stage": "lost"})
				}
			}
		})},
	}
}
