package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// history fills the journal with lines of every sort.
func (w *world) history() {
	w.Helper()
	at := time.Now().Add(-time.Hour)
	b := store.Object{Connection: "b", Name: "cards"}
	w.run(store.Run{ID: 12, Sync: "cards", Started: at, Ended: at.Add(time.Minute), Status: "ok"})
	text := record.Text
	lines := []store.Entry{
		{At: at.AddDate(0, 0, -3), Sync: "cards", Of: b, Record: "1", Kind: store.Written, Field: "email", Old: text("a@x"), New: text("b@x"), Why: "long ago"},
		{At: at, Run: 12, Sync: "cards", Side: record.Right, Of: b, Record: "1", Kind: store.Written, Field: "name", Old: text("<script>alert(1)</script>"), New: text("Ann"), Why: "left changed"},
		{At: at, Run: 12, Sync: "cards", Side: record.Left, Of: store.Object{Connection: "a", Name: "cards"}, Record: "9", Kind: store.Overruled, Field: "name", Old: text("Lee"), New: text("Ann"), Why: "left wins"},
		{At: at, Run: 12, Sync: "cards", Side: record.Right, Of: b, Record: "2", Kind: store.Created, Set: record.Fields{"name": text("Kim"), "fax": {}, "email": text("k@x")}, Why: "no partner"},
		{At: at, Sync: "cards", Kind: store.Decided, By: "ann", Why: "guard: approve"},
		{At: at, Sync: "cards", Side: record.Right, Of: b, Record: "3", Kind: store.Decided, Field: "town=city", Old: text("Rome"), New: text("Oslo"), By: "kim", Why: "conflict: right"},
		{At: at, Sync: "cards", Side: record.Right, Of: b, Record: "4", Kind: store.Decided, By: "kim", Why: "ambiguous: 4711"},
	}
	if err := w.hub.store.SetSync(w.Context(), "cards", store.Object{Connection: "a", Name: "cards"}, b); err != nil {
		w.Fatal(err)
	}
	if err := w.hub.store.Decide(w.Context(), "cards", [2]int64{}, store.Facts{Journal: lines}); err != nil {
		w.Fatal(err)
	}
}

func TestTheJournalIsFoundByWhateverOneLooksFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	see := w.signed(account.Viewer)
	w.reads(w.body(see.get("/history")), "journal", "Nothing has happened here.")
	w.history()
	all := w.body(see.get("/history"))
	w.reads(all, "journal", "b.cards/4 decided 4711 Doubtful match", "b.cards/3 town / city decided The right value Rome → became Oslo Conflict", "decided This was meant: let it through", "by ann", "b.cards/2 created email k@x · name Kim", "a.cards/9 name gave way Lee → became Ann left wins · r12",
		"b.cards/1 name changed <script>alert(1)</script> → became Ann", "b.cards/1 email changed a@x → became b@x long ago")
	if strings.Contains(all, "<script>alert") || strings.Contains(all, `type="checkbox" form=`) {
		t.Errorf("markup of others, or something to choose for a viewer:\n%s", all)
	}
	for query, want := range map[string]string{
		"record=b.cards/2": "Kim", "field=email": "long ago", "run=r12&kind=overruled": "Lee", "by=ann": "This was meant", "connection=a": "Lee", "kind=created": "Kim",
		"since=2h&field=name&kind=written": "left changed", "lost=1": "Lee", "lost=1&kind=overruled": "Lee", "sync=cards&kind=decided&by=ann": "This was meant", "record=b.cards/1&field=email": "long ago",
	} {
		body := w.body(see.get("/history?" + query))
		w.reads(body, "journal", want)
		if _, rows, found := strings.Cut(body, "<tbody>"); !found || strings.Count(rows, "<tr>") != 1 {
			t.Errorf("%s: more than one line:\n%s", query, words(body, "journal"))
		}
	}
	for query, want := range map[string]string{"record=x": "A record is named", "run=12": "A run is named", "since=yesterday": "no time such as", "kind=x": "none of the choices", "lost=1&kind=created": "Choose one of the two"} {
		w.want(see.get("/history?"+query), http.StatusUnprocessableEntity, want)
	}
	w.reads(w.body(see.get("/history?sync=nosuch")), "journal", "Nothing has happened")
}

func TestTheJournalIsPagedWithItsFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var lines []store.Entry
	for i := range 2*journalLines + 1 {
		lines = append(lines, store.Entry{At: time.Now(), Sync: "cards", Kind: store.Decided, By: "a&b", Why: fmt.Sprintf("no-%d.", i)},
			store.Entry{At: time.Now(), Sync: "cards", Kind: store.Decided, By: "other", Why: "other"})
	}
	if err := w.hub.store.Decide(t.Context(), "cards", [2]int64{}, store.Facts{Journal: lines}); err != nil {
		t.Fatal(err)
	}
	see := w.signed(account.Viewer)
	at := "/history?by=a%26b"
	for page, want := range [][2]string{{"no-100.", "no-51."}, {"no-50.", "no-1."}, {"no-0.", "no-0."}} {
		body := w.body(see.get(at))
		w.reads(body, "journal", want[0])
		w.reads(body, "journal", want[1])
		older := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(body)
		if (older == nil) != (page == 2) || strings.Contains(words(body, "journal"), "other") {
			t.Fatalf("page %d leads to %v", page, older)
		}
		if older != nil {
			at = strings.ReplaceAll(older[1], "&amp;", "&")
		}
	}
}

func FuzzHistory(f *testing.F) {
	f.Add("record=b.cards/1&run=r1&since=3d&before=7&kind=written&lost=1")
	f.Add("record=./&since=-1d&before=99999999999999999999")
	b := newBench(f)
	b.populate()
	w := b.signed(account.Operator)
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, got := range []int{w.get("/history?" + values.Encode()).Code, w.get("/runs?" + values.Encode()).Code} {
			if got >= http.StatusInternalServerError {
				t.Errorf("%d", got)
			}
		}
		values.Set(formField, w.form())
		if got := w.do(postRequest("/reverts", values)); got.Code >= http.StatusInternalServerError {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	})
}

func TestARecordShowsBothSidesAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left := w.put(w.left, "", "name", "<script>alert(1)</script>", "email", "ann@x.gr", "phone", "+302101234567")
	run := w.sync().Run
	id := w.right.Rows("cards")[0].ID
	w.put(w.left, left, "notes", "from the left")
	second := w.sync().Run
	see := w.signed(account.Viewer)
	for _, path := range []string{"/records/a/cards/" + left, "/records/b/cards/" + id} {
		body := w.body(see.get(path))
		if strings.Contains(body, "<script>alert") {
			t.Errorf("a name is markup:\n%s", body)
		}
		w.reads(body, "main", "<script>alert(1)</script>")
		w.reads(body, "record-syncs", "cards In step", "a.cards/"+left, "b.cards/"+id, "ann@x.gr", "ann@x.gr Agreed", "+302101234567", "+302101234567", "from the left", "from the left Agreed")
		w.reads(body, "record-journal", "notes changed empty → became from the left", second, "created", run)
	}
	body := w.body(see.get("/records/b/cards/" + id))
	w.reads(body, "record-syncs", "notes", "from the left", "R8", "One side changed", second)
	w.put(w.right, "", "name", "Lee", "email", "")
	w.want(see.get("/records/b/cards/nosuch"), http.StatusNotFound)
	w.want(see.get("/records/x/y/1"), http.StatusNotFound)
}

// A record whose id has a slash, or whose object no sync is about any more, has a page too.
func TestARecordThatNoSyncIsAboutKeepsItsHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := store.Object{Connection: "old", Name: "things"}
	if err := w.hub.store.Decide(t.Context(), "gone", [2]int64{}, store.Facts{Journal: []store.Entry{{At: time.Now(), Sync: "gone", Of: of, Record: "a/1", Kind: store.Deleted, Why: "last seen"}}}); err != nil {
		t.Fatal(err)
	}
	body := w.body(w.signed(account.Viewer).get(recordPath(of, "a/1")))
	w.reads(body, "main", "old.things/a/1", "The mirror does not hold this record", "No sync of the configuration", "last seen")
}

func (w *world) follow(who *browser, pairs ...string) string {
	w.Helper()
	got := who.post("/reverts", pairs...)
	w.want(got, http.StatusSeeOther)
	return got.Header().Get("Location")
}

// until waits for a revert to stand where a person reads these words.
func (w *world) until(who *browser, at, state string) string {
	w.Helper()
	for range 500 {
		body := w.body(who.get(at))
		if strings.HasPrefix(words(body, "revert"), state) {
			return body
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.Fatalf("it never came to %q: %s", state, words(w.body(who.get(at)), "revert"))
	return ""
}

func TestAChangeIsShownAndTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left := w.put(w.left, "", "name", "Ann", "email", "ann@x.gr", "notes", "old", "phone", "+302101234567")
	w.sync()
	w.put(w.left, left, "notes", "new", "phone", "+302107654321")
	run := w.sync().Run
	operator := w.signed(account.Operator)
	line := w.line(store.Written, "notes").ID
	at := w.follow(operator, "change", fmt.Sprint(line), "change", fmt.Sprint(line))
	body := w.until(operator, at, "Preview")
	w.reads(body, "main", "1 chosen change", "Nothing has been written yet", "Goes back 1", "b.cards/", "Ann", "notes new → became old")
	if w.cell(w.right, "notes") != "new" {
		t.Error("a preview has written")
	}
	w.to(operator.post(at), at+"?done=reverting")
	body = w.until(operator, at, "Taken back")
	w.reads(body, "revert", "It was a run of cards", "Went back 1")
	if w.cell(w.right, "notes") != "old" || w.cell(w.right, "phone") != "+302107654321" {
		t.Errorf("there is %v", w.right.Rows("cards"))
	}
	w.want(operator.post(at), http.StatusUnprocessableEntity, "taken back already")
	if e := w.line(store.Written, "notes"); e.Why != fmt.Sprintf("revert of change %d, by operator", line) {
		t.Errorf("the journal says %+v", e)
	}
	// What a person has edited since is left alone, unless forced.
	w.put(w.right, w.right.Rows("cards")[0].ID, "phone", "+302100000000")
	at = w.follow(operator, "run", run)
	body = w.until(operator, at, "Preview")
	w.reads(body, "main", "What run "+run+" did", "There is nothing to take back", "Edited since, left alone 1", "Show it with these", "phone +302100000000 → became +302101234567")
	if !strings.Contains(body, `name="run" value="`+run+`"`) {
		t.Errorf("it cannot be forced:\n%s", body)
	}
	w.want(operator.post(at), http.StatusSeeOther) // there is nothing, and nothing is done
	w.until(operator, at, "Taken back")
	at = w.follow(operator, "run", run, "force", "1")
	w.reads(w.until(operator, at, "Preview"), "main", "also what was edited since", "Goes back 1", "phone")
	w.to(operator.post(at), at+"?done=reverting")
	w.until(operator, at, "Taken back")
	if got := w.cell(w.right, "phone"); got != "+302101234567" {
		t.Errorf("the phone is %s", got)
	}
	at = w.follow(operator, "record", "a.cards/"+left)
	w.reads(w.until(operator, at, "Preview"), "main", "What was done to a.cards/"+left)
	audit := strings.Join(w.audited(), "\n")
	for _, want := range []string{fmt.Sprintf("operator|revert.preview|change %d||done", line), fmt.Sprintf("operator|revert|change %d||done", line), "operator|revert|" + run + "||done"} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit lacks %q:\n%s", want, audit)
		}
	}
}

func TestWhatCannotBeTakenBackIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator := w.signed(account.Operator)
	for want, pairs := range map[string][]string{
		"Nothing was chosen": {}, "none of the choices": {"change", "x"}, "A run is named": {"run", "12"}, "A record is named": {"record", "12"},
		"not in the configuration": {"change", "1", "sync", "nosuch"},
	} {
		w.want(operator.post("/reverts", pairs...), http.StatusUnprocessableEntity, want)
	}
	many := make([]string, 0, 2*mostChosen+2)
	for i := range mostChosen + 1 {
		many = append(many, "change", fmt.Sprint(i+1))
	}
	w.want(operator.post("/reverts", many...), http.StatusUnprocessableEntity, "at most 200 lines")
	w.want(operator.get("/reverts/77"), http.StatusNotFound, "forgotten")
	w.want(operator.get("/reverts/x"), http.StatusNotFound)
	at := w.follow(operator, "change", "4711")
	w.reads(w.until(operator, at, "Failed"), "revert", "It did not come to its end", "there is no change 4711 in the journal")
	w.want(operator.post(at), http.StatusUnprocessableEntity)
}

func TestOldPreviewsMakeRoomAndWorkDoesNot(t *testing.T) {
	t.Parallel()
	var s reverts
	for range mostReverts {
		if _, ok := s.add(engine.RevertRequest{}); !ok {
			t.Fatal("there was room")
		}
	}
	if _, ok := s.add(engine.RevertRequest{}); ok {
		t.Error("work was forgotten")
	}
	s.step(5, revertWaits, func(x *revert) { x.state = revertShown })
	if id, ok := s.add(engine.RevertRequest{}); !ok || id != mostReverts+1 {
		t.Errorf("%d %t", id, ok)
	}
	if _, ok := s.get(5); ok {
		t.Error("the preview is still there")
	}
}
