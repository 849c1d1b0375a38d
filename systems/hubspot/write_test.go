package hubspot

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func TestCreateOneFailsAloneAndTwinsAreSplit(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		taken := b.put(contacts, "", "email", "taken@example.com")
		ops := make([]connector.Op, 100)
		for i := range ops {
			ops[i] = connector.Op{Key: fmt.Sprint("k", i), Set: set("email", fmt.Sprintf("n%d@example.com", i))}
		}
		ops[10].Set["email"] = record.Text("TAKEN@example.com")
		ops[20].Set["email"] = record.Text("no address")
		ops[30].Set["hs_lead_status"] = record.Text("Cold")
		ops[40].Set["missing"] = record.Text("x")
		ops[60].Set["email"] = record.Text(" N50@example.com") // the second of the same
		b.schema()
		var got []connector.Result
		if n := b.count("/batch/create", func() { got = b.write(connector.Create, contacts, ops...) }); n != 2 {
			b.Errorf("%d requests", n)
		}
		for i, want := range map[int]connector.Error{
			10: {Kind: connector.Duplicate, Field: "email", Existing: record.Ref{Object: contacts, ID: taken}},
			20: {Kind: connector.Invalid, Field: "email", Fix: remedy("INVALID_EMAIL")},
			30: {Kind: connector.Invalid, Field: "hs_lead_status", Fix: remedy("INVALID_OPTION")},
			40: {Kind: connector.Invalid, Field: "missing", Fix: remedy("PROPERTY_DOESNT_EXIST")},
			60: {Kind: connector.Duplicate, Field: "email", Existing: got[50].Ref},
		} {
			e := b.wantKind(got[i].Err, want.Kind)
			if e.Field != want.Field || e.Existing != want.Existing || want.Fix != "" && e.Fix != want.Fix {
				b.Errorf("%d: %+v", i, e)
			}
			got[i].Err = nil
		}
		rows := b.account.Rows(contacts)
		if len(rows) != 96 {
			b.Errorf("%d contacts", len(rows))
		}
		for i, r := range got {
			if r.Err != nil {
				b.Errorf("%d: %v", i, r.Err)
			}
			if r.After != nil && r.After.Fields[propKey].Text() != ops[i].Key {
				b.Errorf("%d is another's: %v", i, r.After.Fields)
			}
		}
	})
}

func TestDuplicateKeyNamesItsRecord(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		first := b.write(connector.Create, companies, connector.Op{Key: "same", Set: set("name", "Berg")})[0]
		again := b.write(connector.Create, companies, connector.Op{Key: "same", Set: set("name", "Berg")})[0]
		e := b.wantKind(again.Err, connector.Duplicate)
		if e.Field != propKey || e.Existing != first.Ref {
			b.Errorf("%+v", e)
		}
	})
}

func TestUpdateWithOneBadRowIsHalvedUntilItIsKnown(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		all := b.contacts(64)
		b.schema()
		ops := make([]connector.Op, len(all))
		for i, id := range all {
			ops[i] = connector.Op{Ref: record.Ref{ID: id}, Set: set("city", "Athens")}
		}
		ops[17].Set["credit_score"] = record.Text("high")
		ops[40].Set["email"] = record.Text("c1@example.com") // another's
		var got []connector.Result
		n := b.count("/batch/update", func() { got = b.write(connector.Update, contacts, ops...) })
		if n > 24 {
			b.Errorf("%d requests", n)
		}
		for i, r := range got {
			switch i {
			case 17:
				if e := b.wantKind(r.Err, connector.Invalid); e.Field != "credit_score" {
					b.Errorf("%+v", e)
				}
			case 40:
				if e := b.wantKind(r.Err, connector.Duplicate); e.Field != "email" || e.Existing.ID != all[1] {
					b.Errorf("%+v", e)
				}
			default:
				if r.Err != nil || r.After.Fields["city"].Text() != "Athens" || r.Ref.ID != all[i] {
					b.Errorf("%d: %+v", i, r)
				}
			}
		}
	})
}

func TestUpdateWritesEveryKindAndClears(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.contacts(1)[0]
		full := record.Fields{
			"email": record.Text("new@example.com"), "phone": record.Text("+30 210 5"), "birthday": record.Date(1980, 2, 29),
			"last_visit": record.Text("2026-02-28T12:30:00.25Z"), "newsletter": record.Bool(false),
			"interests": record.Texts("garden", "bath"), "credit_score": record.Text("0.1"),
			"hs_lead_status": record.Text("NEW"), "notes": record.Text("one\ntwo ☎ Ωμέγα"),
		}
		write := func(f record.Fields) record.Fields {
			r := b.write(connector.Update, contacts, connector.Op{Ref: record.Ref{ID: id}, Set: f})[0]
			if r.Err != nil {
				b.Fatal(r.Err)
			}
			got, err := b.Reader.Read(b.Context(), contacts, []string{id})
			if err != nil {
				b.Fatal(err)
			}
			for name, v := range f {
				if !r.After.Fields[name].Equal(v) || !got[0].Fields[name].Equal(v) {
					b.Errorf("%s: answered %q, read %q, want %q", name, r.After.Fields[name], got[0].Fields[name], v)
				}
			}
			if r.Version != got[0].Version {
				b.Errorf("version %q, read %q", r.Version, got[0].Version)
			}
			return got[0].Fields
		}
		write(full)
		empty := record.Fields{}
		for name := range full {
			if name != "email" {
				empty[name] = record.Value{}
			}
		}
		fields := write(empty)
		if d := cmp.Diff("L0", fields["lastname"].Text()); d != "" {
			b.Errorf("what was not named changed: %s", d)
		}
	})
}

// R11: an update of nothing sends nothing.
func TestEmptyUpdateSendsNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.contacts(1)[0]
		b.schema()
		n := b.count("/", func() {
			b.write(connector.Update, contacts, connector.Op{Ref: record.Ref{ID: id}, Set: record.Fields{}})
		})
		if n != 0 {
			b.Errorf("%d requests", n)
		}
	})
}

// HubSpot takes an earlier lifecycle stage and keeps the later one; it is cleared first.
func TestLifecycleStageGoesBackwards(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(contacts, "", "email", "a@example.com", "lifecyclestage", "customer")
		b.schema()
		update := func(stage string) connector.Result {
			return b.write(connector.Update, contacts, connector.Op{Ref: record.Ref{ID: id}, Set: set(propStage, stage, "city", "Athens")})[0]
		}
		var r connector.Result
		if n := b.count("/batch/", func() { r = update("lead") }); n != 5 { // write, read, clear, set, read
			b.Errorf("backwards took %d requests", n)
		}
		got, err := b.Reader.Read(b.Context(), contacts, []string{id})
		if r.Err != nil || len(r.Refused) > 0 || r.After.Fields[propStage].Text() != "lead" || r.After.Fields["city"].Text() != "Athens" {
			b.Errorf("%+v %v", r.After, r.Err)
		}
		if err != nil || got[0].Fields[propStage].Text() != "lead" || got[0].Version != r.Version {
			b.Errorf("read: %+v %v", got[0], err)
		}
		if n := b.count("/batch/", func() { r = update("customer") }); n != 2 || r.After.Fields[propStage].Text() != "customer" {
			b.Errorf("forwards took %d requests: %+v", n, r)
		}
	})
}

// What fails between clearing and setting is the operation's error: it will be repeated (R2).
func TestLifecycleStageIsNotLeftEmpty(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(contacts, "", "email", "a@example.com", "lifecyclestage", "customer")
		b.schema()
		op := connector.Op{Ref: record.Ref{ID: id}, Set: set(propStage, "lead", "city", "Athens")}
		b.account.Kit().Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Path: "/crm/objects/2026-09/contacts/batch/update", After: 2, Times: 1})
		op.Verb, op.Ref.Object = connector.Update, contacts
		_, err := b.Writer.Write(b.Context(), []connector.Op{op})
		b.wantKind(err, connector.Ambiguous)
		if r := b.write(connector.Update, contacts, op)[0]; r.Err != nil || r.After.Fields[propStage].Text() != "lead" {
			b.Errorf("repeated: %+v", r)
		}
	})
}

func TestArchiveAndDeletePutIntoTheBin(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		all := b.contacts(3)
		b.write(connector.Archive, contacts, connector.Op{Ref: record.Ref{ID: all[0]}}, connector.Op{Ref: record.Ref{ID: "4711"}})
		b.write(connector.Delete, contacts, connector.Op{Ref: record.Ref{ID: all[1]}})
		if rows := b.account.Rows(contacts); len(rows) != 1 || rows[0].ID != all[2] {
			b.Errorf("left: %v", rows)
		}
		_, err := b.Writer.Write(b.Context(), []connector.Op{{Verb: connector.Restore, Ref: record.Ref{Object: contacts, ID: all[0]}}})
		b.wantKind(err, connector.Unsupported)
		_, err = b.Writer.Write(b.Context(), []connector.Op{{Verb: connector.Create, Ref: record.Ref{Object: owners}}})
		b.wantKind(err, connector.Unsupported)
	})
}

// R16: what may have been created is ambiguous, and found by its key.
func TestUnknownOutcomeIsFoundByKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultErrorAfterCommit, twin.FaultLostReply, twin.FaultTruncate} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(b *bench) {
				b.schema()
				b.account.Kit().Inject(twin.Fault{Kind: kind, Path: "/crm/objects/2026-09/companies/batch/create", Times: 1})
				ops := []connector.Op{
					{Key: "k1", Verb: connector.Create, Ref: record.Ref{Object: companies}, Set: set("name", "Berg")},
					{Key: "k2", Verb: connector.Create, Ref: record.Ref{Object: companies}, Set: set("name", "Tal")},
				}
				_, err := b.Writer.Write(b.Context(), ops)
				b.wantKind(err, connector.Ambiguous)
				got, err := b.Finder.Find(b.Context(), companies, propKey, []string{"k1", "k2", "k3"})
				if err != nil || len(got) != 2 {
					b.Errorf("found %v %v", got, err)
				}
			})
		})
	}
}

func TestDailyLimitWaitsUntilTheAccountsMidnight(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, twin.Options{}, func(b *bench) {
		c := &conn{zone: athens} // the bubble begins at midnight UTC: two in Athens
		wait := c.untilMidnight()
		if wait < 22*time.Hour || wait > 22*time.Hour+2*time.Minute {
			b.Errorf("wait %v", wait)
		}
	})
}

func TestAddField(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		for _, f := range []record.Field{
			{Name: "Loyalty.Level", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "Gold"}, {Value: "2"}}},
			{Name: "tags", Kind: record.KindChoices, Choices: []record.Choice{{Value: "a"}}},
			{Name: "active", Kind: record.KindBool}, {Name: "since", Kind: record.KindDate}, {Name: "seen_at", Kind: record.KindDateTime},
			{Name: "turnover", Kind: record.KindMoney}, {Name: "fax_number", Kind: record.KindPhone},
			{Name: "bio", Kind: record.KindText, Format: record.FormatHTML}, {Name: "second_mail", Kind: record.KindEmail},
			{Name: "external_id", Kind: record.KindText, Unique: true},
		} {
			got, err := b.AddField.AddField(b.Context(), contacts, f)
			if err != nil {
				b.Fatalf("%s: %v", f.Name, err)
			}
			again, err := b.AddField.AddField(b.Context(), contacts, f)
			if err != nil || again.Name != got.Name || got.Unique != f.Unique || len(got.Choices) != len(f.Choices) {
				b.Errorf("%s: %+v, again %+v, %v", f.Name, got, again, err)
			}
		}
		_, err := b.AddField.AddField(b.Context(), contacts, record.Field{Name: "lines", Kind: record.KindList})
		b.wantKind(err, connector.Unsupported)
		_, err = b.AddField.AddField(b.Context(), contacts, record.Field{Name: "42", Kind: record.KindText})
		b.wantKind(err, connector.Invalid)
		_, err = b.AddField.AddField(b.Context(), owners, record.Field{Name: "x", Kind: record.KindText})
		b.wantKind(err, connector.Unsupported)
		b.account.ArchiveProperty(contacts, "tags")
		b.open(nil)
		b.account.Revoke("crm.schemas.contacts.write")
		_, err = b.AddField.AddField(b.Context(), contacts, record.Field{Name: "late", Kind: record.KindText})
		if e := b.wantKind(err, connector.Forbidden); !strings.Contains(e.Fix, "crm.schemas.contacts.write") {
			b.Errorf("fix: %s", e.Fix)
		}
	})
}

func TestKeyFieldIsUnique(t *testing.T) {
	t.Parallel()
	p, err := newProperty(record.Field{Name: propKey, Kind: record.KindText, Key: true})
	if err != nil || !p.Unique || p.FieldType != "text" {
		t.Errorf("%+v %v", p, err)
	}
}

func TestForbiddenWritesNameTheScope(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.schema()
		b.account.Revoke("crm.objects.contacts.write")
		_, err := b.Writer.Write(b.Context(), []connector.Op{{Verb: connector.Create, Ref: record.Ref{Object: contacts}, Set: set("email", "a@example.com")}})
		e := b.wantKind(err, connector.Forbidden)
		if e.Scope != connector.ScopeObject || !strings.Contains(e.Fix, "crm.objects.contacts.write") {
			b.Errorf("%+v", e)
		}
	})
}

func TestNoErrorHoldsTheToken(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		secret := b.account.Settings()["access_token"]
		for _, kind := range []twin.FaultKind{twin.FaultUnauthorized, twin.FaultUnavailable, twin.FaultHTML, twin.FaultRefuse, twin.FaultLostReply} {
			f := b.account.Kit().Inject(twin.Fault{Kind: kind})
			_, err := b.Check.Check(b.Context())
			_, err2 := b.Reader.Read(b.Context(), contacts, []string{"1"})
			for _, e := range []error{err, err2} {
				var typed *connector.Error
				if e == nil || !errors.As(e, &typed) || strings.Contains(e.Error()+typed.Fix, secret) {
					b.Errorf("%s: %v", kind, e)
				}
			}
			f.Remove()
		}
	})
}
