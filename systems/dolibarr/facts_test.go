package dolibarr

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/twin"
)

// bubble runs a test on both versions in virtual time.
func bubble(t *testing.T, o twin.Options, run func(t *testing.T, s *server)) {
	t.Helper()
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := o
				o.Version = version
				s := start(t, o)
				run(t, s)
				s.known()
			})
		})
	}
}

// A status of 200 with a web page is no success: it names a module that is off or an
// address that is not allowed, and says what to switch on.
func TestFact01StatusLiesBothWays(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		s.SwitchOff(true)
		_, err := s.Check.Check(context.Background())
		wants(t, err, connector.Forbidden, connector.ScopeConnection, "", "API/Web services REST")
		_, err = s.Source.Changes(context.Background(), connector.Query{Object: thirdParties})
		wants(t, err, connector.Forbidden, connector.ScopeConnection, "", "API/Web services REST")
		wants(t, s.create(contacts, record.Fields{"lastname": record.Text("Meyer")}).Err, connector.Forbidden, connector.ScopeConnection, "", "API/Web services REST")
		s.SwitchOff(false)
		s.BlockAddress(true)
		_, err = s.Check.Check(context.Background())
		wants(t, err, connector.Forbidden, connector.ScopeConnection, "", "address")
		s.BlockAddress(false)
		s.Inject(twin.Fault{Kind: twin.FaultHTML, Path: "/api/index.php/status"})
		_, err = s.Check.Check(context.Background())
		wants(t, err, connector.Unavailable, connector.ScopeConnection, "", "address")
	})
}

// The 404 of a list without rows is an empty page, not an error.
func TestFact02EmptyListIsNotFound(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for _, object := range []string{thirdParties, contacts} {
			changes, page := s.changes(connector.Query{Object: object})
			if len(changes) > 0 || page.More || page.Complete {
				t.Errorf("an empty list of %s reads as %+v", object, page)
			}
			if s.Kit().Count("GET", "/api/index.php/"+object) == 0 {
				t.Errorf("nobody asked for %s", object)
			}
			if changes, page = s.changes(connector.Query{Object: object, Cursor: page.Next}); len(changes) > 0 || page.Complete {
				t.Errorf("no change of %s reads as %+v", object, page)
			}
		}
	})
}

// Without the right to see all third parties the same 404 comes: that is no proof that
// anything was deleted (R21).
func TestFact03MissingRightLooksEmpty(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.company("Acme")
		other := s.company("Other")
		_, page := s.changes(connector.Query{Object: thirdParties})
		s.RestrictSeeAll(true)
		lacks := s.check().Lacks
		if len(lacks) < 1 || lacks[0].Object != thirdParties || lacks[0].What != "read" || !strings.Contains(lacks[0].Remedy, "Read all third parties") {
			t.Errorf("check finds %+v", lacks)
		}
		_, err := s.Source.Changes(context.Background(), connector.Query{Object: thirdParties, Fields: []string{}})
		wants(t, err, connector.Forbidden, connector.ScopeObject, "", "Read all third parties")
		if p, err := s.Source.Changes(context.Background(), connector.Query{Object: thirdParties, Cursor: page.Next}); err != nil || p.Complete {
			t.Errorf("changes without the right: %+v, %v", p, err)
		}
		for _, c := range s.read(thirdParties, id, other) {
			if c.Fate != connector.Left {
				t.Errorf("%s has fate %q", c.ID, c.Fate)
			}
		}
		s.RestrictSeeAll(false)
		if err := s.Remove(thirdParties, id); err != nil {
			t.Fatal(err)
		}
		// If the first record is gone, a missing right cannot be told from an empty object.
		s.RestrictSeeAll(true)
		if p, err := s.Source.Changes(context.Background(), connector.Query{Object: thirdParties, Fields: []string{}}); err != nil || p.Complete {
			t.Errorf("a listing that proves nothing: %+v, %v", p, err)
		}
	})
}

// Two records of one e-mail are both found; the vendor's own lookup answers an empty shell.
func TestFact04LookupByEmailFindsAll(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for range 2 {
			s.put(thirdParties, "", map[string]string{"name": "Acme", "email": "Dup@x.example"})
			s.put(contacts, "", map[string]string{"lastname": "Meyer", "email": "dup@x.example"})
		}
		for _, object := range []string{thirdParties, contacts} {
			found, err := s.Finder.Find(context.Background(), object, "email", []string{"dup@X.example", "", "nobody@x.example"})
			if err != nil || len(found) != 2 {
				t.Errorf("%s: found %v, %v", object, found, err)
			}
		}
		if c := s.read(thirdParties, "0", "99", "abc"); c[0].Fate != connector.Deleted || c[1].Fate != connector.Deleted || c[2].Fate != connector.Deleted {
			t.Errorf("no records have fates %q %q %q", c[0].Fate, c[1].Fate, c[2].Fate)
		}
	})
}

// Nothing but the customer code is unique, so a create that is repeated makes two records;
// the operation's key in ref_ext finds what the first one made (R16).
func TestFact05NoDuplicateDetection(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		set := record.Fields{"name": record.Text("Acme"), "email": record.Text("a@x.example")}
		f := s.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Times: 1})
		wants(t, s.create(thirdParties, set).Err, connector.Ambiguous, connector.ScopeRecord, "", "")
		if f.Hits() != 1 {
			t.Fatalf("a write was sent %d times", f.Hits())
		}
		found, err := s.Finder.Find(context.Background(), thirdParties, "ref_ext", []string{"key-1"})
		if err != nil || len(found) != 1 {
			t.Fatalf("found by key: %v, %v", found, err)
		}
		if r := s.create(thirdParties, set); r.Err != nil || r.Ref.ID == found[0].ID {
			t.Errorf("the second create gives %+v", r)
		}
		code := record.Fields{"name": record.Text("Beta"), "code_client": record.Text("CU-7")}
		first := s.create(thirdParties, code)
		second := s.create(thirdParties, code)
		wants(t, second.Err, connector.Duplicate, connector.ScopeRecord, "code_client", "")
		if got := connector.ErrorOf(second.Err).Existing; got != first.Ref {
			t.Errorf("the code is said to be held by %v, it is by %v", got, first.Ref)
		}
	})
}

// The entity is never sent, nor is a field that an operation does not name.
func TestFact06OnlyWhatChangesIsSent(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.put(thirdParties, "", map[string]string{"name": "Acme", "town": "Athens", "phone": "123"})
		bodies := s.written()
		r := s.update(thirdParties, id, record.Fields{"town": record.Text("Patras"), "entity": record.Text("2"), "status": record.Text("0")})
		if r.Err != nil || r.After == nil || r.After.Fields["town"].Text() != "Patras" || r.After.Fields["phone"].Text() != "123" {
			t.Errorf("got %+v", r)
		}
		if len(r.Refused) != 2 {
			t.Errorf("refused: %v", r.Refused)
		}
		if got := bodies(); got != `PUT {"town":"Patras"}` {
			t.Errorf("sent %s", got)
		}
		// R11: nothing to set sends nothing.
		if n := s.calls(func() { s.update(thirdParties, id, record.Fields{"name": {}}) }); n != 0 {
			t.Errorf("an update of nothing made %d calls", n)
		}
	})
}

// Time literals are the database's own wall clock: changes are found in a zone ahead of
// and behind Greenwich, and over the hour that comes twice in autumn.
func TestFact07LiteralsAreLocal(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Athens", "America/New_York", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, twin.Options{Zone: zone}, func(t *testing.T, s *server) {
				s.company("Acme")
				time.Sleep(time.Until(time.Date(2000, 10, 29, 0, 0, 0, 0, time.UTC))) // clocks go back in both continents
				_, page := s.changes(connector.Query{Object: thirdParties})
				for i := range 60 {
					time.Sleep(10 * time.Minute)
					id := s.company(fmt.Sprint("Acme ", i))
					time.Sleep(time.Second)
					var changes []connector.Change
					changes, page = s.changes(connector.Query{Object: thirdParties, Cursor: page.Next})
					if !strings.HasSuffix(ids(changes), id) {
						t.Fatalf("at %v the change of %s is missed: %s", time.Now(), id, ids(changes))
					}
				}
			})
		})
	}
}

// Version 24 tells no time of change where no extrafield was ever saved; changes are read
// by the server's clock then.
func TestFact08ModificationDateMayBeMissing(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{Zone: athens(t)}, func(t *testing.T, s *server) {
		s.Skew(7 * time.Minute)
		id := s.put(contacts, "", map[string]string{"lastname": "Meyer"})
		time.Sleep(4 * time.Hour)
		changes, page := s.changes(connector.Query{Object: contacts})
		if len(changes) != 1 || changes[0].Created.IsZero() {
			t.Fatalf("listed: %+v", changes)
		}
		time.Sleep(30 * time.Hour)
		if changes, page = s.changes(connector.Query{Object: contacts, Cursor: page.Next}); len(changes) > 0 {
			t.Errorf("nothing changed and %s is told", ids(changes))
		}
		s.put(contacts, id, map[string]string{"firstname": "Ann"})
		time.Sleep(time.Second)
		if changes, _ = s.changes(connector.Query{Object: contacts, Cursor: page.Next}); ids(changes) != id {
			t.Errorf("the change of %s is missed: %q", id, ids(changes))
		}
	})
}

// Where the database keeps another zone than PHP, the stamps are wrong by the difference,
// and so is a literal made of PHP's clock; both are set right.
func TestFact09ZonesOfPHPAndDatabaseDiffer(t *testing.T) {
	t.Parallel()
	for _, withExtra := range []bool{true, false} {
		t.Run(fmt.Sprint("extrafields ", withExtra), func(t *testing.T) {
			bubble(t, twin.Options{Zone: athens(t)}, func(t *testing.T, s *server) {
				s.SetDatabaseZone(time.UTC)
				fields := map[string]string{"name": "Acme"}
				if withExtra {
					s.AddExtraField(dolibarrtwin.ExtraField{Object: thirdParties, Code: "code", Type: "varchar", Size: "10"})
					fields["array_options.options_code"] = "A1"
				}
				id := s.put(thirdParties, "", fields)
				made := time.Now()
				changes, page := s.changes(connector.Query{Object: thirdParties})
				if got := changes[0].Modified; !got.IsZero() && got.Sub(made).Abs() > time.Second {
					t.Errorf("changed at %v, says %v", made, got)
				}
				for i := range 5 {
					time.Sleep(50 * time.Hour)
					s.put(thirdParties, id, map[string]string{"town": fmt.Sprint("Town ", i)})
					time.Sleep(time.Second)
					s.reconnect()
					if changes, page = s.changes(connector.Query{Object: thirdParties, Cursor: page.Next}); ids(changes) != id {
						t.Fatalf("change %d is missed", i)
					}
				}
			})
		})
	}
}

// Dates are midnights of the server's zone; the day neither shifts on reading nor on
// writing.
func TestFact10DatesAreLocalMidnights(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Athens", "America/New_York", "Pacific/Auckland"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, twin.Options{Zone: zone}, func(t *testing.T, s *server) {
				s.UseAdmin()
				s.AddExtraField(dolibarrtwin.ExtraField{Object: contacts, Code: "since", Type: "date"})
				s.AddExtraField(dolibarrtwin.ExtraField{Object: contacts, Code: "seen", Type: "datetime"})
				s.reconnect()
				id := s.put(contacts, "", map[string]string{"lastname": "Doe", "birthday": "1980-05-06"})
				if got := s.read(contacts, id)[0].Fields["birthday"].Text(); got != "1980-05-06" {
					t.Errorf("read %q", got)
				}
				set := record.Fields{
					"birthday":                    record.Text("1971-12-31"),
					"array_options.options_since": record.Text("2026-03-29"),
					"array_options.options_seen":  record.Text("2026-11-30T08:00:00Z"),
				}
				r := s.update(contacts, id, set)
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				for field, want := range set {
					if got := r.After.Fields[field]; !got.Equal(want) {
						t.Errorf("%s was written as %v and reads %v", field, want, got)
					}
				}
				row := s.Rows(contacts)[0].Fields
				if row["birthday"] != "1971-12-31" || row["array_options.options_since"] != "2026-03-29" {
					t.Errorf("people see %v", row)
				}
			})
		})
	}
}

// What the vendor makes of a text is declared, and is what it reads back (R2).
func TestFact11TextIsRewrittenAsDeclared(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		schema, err := s.Source.Schema(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, _ := schema.Object(thirdParties)
		for _, sent := range []string{
			`SPECIAL q" <b>b</b> &amp; &lt;i&gt; \ back é`, "a < b & c > d", "Emoji 🚀 in the middle", `back\slash`, "  blanks   and more ", "🚀🚀 twice",
		} {
			r := s.create(thirdParties, record.Fields{"name": record.Text(sent), "phone": record.Text("+30 210 555"), "note_private": record.Text("5 < 6 & 🚀")})
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			for name, value := range map[string]string{"name": sent, "phone": "+30 210 555"} {
				f, _ := o.Field(name)
				if got := r.After.Fields[name]; !record.Echoes(got, record.Text(value), f.Rewrites) {
					t.Errorf("%s was sent as %q and reads %q", name, value, got)
				}
			}
		}
	})
}

// No lookup is refused by the firewall or stumbles over a quote, whatever it looks for,
// and none returns what only looks alike.
func TestFact12FirewallAndQuotes(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for _, name := range []string{
			"O'Brien Ltd", "Müller & Söhne", "Acme (Hellas) AE", "DELETE FROM it", "Union Select Group From Bonn", "50% off; now",
			"javascript: Ltd", `back\slash`, "Insert into Ltd", "a:b:c", "x,y", "update the set = 1",
		} {
			id := s.company(name)
			s.company(name + " x")
			s.company("x" + name)
			stored := s.Rows(thirdParties)
			want := stored[len(stored)-3].Fields["name"]
			found, err := s.Finder.Find(context.Background(), thirdParties, "name", []string{want})
			if err != nil {
				t.Errorf("find %q: %v", want, err)
			} else if len(found) != 1 || found[0].ID != id {
				t.Errorf("find %q: %v", want, found)
			}
		}
		// The collation takes e for é; we do not.
		s.company("Café")
		cafe := s.company("Cafe")
		if found, err := s.Finder.Find(context.Background(), thirdParties, "name", []string{"CAFE"}); err != nil || len(found) != 1 || found[0].ID != cafe {
			t.Errorf("found %v, %v", found, err)
		}
		// An id with such characters is no address of ours to ask for.
		wants(t, s.update(thirdParties, "o'neil", record.Fields{"town": record.Text("x")}).Err, connector.Invalid, connector.ScopeRecord, "", "")
	})
}

// Deletes leave no trace and take the contacts along; a complete listing raises the
// suspicion and a read by id proves it (R21, R23).
func TestFact14DeletesAreHardAndCascade(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{PageSize: 4}, func(t *testing.T, s *server) {
		var parents, children []string
		for i := range 9 {
			parents = append(parents, s.company(fmt.Sprint("Acme ", i)))
			children = append(children, s.put(contacts, "", map[string]string{"lastname": fmt.Sprint("Meyer ", i), "socid": parents[i]}))
		}
		schema, err := s.Source.Schema(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, _ := schema.Object(thirdParties)
		if len(o.Cascades) != 1 || o.Cascades[0].Object != contacts || o.Cascades[0].Field != "socid" || o.Deletes != record.EvidenceListing {
			t.Errorf("declared: %+v, %q", o.Cascades, o.Deletes)
		}
		if err := s.Remove(thirdParties, parents[3]); err != nil {
			t.Fatal(err)
		}
		for object, gone := range map[string]string{thirdParties: parents[3], contacts: children[3]} {
			swept, page := s.changes(connector.Query{Object: object, Fields: []string{}})
			if !page.Complete || len(swept) != 8 || strings.Contains(" "+ids(swept)+" ", " "+gone+" ") {
				t.Errorf("the sweep of %s shows %s, complete %v", object, ids(swept), page.Complete)
			}
			if got := s.read(object, gone, swept[0].ID); got[0].Fate != connector.Deleted || got[1].Fate != connector.Present {
				t.Errorf("%s: fates %q and %q", object, got[0].Fate, got[1].Fate)
			}
		}
		s.AttachDocument(parents[0])
		r := s.write(connector.Op{Verb: connector.Delete, Ref: record.Ref{Object: thirdParties, ID: parents[0]}})
		wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "", "close it")
		r = s.write(connector.Op{Verb: connector.Delete, Ref: record.Ref{Object: thirdParties, ID: "77"}})
		wants(t, r.Err, connector.NotFound, connector.ScopeRecord, "", "")
		// A merged third party is gone too; its contacts now belong to the other one.
		if err := s.Merge(parents[5], parents[6]); err != nil {
			t.Fatal(err)
		}
		if got := s.read(thirdParties, parents[5])[0].Fate; got != connector.Deleted {
			t.Errorf("a merged record has fate %q", got)
		}
		if got := s.read(contacts, children[5])[0].Fields["socid"].Text(); got != parents[6] {
			t.Errorf("its contact belongs to %s", got)
		}
	})
}
