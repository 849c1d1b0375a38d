package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// oracleOf is one of cards with an email, which is their key, and a discount, over two accounts.
func oracleOf(t *testing.T) *oracle {
	t.Helper()
	k := Kind{Objects: []string{"cards", "cards"}, Key: "email", Syncs: []Sync{{Name: "cards", Ends: [2]int{0, 1}}},
		Fields: []Field{{Key: "email", Wire: []string{"email", "email"}}, {Key: "discount", Wire: []string{"discount", "discount"}}}}
	w := &world{mapped: map[string]time.Time{}, counts: map[string]int{}, set: Setup{Kinds: []Kind{k}}}
	for _, name := range []string{"a", "b"} {
		w.set.Sides = append(w.set.Sides, Account{Connection: name, Twin: toy.New(twin.Options{})})
	}
	return &oracle{family: &family{w: w, linked: map[int64]time.Time{}}, k: k, rows: []map[string]twin.Row{{}, {}}}
}

// dawn is when everything begins; the oracle compares times only.
func dawn(minutes int) time.Time { return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC) }

// R34: what a restore left to its key alone is excused only if a person gave it that key before it was
// matched by it, and only after a restore.
func TestTheKeyThatAPersonGaveIsAllThatARestoreLeavesARecord(t *testing.T) {
	t.Parallel()
	made, mate := spot{0, 1, "9"}, spot{0, 0, "3"}
	for name, c := range map[string]struct {
		change func(*oracle)
		want   bool
	}{
		"given, and matched by it":  {func(*oracle) {}, true},
		"nothing was restored":      {func(o *oracle) { o.w.past = nil }, false},
		"given after the match":     {func(o *oracle) { o.w.edits[0].at = dawn(9) }, false},
		"another field was given":   {func(o *oracle) { o.w.edits[0].field = 1 }, false},
		"another key was given":     {func(o *oracle) { o.w.edits[0].now = "bob@x.gr" }, false},
		"given to another record":   {func(o *oracle) { o.w.edits[0].spot = spot{0, 1, "8"} }, false},
		"joined by what it equals":  {func(o *oracle) { o.journal[0].Why = "equal in full, after a restore" }, false},
		"matched before the backup": {func(o *oracle) { o.journal[0].lost = true }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.w.past = []store.Entry{}
			o.links = []bond{{Link: store.Link{ID: 5, IDs: [2]string{mate.id, made.id}}, sync: o.k.Syncs[0]}}
			o.linked[5] = dawn(7)
			o.journal = []line{{Entry: store.Entry{Link: 5, Kind: store.Linked, Why: "same email"}, spot: mate}}
			o.w.edits = []edit{{spot: made, at: dawn(6), now: "ann@x.gr"}}
			o.rows[0][mate.id] = twin.Row{ID: mate.id, Fields: map[string]string{"email": "ann@x.gr"}}
			c.change(o)
			if got := o.tookKeyOf(made); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R5: that a field met late is excused only by a question about its first matches which was open before
// the edit, be it one that has settled itself since, and by a first match that was written after it.
func TestAFieldMetLateOnlyIfItsFirstMatchWasAskedAbout(t *testing.T) {
	t.Parallel()
	at := spot{0, 0, "3"}
	for name, c := range map[string]struct {
		change func(*oracle)
		want   bool
	}{
		"asked, and settled by itself": {func(*oracle) {}, true},
		"asked still":                  {func(o *oracle) { o.reviews, o.w.met = o.w.met, nil }, true},
		"never asked":                  {func(o *oracle) { o.w.met = nil }, false},
		"asked after the edit":         {func(o *oracle) { o.w.met[0].Opened = dawn(5) }, false},
		"asked about another field":    {func(o *oracle) { o.w.met[0].Field = "email=email" }, false},
		"asked about one pair":         {func(o *oracle) { o.w.met[0].Link = 5 }, false},
		"written before the edit":      {func(o *oracle) { o.journal[0].At = dawn(3) }, false},
		"written as a change":          {func(o *oracle) { o.journal[0].Why = "right changed" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.w.met = []asked{{Review: store.Review{Kind: store.ReviewConflict, Field: "discount=discount", Opened: dawn(2)}}}
			o.journal = []line{{Entry: store.Entry{Kind: store.Written, At: dawn(6), Field: "discount", New: record.Text("32"), Why: "first match: right is the source"}, spot: at}}
			c.change(o)
			if got := o.metLate(edit{spot: at, at: dawn(4), field: 1, was: "15"}, o.k.Fields[1]); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R22: that a delete is asked about because of a field that was mapped again is excused only if the pair
// never agreed on that field since, as its first matches waited for a person when the partner was deleted.
func TestADeleteBeforeAFieldIsAgreedOnAgainIsAskedAbout(t *testing.T) {
	t.Parallel()
	at, mate := spot{0, 0, "5"}, spot{0, 1, "5"}
	for name, c := range map[string]struct {
		change func(*oracle)
		want   bool
	}{
		"while it was asked about":   {func(*oracle) {}, true},
		"before it was mapped again": {func(o *oracle) { o.gone[mate], o.reviews = removal{mate, 1, dawn(3)}, nil }, true},
		"decided since":              {func(o *oracle) { o.reviews[0].Decision, o.reviews[0].Decided = "right", dawn(9) }, true},
		"settled by itself":          {func(o *oracle) { o.w.met, o.reviews = o.reviews, nil }, true},
		"decided before": {func(o *oracle) {
			o.reviews[0].Decision, o.reviews[0].Decided, o.w.met = "right", dawn(5), slices.Clone(o.reviews)
		}, false},
		"never asked about":                    {func(o *oracle) { o.reviews = nil }, false},
		"asked about later":                    {func(o *oracle) { o.reviews[0].Opened = dawn(7) }, false},
		"another field was asked about":        {func(o *oracle) { o.reviews[0].Field = "email=email" }, false},
		"one pair was asked about":             {func(o *oracle) { o.reviews[0].Link = 5 }, false},
		"agreed on since":                      {func(o *oracle) { o.journal[1].At = dawn(5) }, false},
		"never mapped again":                   {func(o *oracle) { clear(o.w.mapped) }, false},
		"nothing would be lost":                {func(o *oracle) { o.rows[0]["5"].Fields["discount"] = "" }, false},
		"the record was deleted, not its mate": {func(o *oracle) { o.gone = map[spot]removal{at: {at, 1, dawn(6)}} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.whole, o.members = map[spot]spot{at: at, mate: at}, map[spot][]spot{at: {at, mate}}
			o.rows[0]["5"] = twin.Row{ID: "5", Fields: map[string]string{"discount": "15"}}
			o.w.mapped["discount"] = dawn(4)
			o.gone = map[spot]removal{mate: {mate, 1, dawn(6)}}
			o.reviews = []asked{{Review: store.Review{Kind: store.ReviewConflict, Field: "discount=discount", Opened: dawn(4)}}}
			o.journal = []line{{Entry: store.Entry{Kind: store.Unmapped, At: dawn(2), Field: "discount=discount"}, spot: mate},
				{Entry: store.Entry{Kind: store.Agreed, At: dawn(1), Field: "discount", New: record.Text("15")}, spot: mate}}
			c.change(o)
			slices.SortStableFunc(o.journal, func(a, b line) int { return a.At.Compare(b.At) })
			if got := o.goneUnmapped(asked{Review: store.Review{Kind: store.ReviewDelete, Field: "discount=discount", Opened: dawn(8)}, spot: at}); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// Invariant 7: that a value of a record that is gone was told by a value map that was tried is excused
// only if the hub told it so after the person had entered it, be it within the same instant.
func TestWhatATriedValueMapToldMustHaveBeenToldAfterTheEdit(t *testing.T) {
	t.Parallel()
	at, mate := spot{0, 0, "1"}, spot{0, 1, "1"}
	for name, c := range map[string]struct {
		change func(*oracle, *edit)
		want   bool
	}{
		"made within the instant": {func(*oracle, *edit) {}, true},
		"written": {func(o *oracle, _ *edit) {
			o.journal[0].Entry = store.Entry{Kind: store.Written, At: dawn(4), Field: "discount", New: record.Text("15")}
		}, true},
		"entered after that":      {func(_ *oracle, e *edit) { e.told = []int{0, 1} }, false},
		"entered at another time": {func(_ *oracle, e *edit) { e.at = dawn(5) }, false},
		"another value":           {func(o *oracle, _ *edit) { o.journal[0].Set["discount"] = record.Text("16") }, false},
		"no map was tried then":   {func(o *oracle, _ *edit) { o.w.remaps[0][1] = dawn(4) }, false},
		"told to its own side":    {func(o *oracle, _ *edit) { o.journal[0].spot = at }, false},
		"no value map at all":     {func(o *oracle, _ *edit) { o.k.Fields[1].Means = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.k.Fields[1].Means = func(_ int, v string) string { return v }
			o.whole = map[spot]spot{at: at, mate: at}
			o.w.remaps = [][2]time.Time{{dawn(3), dawn(7)}}
			o.w.set.Sides[1].Twin.Kit().Ledger().Record(twin.Act{By: "api", Verb: "create", Object: "cards", ID: "1", Fields: map[string]string{"discount": "15"}})
			o.journal = []line{{Entry: store.Entry{Kind: store.Created, At: dawn(4), Set: map[string]record.Value{"discount": record.Text("15")}}, spot: mate}}
			e := edit{spot: at, at: dawn(4), field: 1, now: "32", told: []int{0, 0}}
			c.change(o, &e)
			if got := o.toldTranslated(e, o.k.Fields[1]); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R22: that a record went with a value that was never told is excused only while the value map was tried
// by which its partner had been made without that value, and only if the journal has the value.
func TestWhatATriedValueMapCannotTellHoldsNoDelete(t *testing.T) {
	t.Parallel()
	at, mate := spot{0, 1, "4"}, spot{0, 0, "4"}
	for name, c := range map[string]struct {
		change func(*oracle)
		want   bool
	}{
		"made without it":           {func(*oracle) {}, true},
		"archived":                  {func(o *oracle) { o.journal[1].Kind = store.Archived }, true},
		"made with a value":         {func(o *oracle) { o.journal[0].Set["discount"] = record.Text("15") }, false},
		"made before the edit":      {func(o *oracle) { o.journal[0].At = dawn(3) }, false},
		"no map was tried":          {func(o *oracle) { o.w.remaps = nil }, false},
		"the map was changed back":  {func(o *oracle) { o.w.remaps[0][1] = dawn(6) }, false},
		"another map by then":       {func(o *oracle) { o.w.remaps = [][2]time.Time{{dawn(2), dawn(6)}, {dawn(6), {}}} }, false},
		"another value went":        {func(o *oracle) { o.journal[1].Set["discount"] = record.Text("16") }, false},
		"another record went":       {func(o *oracle) { o.journal[1].spot = spot{0, 1, "5"} }, false},
		"no value map of the field": {func(o *oracle) { o.k.Fields[1].Means = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.k.Fields[1].Means = func(_ int, v string) string { return v }
			o.whole = map[spot]spot{at: at, mate: at, {0, 1, "5"}: at}
			o.w.remaps = [][2]time.Time{{dawn(2), {}}}
			o.journal = []line{{Entry: store.Entry{Kind: store.Created, At: dawn(5), Set: map[string]record.Value{"email": record.Text("ann@x.gr")}}, spot: mate},
				{Entry: store.Entry{Kind: store.Deleted, At: dawn(7), Set: map[string]record.Value{"discount": record.Text("32")}}, spot: at}}
			c.change(o)
			if got := o.goneUntold(edit{spot: at, at: dawn(4), field: 1, now: "32"}, o.k.Fields[1], "32"); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R12: that a follower keeps elements which its source has not is excused only if people, or the hub as
// they had done elsewhere, merged a record into the source, and only if it has all that the source has.
func TestAFollowerKeepsElementsOnlyOfWhatWasMergedIntoItsSource(t *testing.T) {
	t.Parallel()
	from, to, lost := spot{0, 0, "11"}, spot{0, 1, "12"}, spot{0, 0, "4"}
	for name, c := range map[string]struct {
		change func(*oracle)
		want   bool
	}{
		"by the hub":           {func(*oracle) {}, true},
		"by people":            {func(o *oracle) { o.journal, o.merged = nil, map[spot]spot{lost: from} }, true},
		"by nobody":            {func(o *oracle) { o.journal = nil }, false},
		"into another record":  {func(o *oracle) { o.journal[0].New = record.Text("9") }, false},
		"another thing":        {func(o *oracle) { o.journal[0].spot = spot{0, 0, "5"} }, false},
		"it is edited as well": {func(o *oracle) { o.w.set.Sides[1].Still = false }, false},
		"it lacks an element":  {func(o *oracle) { o.rows[1]["12"].Fields["discount"] = "vip" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.k.Fields[1].Set, o.w.set.Sides[1].Still = true, true
			o.whole, o.members = map[spot]spot{from: from, to: from, lost: from}, map[spot][]spot{from: {from, to, lost}}
			o.rows[0]["11"] = twin.Row{ID: "11", Fields: map[string]string{"discount": "press"}}
			o.rows[1]["12"] = twin.Row{ID: "12", Fields: map[string]string{"discount": "press;vip"}}
			o.journal = []line{{Entry: store.Entry{Kind: store.Folded, New: record.Text("11")}, spot: lost}}
			c.change(o)
			if got := o.inherited(bond{Link: store.Link{IDs: [2]string{"11", "12"}}, sync: o.k.Syncs[0]}, o.k.Fields[1]); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R34: that a record is made anew for one of a pair that a restore has lost is excused only if that one
// came into sight when the care was over, and a person had deleted its partner by then.
func TestARecordIsMadeAnewOnlyForWhatNoRunHasSeenSinceARestore(t *testing.T) {
	t.Parallel()
	seen, mate := spot{0, 0, "3"}, spot{0, 1, "4"}
	for name, c := range map[string]struct {
		change func(*oracle)
		want   bool
	}{
		"seen late":                   {func(*oracle) {}, true},
		"brought back":                {func(o *oracle) { o.w.late, o.w.back = nil, []spot{mate} }, true},
		"in sight during the care":    {func(o *oracle) { o.w.late = nil }, false},
		"late in another sync":        {func(o *oracle) { o.w.late = map[seat]time.Time{{seen, "others"}: dawn(5)} }, false},
		"late, but another record":    {func(o *oracle) { o.w.late = map[seat]time.Time{{spot{0, 0, "8"}, "cards"}: dawn(5)} }, false},
		"its partner is there":        {func(o *oracle) { clear(o.gone) }, false},
		"its partner went after that": {func(o *oracle) { o.gone[mate] = removal{mate, 1, dawn(6)} }, false},
		"it was deleted itself":       {func(o *oracle) { o.gone = map[spot]removal{seen: {seen, 1, dawn(4)}} }, false},
		"the backup knows the pair":   {func(o *oracle) { o.links = o.past }, false},
		"no pair was lost":            {func(o *oracle) { o.past = nil }, false},
		"another thing":               {func(o *oracle) { o.whole[seen], o.whole[mate] = spot{0, 0, "8"}, spot{0, 0, "8"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.whole = map[spot]spot{seen: seen, mate: seen}
			o.past = []bond{{Link: store.Link{ID: 5, IDs: [2]string{seen.id, mate.id}}, sync: o.k.Syncs[0]}}
			o.w.late = map[seat]time.Time{{seen, "cards"}: dawn(5)}
			o.gone = map[spot]removal{mate: {mate, 1, dawn(4)}}
			c.change(o)
			if got := o.unpaired(seen); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R8: that an empty reference was overruled although nobody had emptied it is excused only if people had
// deleted what it led to, and brought back its record after that.
func TestAnEmptyReferenceYieldsOnlyIfItsVendorHasEmptiedIt(t *testing.T) {
	t.Parallel()
	at := spot{0, 1, "1"}
	ledger := func(o *oracle, acts ...twin.Act) {
		for _, a := range acts {
			a.Object, a.ID = "cards", at.id
			o.w.set.Sides[1].Twin.Kit().Ledger().Record(a)
		}
	}
	had, gets := twin.Act{By: "api", Verb: "update", Fields: map[string]string{"discount": "2"}}, twin.Act{By: "api", Verb: "update", Fields: map[string]string{"discount": "5"}}
	for name, c := range map[string]struct {
		acts   []twin.Act
		change func(*oracle)
		want   bool
	}{
		"emptied":                     {[]twin.Act{had, gets}, func(*oracle) {}, true},
		"and by the same value later": {[]twin.Act{had, gets, had, gets}, func(*oracle) {}, true},
		"what it led to is there":     {[]twin.Act{had, gets}, func(o *oracle) { o.w.gone = nil }, false},
		"deleted after that":          {[]twin.Act{had, gets}, func(o *oracle) { o.w.gone[0].at = dawn(9) }, false},
		"deleted at the other side":   {[]twin.Act{had, gets}, func(o *oracle) { o.w.gone[0].spot = spot{1, 0, "2"} }, false},
		"it led elsewhere since":      {[]twin.Act{had, {By: "person", Verb: "update", Fields: map[string]string{"discount": "3"}}, gets}, func(*oracle) {}, false},
		"a person had emptied it":     {[]twin.Act{had, {By: "person", Verb: "update", Fields: map[string]string{"discount": ""}}, gets}, func(*oracle) {}, false},
		"it never went":               {[]twin.Act{had, gets}, func(o *oracle) { o.w.back = nil }, false},
		"a value was overruled":       {[]twin.Act{had, gets}, func(o *oracle) { o.journal[0].Old = record.Text("3") }, false},
		"no reference":                {[]twin.Act{had, gets}, func(o *oracle) { o.k.Fields[1].Ref = 0 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.k.Fields[1].Ref = 2
			o.w.back, o.w.gone = []spot{at}, []removal{{spot{1, 1, "2"}, 1, dawn(3)}}
			o.journal = []line{{Entry: store.Entry{Kind: store.Overruled, At: dawn(6), Field: "discount", New: record.Text("5")}, spot: at}}
			ledger(o, c.acts...)
			c.change(o)
			if got := o.emptiedThere(o.journal[0], o.k.Fields[1]); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R24: a record that was created for one that people merged into another since was not created for that
// one; only the line of its create tells for which it was.
func TestARecordIsNoDoubleOfWhatItsSourceWasMergedIntoLater(t *testing.T) {
	t.Parallel()
	made, source, into, was := spot{0, 0, "5"}, spot{0, 1, "4"}, spot{0, 1, "1"}, spot{0, 0, "3"}
	for name, c := range map[string]struct {
		change func(*oracle)
		wrong  int
	}{
		"created for what was merged later":      {func(*oracle) {}, 0},
		"created for what remains":               {func(o *oracle) { o.journal[0].Link = 8 }, 1},
		"nothing tells for which":                {func(o *oracle) { o.journal = nil }, 1},
		"told by what a restore has lost":        {func(o *oracle) { o.journal[0].lost = true }, 1},
		"what it was created for was not merged": {func(o *oracle) { o.merged = nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			s := o.k.Syncs[0]
			o.links = []bond{
				{Link: store.Link{ID: 3, IDs: [2]string{was.id, into.id}}, sync: s},
				{Link: store.Link{ID: 7, IDs: [2]string{made.id, source.id}}, sync: s},
				{Link: store.Link{ID: 8, IDs: [2]string{made.id, into.id}}, sync: s},
			}
			o.whole, o.members = map[spot]spot{}, map[spot][]spot{}
			for _, at := range []spot{source, into, was, {0, 0, "2"}} {
				o.unite(made, at)
			}
			o.merged = map[spot]spot{source: into}
			o.journal = []line{{Entry: store.Entry{Link: 7, Kind: store.Created}, spot: made}}
			o.w.fused = []fusion{{side: 0, lost: []string{was.id}, into: "2", at: dawn(1)}}
			c.change(o)
			o.doubled(made, twin.Act{At: dawn(100)})
			if len(o.w.wrong) != c.wrong {
				t.Errorf("%q, want %d", o.w.wrong, c.wrong)
			}
		})
	}
}

// R16, R20: what the hub had made is excused as sought in vain though it never had a partner, and nobody
// edited it, but only if a person deleted it before another one was made for the same, and brought it back.
func TestWhatStandsAloneWasSoughtInVainOnlyIfItWasAwayThen(t *testing.T) {
	t.Parallel()
	made, source, instead := spot{0, 0, "3"}, spot{0, 1, "3"}, spot{0, 0, "7"}
	first := twin.Act{By: "api", Verb: "create", Object: "cards", ID: made.id, Fields: map[string]string{"email": "ann@x.gr"}}
	gone := twin.Act{By: "person", Verb: "delete", Object: "cards", ID: made.id}
	again := twin.Act{By: "api", Verb: "create", Object: "cards", ID: instead.id, Fields: map[string]string{"email": "ann@x.gr"}}
	aside, bob, own := gone, again, first
	aside.Verb, bob.ID, own.By = "archive", "8", "person"
	for name, c := range map[string]struct {
		acts   []twin.Act
		change func(*oracle)
		want   bool
	}{
		"deleted, and made again":          {[]twin.Act{first, gone, again}, func(*oracle) {}, true},
		"put aside, and made again":        {[]twin.Act{first, aside, again}, func(*oracle) {}, true},
		"its source has another name now":  {[]twin.Act{first, gone, again}, func(o *oracle) { o.w.edits = append(o.w.edits, edit{spot: source, now: "eva@x.gr"}) }, true},
		"another thing was made meanwhile": {[]twin.Act{first, bob, gone, again}, func(*oracle) {}, true},
		"made again before it was deleted": {[]twin.Act{first, again, gone}, func(*oracle) {}, false},
		"again, and deleted once more":     {[]twin.Act{first, again, gone, gone}, func(*oracle) {}, false},
		"hidden only, where keys are kept": {[]twin.Act{first, again}, func(o *oracle) { o.w.back, o.w.veiled = nil, []spot{made} }, false},
		"hidden where no keys are kept":    {[]twin.Act{first, again}, func(o *oracle) { o.w.back, o.w.veiled, o.k.Keyless = nil, []spot{made}, true }, true},
		"never brought back":               {[]twin.Act{first, gone, again}, func(o *oracle) { o.w.back = nil }, false},
		"a person made it":                 {[]twin.Act{own, gone, again}, func(*oracle) {}, false},
		"the hub knew that it had made it": {[]twin.Act{first, gone, again}, func(o *oracle) {
			o.family.journal = []line{{Entry: store.Entry{Kind: store.Created}, spot: made}}
		}, false},
		"it was linked": {[]twin.Act{first, gone, again}, func(o *oracle) {
			o.journal = []line{{Entry: store.Entry{Kind: store.Linked}, spot: made}}
		}, false},
		"its source is gone as well": {[]twin.Act{first, gone, again}, func(o *oracle) { o.w.gone = append(o.w.gone, removal{source, 2, dawn(6)}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.whole, o.members = map[spot]spot{source: instead, instead: instead}, map[spot][]spot{instead: {source, instead}}
			o.w.edits = []edit{{spot: source, at: dawn(1), now: "ann@x.gr"}, {spot: spot{0, 1, "8"}, at: dawn(1), now: "bob@x.gr"}}
			o.w.gone, o.w.back = []removal{{made, 1, dawn(4)}}, []spot{made}
			for _, act := range c.acts {
				o.w.set.Sides[0].Twin.Kit().Ledger().Record(act)
			}
			c.change(o)
			if got := o.soughtInVain(made); got != c.want {
				t.Errorf("excused: %v, want %v", got, c.want)
			}
		})
	}
}

// R16: that what the hub made is linked with nothing is excused only if a person took its key away before it
// could be found by it, and is asked, for that, whether the partner that it was to get like anybody's own was made.
func TestWhatTheHubMadeWaitsOnlyIfItPassesForAPersonsOwn(t *testing.T) {
	t.Parallel()
	made := spot{0, 1, "8"}
	holding := func(sent map[string]string) twin.Twin { // a vendor where we made it with that
		v := toy.New(twin.Options{})
		v.Kit().Ledger().Record(twin.Act{By: "api", Verb: "create", Object: "cards", ID: made.id, Fields: sent})
		return v
	}
	for name, c := range map[string]struct {
		change func(*oracle)
		wrong  int
	}{
		"its key was taken away, and it waits": {func(*oracle) {}, 0},
		"nobody is asked":                      {func(o *oracle) { o.reviews = nil }, 1},
		"asked about another record":           {func(o *oracle) { o.reviews[0].id = "7" }, 1},
		"asked about the other side's":         {func(o *oracle) { o.reviews[0].side = 0 }, 1},
		"asked something else":                 {func(o *oracle) { o.reviews[0].Kind = store.ReviewAmbiguous }, 1},
		"its partner was made for another one": {func(o *oracle) {
			o.reviews[0].Text = "a.cards/9, which it made, has another partner by now: it is not repeated"
		}, 1},
		"it was answered":                     {func(o *oracle) { o.reviews[0].Decision = "retry" }, 1},
		"nobody touched its key":              {func(o *oracle) { o.w.edits = nil }, 1},
		"another field was emptied":           {func(o *oracle) { o.w.edits[0].field = 1 }, 1},
		"another record's key was taken away": {func(o *oracle) { o.w.edits[0].id = "7" }, 1},
		"it got another key":                  {func(o *oracle) { o.w.edits[0].now = "bob@x.gr" }, 1},
		"its key went after the question":     {func(o *oracle) { o.w.edits[0].at = dawn(9) }, 1},
		"it was made without a key":           {func(o *oracle) { o.w.set.Sides[1].Twin = holding(map[string]string{"discount": "2"}) }, 1},
		"a key of ours stands in it":          {func(o *oracle) { o.k.Keyless = false }, 1},
		"the hub knew that it had made it":    {func(o *oracle) { o.journal = []line{{Entry: store.Entry{Kind: store.Created}, spot: made}} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oracleOf(t)
			o.k.Keyless = true
			o.whole, o.members = map[spot]spot{}, map[spot][]spot{}
			o.w.set.Sides[1].Twin = holding(map[string]string{"email": "ann@x.gr"})
			o.w.edits = []edit{{spot: made, at: dawn(6), was: "ann@x.gr"}}
			o.reviews = []asked{{Review: store.Review{Kind: store.ReviewUnknown, Opened: dawn(8), Text: "creating a.cards from b.cards/8 was cut off, and " + notRepeated}, spot: made}}
			c.change(o)
			o.creates()
			if len(o.w.wrong) != c.wrong {
				t.Errorf("%q, want %d", o.w.wrong, c.wrong)
			}
		})
	}
}
