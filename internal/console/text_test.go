package console

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/feature/plural"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// families are keys whose end is a value: a template writes {{t (print "role." .Role)}}.
func families() map[string][]string {
	f := map[string][]string{}
	for _, r := range account.Roles() {
		f["role."] = append(f["role."], string(r))
		f["roleis."] = append(f["roleis."], string(r))
	}
	for _, x := range []string{"storm", "token", "hooks", "kill"} {
		for _, family := range []string{"demoname.", "demodoes.", "demoheals."} {
			f[family] = append(f[family], x)
		}
	}
	for _, r := range engine.Rules() {
		f["rule."] = append(f["rule."], r.Number)
	}
	f["kept."] = []string{"journal", "runs", "reviews"}
	f["notifyon."] = append(plan.NotifyWords(), "test")
	for _, r := range account.TokenRights() {
		f["right."] = append(f["right."], string(r))
	}
	f["notice."] = []string{"full", "failing", "paused", "signedout", "grant", "expiry", "hooks", "silent", "spent", "decision"}
	f["health."] = []string{"ok", "paused", "unchecked", "signedout", "soon"}
	f["lack."] = lackWords()
	for _, name := range everyAbility().Names() {
		f["ability."] = append(f["ability."], keyOf(name))
	}
	f["status."], f["revertstate."], f["why."], f["field."] = statuses(), revertStates(), recordStates(), fieldStates()
	f["side."] = []string{"left", "right"}
	for _, k := range entryKinds() {
		f["entry."] = append(f["entry."], string(k))
		f["kind."] = append(f["kind."], string(k))
	}
	for _, a := range engine.Acts() {
		f["act."] = append(f["act."], string(a))
	}
	for _, s := range sections() {
		f["back."] = append(f["back."], string(s))
	}
	for _, k := range []engine.RevertKind{engine.RevertField, engine.RevertArchive, engine.RevertDelete, engine.RevertRestore, engine.RevertAsk,
		engine.RevertUnlink, engine.RevertRelink, engine.RevertNothing} {
		f["backkind."] = append(f["backkind."], string(k))
	}
	for _, k := range []store.ReviewKind{store.ReviewConflict, store.ReviewAmbiguous, store.ReviewDuplicate, store.ReviewParked, store.ReviewDelete, store.ReviewMerge,
		store.ReviewGuard, store.ReviewIdentity, store.ReviewUnknown, store.ReviewRestored, store.ReviewErased, store.ReviewEvents, store.ReviewConfiguration} {
		f["cause."] = append(f["cause."], string(k))
	}
	for _, fate := range []connector.Fate{connector.Archived, connector.Left, connector.Deleted, connector.Merged, connector.Converted} {
		f["fate."] = append(f["fate."], string(fate))
	}
	sides := []string{"left", "right", "newest", "ask"}
	flows := []string{"both", "left-to-right", "right-to-left", "none"}
	f["syncstate."], f["convert."], f["guard."], f["finding."] = syncStates(), conversions(), guardLines(), findingKinds()
	f["flows."], f["direction."], f["prefer."], f["prefers."] = flows, flows, sides, sides
	f["deletes."] = []string{"ignore", "archive", "delete", "unlink"}
	f["newdelete."] = f["deletes."]
	f["merges."], f["leaves."] = []string{"ask", "follow"}, []string{"keep", "unlink", "archive"}
	for _, k := range previewKinds() {
		f["would."] = append(f["would."], string(k))
	}
	for _, k := range kindsOfValues() {
		f["valuekind."] = append(f["valuekind."], string(k))
	}
	for _, k := range engine.ReviewKinds() {
		f["question."] = append(f["question."], string(k))
	}
	f["choice."] = choiceTexts()
	f["guarded."] = []string{"create", "update", "delete"}
	f["verb."] = []string{"create", "update", "delete", "archive", "restore", "merge"}
	f["consent."] = []string{record.Denied, record.Granted}
	f["deals."] = []string{"open", "won", "lost"}
	f["reports."], f["reporttab."], f["reportempty."] = reportNames(), reportNames(), reportNames()
	return f
}

// everyAbility is a connection that can do everything.
func everyAbility() connector.Abilities {
	type all struct {
		connector.Connection
		connector.Source
		connector.Reader
		connector.Finder
		connector.Writer
		connector.Partitioner
		connector.SchemaWriter
		connector.Recaller
		connector.Describer
		connector.Settler
		connector.Merger
		connector.Eraser
		connector.WebhookReceiver
		connector.Subscriber
		connector.HintWatcher
		connector.FileStore
		connector.Host
		connector.EventSink
	}
	return connector.AbilitiesOf(all{})
}
func kindsOfValues() []record.Kind {
	return []record.Kind{
		record.KindText, record.KindNumber, record.KindBool, record.KindDate, record.KindDateTime, record.KindChoice, record.KindChoices, record.KindEmail,
		record.KindPhone, record.KindMoney, record.KindReference, record.KindReferences, record.KindList, record.KindConsent,
	}
}

// used are all keys that templates and code name.
func used(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{"language": true, "format.time": true, "format.day": true}
	inTemplate := regexp.MustCompile(`\bt "([a-z.]+)"`)
	inFamily := regexp.MustCompile(`\bt \(print "([a-z]+\.)"`)
	inCode := regexp.MustCompile(`"#?((?:error|nav|report|format)\.[a-z]+)"`)
	inCall := regexp.MustCompile(`\.text\("([a-z.]+)"[,)]`)
	inCallFamily := regexp.MustCompile(`\.text\("([a-z]+\.)" ?\+`)
	inRedirect := regexp.MustCompile(`c\.redirect\(w, .+, "([a-z]+)"\)`)
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTemplate.FindAllSubmatch(b, -1) {
			keys[string(m[1])] = true
		}
		for _, m := range inFamily.FindAllSubmatch(b, -1) {
			ends := families()[string(m[1])]
			if ends == nil {
				t.Errorf("%s: the family %s is not in families", name, m[1])
			}
			for _, end := range ends {
				keys[string(m[1])+end] = true
			}
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inCode.FindAllSubmatch(b, -1) {
			keys[string(m[1])] = true
		}
		for _, m := range inCall.FindAllSubmatch(b, -1) {
			keys[string(m[1])] = true
		}
		for _, m := range inCallFamily.FindAllSubmatch(b, -1) {
			for _, end := range families()[string(m[1])] {
				keys[string(m[1])+end] = true
			}
		}
		for _, m := range inRedirect.FindAllSubmatch(b, -1) {
			keys["done."+string(m[1])] = true
		}
	}
	return keys
}

func TestNoTextIsMissingOrLeftOver(t *testing.T) {
	t.Parallel()
	want := used(t)
	all, err := loadLocales()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 2 || len(want) < 50 {
		t.Fatalf("%d languages and %d keys: the test looks in the wrong place", len(all), len(want))
	}
	for _, l := range all {
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if !l.has(key) {
				t.Errorf("texts/%s.yaml lacks %s", l.Tag(), key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(l.texts)) {
			if !want[key] {
				t.Errorf("texts/%s.yaml has %s, which nothing uses", l.Tag(), key)
			}
		}
	}
}

// pluralsOf are the forms that a language takes for whole numbers.
func pluralsOf(l *locale) []plural.Form {
	var all []plural.Form
	for n := range 200 {
		if f := l.form([]any{n}); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	if f := l.form([]any{1_000_000}); !slices.Contains(all, f) {
		all = append(all, f)
	}
	slices.Sort(all)
	return all
}

func TestLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	all, err := loadLocales()
	if err != nil {
		t.Fatal(err)
	}
	hole := regexp.MustCompile(`\{[^}]*\}`)
	holes := func(s string) []string {
		found := hole.FindAllString(s, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	english := all[0]
	for _, l := range all {
		for key, texts := range l.texts {
			plain := len(english.texts[key]) == 1
			if plain != (len(texts) == 1) {
				t.Errorf("texts/%s.yaml: %s has plurals in one language only", l.Tag(), key)
			}
			if !plain {
				if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, pluralsOf(l)) {
					t.Errorf("texts/%s.yaml: %s has the plurals %v, and the language takes %v", l.Tag(), key, got, pluralsOf(l))
				}
			}
			for form, text := range texts {
				if want := holes(english.texts[key][plural.Other]); !slices.Equal(holes(text), want) {
					t.Errorf("texts/%s.yaml: %s (%v) has %v, in English %v", l.Tag(), key, form, holes(text), want)
				}
			}
		}
	}
}

func TestTextsByLocale(t *testing.T) {
	t.Parallel()
	all, err := loadLocales()
	if err != nil {
		t.Fatal(err)
	}
	byTag := map[string]*locale{}
	for _, l := range all {
		byTag[l.Tag()] = l
	}
	at := time.Date(2026, 3, 4, 15, 6, 0, 0, time.UTC)
	athens := time.FixedZone("EET", 2*60*60)
	for _, x := range []struct{ got, want string }{
		{byTag["en"].text("people.count", 1), "1 person can use this Tandem."},
		{byTag["en"].text("people.count", 1234), "1,234 people can use this Tandem."},
		{byTag["de"].text("people.count", 1), "1 Person kann dieses Tandem verwenden."},
		{byTag["de"].text("people.count", 1234), "1.234 Personen können dieses Tandem verwenden."},
		{byTag["en"].text("account.you", "{1}", "<b>"), "You are {1}, <b>."}, // arguments are no templates
		{byTag["en"].stamp(at, athens), "4 Mar 2026, 17:06"},
		{byTag["de"].stamp(at, athens), "04.03.2026, 17:06"},
		{byTag["de"].stamp(time.Time{}, athens), "–"},
		{byTag["en"].text("no.such"), "[no.such]"},
		{pick(all, "", "de-AT,de;q=0.9,en;q=0.5").Tag(), "de"},
		{pick(all, "", "th,fr;q=0.5").Tag(), "en"},
		{pick(all, "de", "en").Tag(), "de"},
		{pick(all, "xx", "").Tag(), "en"},
		{pick(all, "", strings.Repeat("de,", 9999)).Tag(), "de"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

func FuzzLocale(f *testing.F) {
	f.Add([]byte("a.b: text\nc:\n  one: x\n  other: y {0}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		l, err := parseLocale("de", src)
		if err != nil {
			return
		}
		for key := range l.texts {
			_ = l.text(key, 1, "x")
		}
	})
}

func FuzzLanguageOfABrowser(f *testing.F) {
	f.Add("de-AT,de;q=0.9")
	all, err := loadLocales()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accepted string) {
		if pick(all, "", accepted) == nil {
			t.Error("no language at all")
		}
	})
}

func TestTextsAreCutBetweenLetters(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		text string
		most int
		want string
	}{{"Άννα", 8, "Άννα"}, {"Άννα", 7, "Άνν"}, {"Άννα", 6, "Άνν"}, {"Άννα", 1, ""}, {"Άννα", 0, ""}, {"abc", 2, "ab"}, {"\x80\x80", 1, ""}} {
		if got := cutTo(x.text, x.most); got != x.want {
			t.Errorf("%q in %d bytes is %q, want %q", x.text, x.most, got, x.want)
		}
	}
	if got := shorten("Άννα", 3); got != "Άνν…" || shorten("Άννα", 4) != "Άννα" {
		t.Errorf("shortened to %q", got)
	}
}

// A rule is the same sentence at the terminal and on a page in English.
func TestRulesAreWhatTheEngineSays(t *testing.T) {
	t.Parallel()
	all, err := loadLocales()
	if err != nil {
		t.Fatal(err)
	}
	l := pick(all, "en", "")
	for _, r := range engine.Rules() {
		if got := l.text("rule." + r.Number); strings.TrimSuffix(got, ".") != strings.TrimSuffix(r.Text, ".") {
			t.Errorf("%s: the page says %q, the terminal %q", r.Number, got, r.Text)
		}
	}
}
