package connectortest

import (
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func textScenarios() []scenario {
	return []scenario{
		{name: "every script survives", needs: needAll(needVerb(connector.Update), needEdit()), run: scriptsSurvive},
		{name: "what people type is read as they typed it", needs: needAll(needSource(), needEdit()), run: typedSurvives},
		{name: "rewrites are as declared", needs: needAll(needVerb(connector.Update), needField("text", texty)), run: rewritesDeclared},
		{name: "long text survives", needs: needAll(needVerb(connector.Update), needField("text", texty)), run: longSurvives},
		{name: "zero and false are values", needs: needAll(needVerb(connector.Update), needField("number or bool", zeroable)), run: zeroSurvives},
		{name: "numbers keep their digits", needs: needAll(needVerb(connector.Update), needField("number", numeric)), run: digitsSurvive},
	}
}

// scripts are texts that no vendor may change, but for what its rewrites say.
func scripts() []string {
	return []string{
		"Ελληνικά Γιώργος Ωμέγα ΐ", // Greek
		"ภาษาไทย กรุงเทพฯ",         // Thai
		"Съешь ещё этих булок",     // Cyrillic
		"Größe Straße Äöü ẞ",       // German
		"O'Brien & Söhne",
		`say "hello" – it's “fine”`,
		"a+b=c; 50% off? #1 @home ~x/y|z",
		"łódź İstanbul ñandú 東京 한국어 עברית العربية",
		"e\u0301 decomposed",
		"smile 😀 family 👨‍👩‍👧 flag 🇬🇷",
		"two  blanks and a \u00a0 hard one",
	}
}

func scriptsSurvive(b *Bench) {
	b.prepare()
	f := b.editable()
	id := b.create()
	for _, text := range scripts() {
		b.roundTrip("a script", f, id, cut(f, text))
	}
}

// roundTrip writes a text and reads it back. A text of which the vendor leaves nothing
// cannot be judged.
func (b *Bench) roundTrip(what string, f record.Field, id, text string) {
	b.Helper()
	sent := record.Text(text)
	if record.Rewritten(sent, f.Rewrites).IsEmpty() {
		return
	}
	res := b.do(b.setOp(b.one(id), record.Fields{f.Name: sent}))
	got := b.one(id)
	b.holds(what, f, got.Fields, sent)
	b.matches(what, res, got)
}

// typedSurvives reads what people enter; no rewrite for programs applies to them, and
// what a reader decodes wrongly (entities, escapes) shows here.
func typedSurvives(b *Bench) {
	b.prepare()
	f := b.editable()
	id := b.put()
	for _, text := range scripts() {
		text = record.Rewritten(record.Text(cut(f, text)), f.Rewrites).Text()
		if text == "" {
			continue
		}
		b.enter(id, f.Name, text)
		b.holds("a person's text", f, b.one(id).Fields, record.Text(text))
	}
}

// rewritesDeclared sends what vendors like to change. The hub takes a value that it reads
// back for its own only if the field's rewrites explain it (R2).
func rewritesDeclared(b *Bench) {
	b.prepare()
	id := b.create()
	nasty := []string{
		"  both ends  ",
		"CamelCase",
		"1 < 2 > 0 & so on &amp; on",
		"<b>bold</b> and <i>not closed",
		"&lt;b&gt; &quot;quoted&quot; &euro; &nbsp;",
		`"all" "quoted"`,
		"first\nsecond\n\nfourth",
		"tab\there",
		"emoji 😀 end",
	}
	for _, f := range b.writable() {
		if !texty(f) || f.CreateOnly {
			continue
		}
		for _, text := range nasty {
			if f.Unique {
				text += b.next()
			}
			b.roundTrip("a declared rewrite", f, id, cut(f, text))
		}
	}
}

// cut shortens a text to what the field takes.
func cut(f record.Field, text string) string {
	if runes := []rune(text); f.MaxLen > 0 && len(runes) > f.MaxLen {
		return strings.TrimSpace(string(runes[:f.MaxLen]))
	}
	return text
}

// longSurvives fills each text to its declared length, in letters of two bytes.
func longSurvives(b *Bench) {
	b.prepare()
	id := b.create()
	for _, f := range b.writable() {
		if !texty(f) || f.CreateOnly {
			continue
		}
		n := 60 // a field of unknown length may be a short one
		if f.MaxLen > 0 {
			n = min(f.MaxLen, 70000)
		}
		b.roundTrip("a long text", f, id, strings.Repeat("ö", n-1)+"z")
	}
}

func zeroable(f record.Field) bool {
	return f.Writable() && !f.CreateOnly &&
		(f.Kind == record.KindNumber || f.Kind == record.KindMoney || f.Kind == record.KindBool)
}

// zeroSurvives tells zero and false from empty.
func zeroSurvives(b *Bench) {
	b.prepare()
	id := b.create()
	for _, f := range b.writable() {
		if !zeroable(f) {
			continue
		}
		zero := record.Text("0")
		if f.Kind == record.KindBool {
			zero = record.Bool(false)
		}
		for _, v := range []record.Value{b.filled(f), zero} {
			b.do(b.setOp(b.one(id), record.Fields{f.Name: v}))
			b.holds("zero or false", f, b.one(id).Fields, v)
		}
	}
}

// filled is a value of a number or bool that is not zero.
func (b *Bench) filled(f record.Field) record.Value {
	v, _ := b.value(f, false)
	return v
}

func numeric(f record.Field) bool {
	return f.Writable() && !f.CreateOnly && (f.Kind == record.KindNumber || f.Kind == record.KindMoney)
}

// digitsSurvive sends numbers that a binary fraction cannot hold.
func digitsSurvive(b *Bench) {
	b.prepare()
	id := b.create()
	for _, f := range b.writable() {
		if _, sampled := b.sample.Update[f.Name]; !numeric(f) || sampled {
			continue // a sampled number is of a kind of its own, a count or a code
		}
		for _, text := range []string{"0.1", "19.99", "1234567.89", "-3.5", "100"} {
			v, _ := record.Number(text)
			b.do(b.setOp(b.one(id), record.Fields{f.Name: v}))
			b.holds("digits", f, b.one(id).Fields, v)
		}
	}
}
