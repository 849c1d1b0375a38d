package record_test

import (
	"testing"

	"github.com/tandemhub/tandem/record"
)

func TestRewrittenDoesWhatVendorsDo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rewrite  record.Rewrite
		in, want string
	}{
		{record.RewriteTrim, "  Άννα\n", "Άννα"},
		{record.RewriteTrim, "  ", ""},
		{record.RewriteStripTags, "a<b>c</b>d", "acd"},
		{record.RewriteStripTags, "1 < 2 <3", "1 < 2 "},
		{record.RewriteStripTags, "x<", "x<"},
		{record.RewriteDropQuotes, `the "best" one`, "the best one"},
		{record.RewriteDropSpaces, "+30 210\u00a0123", "+30210123"},
		{record.RewriteDropAstral, "hi 😀!", "hi !"},
		{record.RewriteLower, "ΆΝΝΑ Ä", "άννα ä"},
		{record.RewriteEscapeHTML, "a & b <c> &amp; &lt; &nonsense; &", "a &amp; b &lt;c&gt; &amp; &lt; &amp;nonsense; &amp;"},
		{record.RewriteUnescapeHTML, "a &amp; b &#233; &lt;", "a & b é <"},
		{record.RewriteBackslashes, `a\\b\'c`, `ab'c`},
		{record.RewriteDropNewlines, "a\r\nb\nc\rd", "a b c d"},
		{"unheard of", " x ", " x "},
	} {
		rw := []record.Rewrite{row.rewrite}
		if got := record.Rewritten(record.Text(row.in), rw); got.Text() != row.want {
			t.Errorf("%s of %q: got %q, want %q", row.rewrite, row.in, got, row.want)
		}
	}
}

func TestRewrittenGoesThroughLists(t *testing.T) {
	t.Parallel()
	rw := []record.Rewrite{record.RewriteTrim, record.RewriteLower}
	if got := record.Rewritten(record.Texts(" A ", "B"), rw); !got.Equal(record.Texts("a", "b")) {
		t.Errorf("got %v", got)
	}
	group := record.Struct(record.Fields{"x": record.Text(" A ")})
	if got := record.Rewritten(group, rw); !got.Equal(group) {
		t.Errorf("a struct was rewritten to %v", got)
	}
	if got := record.Rewritten(record.Value{}, rw); !got.IsEmpty() {
		t.Errorf("nothing was rewritten to %v", got)
	}
}

func TestEchoesKnowsAWriteInTheFormThatTheVendorShows(t *testing.T) {
	t.Parallel()
	trim, slashes := []record.Rewrite{record.RewriteTrim}, []record.Rewrite{record.RewriteTrim, record.RewriteBackslashes}
	for _, row := range []struct {
		read, sent string
		rw         []record.Rewrite
		want       bool
	}{
		{"a", "a", nil, true}, {"a", "a ", nil, false}, {"a", "a ", trim, true}, {"b", "a ", trim, false}, {"a ", "a ", trim, true},
		{`C:\x`, `C:\\x`, slashes, true}, {`C:x`, `C:\x `, slashes, true}, {`D:x`, `C:\x`, slashes, false},
	} {
		if got := record.Echoes(record.Text(row.read), record.Text(row.sent), row.rw); got != row.want { // R2
			t.Errorf("%q read after %q with %v: %v", row.read, row.sent, row.rw, got)
		}
	}
}

// A vendor may do a rewrite again when its own value is sent back.
func FuzzRewritesAreStable(f *testing.F) {
	f.Add("<b>&amp;amp; x</b> \\ \"q\"\n")
	f.Add("<<b>script>&lt;")
	f.Fuzz(func(t *testing.T, s string) {
		for _, rw := range []record.Rewrite{
			record.RewriteTrim, record.RewriteDropQuotes, record.RewriteDropSpaces, record.RewriteDropAstral,
			record.RewriteEscapeHTML, record.RewriteBackslashes, record.RewriteDropNewlines,
		} {
			once := record.Rewritten(record.Text(s), []record.Rewrite{rw})
			if twice := record.Rewritten(once, []record.Rewrite{rw}); !twice.Equal(once) {
				t.Errorf("%s of %q: first %q, then %q", rw, s, once, twice)
			}
			if !record.Echoes(once, record.Text(s), []record.Rewrite{rw}) {
				t.Errorf("%s of %q is not known for it", rw, s)
			}
		}
		record.Rewritten(record.Text(s), []record.Rewrite{record.RewriteStripTags, record.RewriteUnescapeHTML, record.RewriteLower})
	})
}
