package dolibarr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/twin"
)

// An idle reading costs exactly one request, also right after a restart.
func TestIdleReadingIsOneRequest(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{Zone: athens(t)}, func(t *testing.T, s *server) {
		extraDefinitions(s.Twin)
		s.UseAdmin()
		s.reconnect()
		for i := range 7 {
			s.put(thirdParties, "", map[string]string{"name": fmt.Sprint("Acme ", i), "array_options.options_since": "2026-11-30"})
		}
		time.Sleep(24 * time.Hour)
		_, page := s.changes(connector.Query{Object: thirdParties})
		s.reconnect()
		for range 3 {
			time.Sleep(time.Minute)
			if n := s.calls(func() {
				var changes []connector.Change
				if changes, page = s.changes(connector.Query{Object: thirdParties, Cursor: page.Next}); len(changes) > 0 {
					t.Errorf("nothing happened and %s is told", ids(changes))
				}
			}); n != 1 {
				t.Errorf("an idle reading made %d requests", n)
			}
		}
		// What the cursor keeps is enough to read an extrafield of a kind.
		s.put(thirdParties, "3", map[string]string{"town": "Patras"})
		time.Sleep(time.Second)
		s.reconnect()
		changes, _ := s.changes(connector.Query{Object: thirdParties, Cursor: page.Next})
		if ids(changes) != "3" || changes[0].Fields["array_options.options_since"].Text() != "2026-11-30" {
			t.Errorf("told: %+v", changes)
		}
	})
}

// The cursor after a listing goes back to the moment at which the listing began, so that
// what was changed on pages already shown is told.
func TestEditsDuringAListingAreTold(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for i := range 6 {
			s.company(fmt.Sprint("Acme ", i))
		}
		time.Sleep(time.Hour)
		q := connector.Query{Object: thirdParties, Limit: 2}
		for page := 0; ; page++ {
			p, err := s.Source.Changes(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if q.Cursor = p.Next; !p.More {
				break
			}
			time.Sleep(20 * time.Minute) // much longer than the overlap
			if page == 0 {
				s.put(thirdParties, "1", map[string]string{"town": "Patras"})
			}
			s.reconnect()
		}
		if changes, _ := s.changes(q); ids(changes) != "1" {
			t.Errorf("told after the listing: %q", ids(changes))
		}
	})
}

// PHP runs out of memory on long pages and says nothing: the page is halved, and the
// next ones too. A later reading tries once whether twice the rows pass by now.
func TestPagesShrinkToPHPsMemory(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{PageSize: 40}, func(t *testing.T, s *server) {
		for i := range 100 {
			s.company(fmt.Sprint("Acme ", i))
		}
		var changes []connector.Change
		var page connector.Page
		if n := s.calls(func() { changes, page = s.changes(connector.Query{Object: thirdParties}) }); n > 11 {
			t.Errorf("listing made %d requests", n)
		}
		if len(changes) != 100 || !page.Complete {
			t.Errorf("listed %d, complete %v", len(changes), page.Complete)
		}
		s.reconnect()
		if n := s.calls(func() { changes, _ = s.changes(connector.Query{Object: thirdParties, Cursor: page.Next}) }); n != 5 || len(changes) != 100 {
			t.Errorf("what the cursor knows of the page is forgotten: %d requests for %d", n, len(changes))
		}
	})
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		s.company("Acme")
		s.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Path: "/api/index.php/thirdparties"})
		_, err := s.Source.Changes(context.Background(), connector.Query{Object: thirdParties})
		wants(t, err, connector.Unavailable, connector.ScopeObject, "", "memory")
	})
}

// Whatever else breaks the server down without a word looks the same: pages are not short for
// ever after, or an idle hub would ask for single rows.
func TestShortPagesGrowAgain(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for i := range 8 {
			s.company(fmt.Sprint("Acme ", i))
		}
		broken := s.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Path: "/api/index.php/thirdparties", Times: 8})
		_, page := s.changes(connector.Query{Object: thirdParties})
		broken.Remove()
		for range 4 {
			s.reconnect()
			_, page = s.changes(connector.Query{Object: thirdParties, Cursor: page.Next})
		}
		var changes []connector.Change
		if n := s.calls(func() { changes, _ = s.changes(connector.Query{Object: thirdParties, Cursor: page.Next}) }); n != 1 || len(changes) != 8 {
			t.Errorf("%d requests for %d records", n, len(changes))
		}
	})
}

// Only the fields that are wanted are asked for, and what every record needs.
func TestPropertiesAreThoseWanted(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		s.company("Acme")
		s.changes(connector.Query{Object: thirdParties, Fields: []string{"name", "country_code"}})
		s.changes(connector.Query{Object: thirdParties, Fields: []string{"array_options.options_x"}})
		s.changes(connector.Query{Object: thirdParties, Fields: []string{}})
		var asked []string
		for _, c := range s.Kit().Calls() {
			if strings.HasSuffix(c.Path, "/thirdparties") {
				q, err := url.ParseQuery(c.Query)
				if err != nil {
					t.Fatal(err)
				}
				asked = append(asked, q.Get("properties")+" "+q.Get("limit"))
			}
		}
		always := "id,date_creation,date_modification,user_modification_id,status"
		want := []string{always + ",name,country_code 500", always + ",array_options 500", always + " 2000"}
		if strings.Join(asked, "\n") != strings.Join(want, "\n") {
			t.Errorf("asked for\n%s", strings.Join(asked, "\n"))
		}
	})
}

func TestClosedRecordsAreArchived(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		company := s.company("Acme")
		person := s.put(contacts, "", map[string]string{"lastname": "Meyer"})
		for object, id := range map[string]string{thirdParties: company, contacts: person} {
			ref := record.Ref{Object: object, ID: id}
			if r := s.write(connector.Op{Verb: connector.Archive, Ref: ref}); r.Err != nil {
				t.Fatal(r.Err)
			}
			if len(s.Rows(object)) != 0 || s.read(object, id)[0].Fate != connector.Archived {
				t.Errorf("%s is not archived", object)
			}
			for _, fields := range [][]string{nil, {}} {
				if changes, _ := s.changes(connector.Query{Object: object, Fields: fields}); changes[0].Fate != connector.Archived {
					t.Errorf("%s: a listing of %v tells fate %q", object, fields, changes[0].Fate)
				}
			}
			if r := s.write(connector.Op{Verb: connector.Restore, Ref: ref}); r.Err != nil || s.read(object, id)[0].Fate != connector.Present || len(s.Rows(object)) != 1 {
				t.Errorf("%s is not restored: %v", object, r.Err)
			}
		}
	})
}

func TestACursorOfAnotherFormatIsExpired(t *testing.T) {
	t.Parallel()
	s := start(t, twin.Options{})
	for _, c := range []connector.Cursor{"x", "{}", `{"v":2,"m":"new"}`, `{"v":1,"m":"page"}`, "[]"} {
		_, err := s.Source.Changes(t.Context(), connector.Query{Object: thirdParties, Cursor: c})
		wants(t, err, connector.Expired, connector.ScopeObject, "", "")
	}
}

// However the zones, the night and what is known of the database: the literal is never
// after the moment from which changes are wanted, as the database reads its clock.
func TestLiteralIsNeverTooLate(t *testing.T) {
	t.Parallel()
	var zones []*time.Location
	for _, name := range []string{"UTC", "Europe/Athens", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		database := rapid.SampledFrom([]*time.Location{zone, time.UTC}).Draw(t, "database")
		if offset(time.Unix(1.8e9, 0), zone) < 0 {
			database = zone // a database ahead of PHP needs no more than PHP's clock
		}
		since := rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "since")
		c := cursor{Since: since, Drift: drift{Known: rapid.Bool().Draw(t, "known")}}
		if c.Drift.Known {
			made := rapid.Int64Range(1_600_000_000, since).Draw(t, "made")
			c.Drift = drift{}.with(made, fromWall(t, time.Unix(made, 0).In(database).Format(time.DateTime), zone))
		}
		edited := time.Unix(since, 0).Add(time.Duration(rapid.IntRange(-59, 4*3600).Draw(t, "later")) * time.Second)
		if literal, stamp := c.literal(zone), edited.In(database).Format(time.DateTime); stamp < literal {
			t.Fatalf("an edit at %v is stamped %s and read from %s", edited, stamp, literal)
		}
	})
}

// fromWall is how PHP reads a wall clock as its own.
func fromWall(t *rapid.T, wall string, zone *time.Location) int64 {
	at, err := time.ParseInLocation(time.DateTime, wall, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at.Unix()
}

func TestDriftTakesEvidenceOfRecordsThatWereNeverChanged(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		created, modified int64
		want              drift
	}{
		{1000, 1000, drift{Known: true}},
		{1000, 1003, drift{Known: true}},
		{100000, 100000 - 7200, drift{Known: true, Behind: 7200}},
		{100000, 200000, drift{}}, // changed later: it says nothing
		{100000, 0, drift{}},
		{1_000_000, 1, drift{}}, // imported with a stamp of old
	} {
		if got := (drift{}).with(x.created, x.modified); got != x.want {
			t.Errorf("%d, %d: %+v", x.created, x.modified, got)
		}
	}
	if got := (drift{Known: true, Behind: 7200}).modified(100000-7200, time.Unix(100000, 0)); got.Unix() != 100000 {
		t.Errorf("a stamp of another zone is set to %v", got)
	}
	if got := (drift{}).modified(100000-7200, time.Unix(100000, 0)); !got.IsZero() {
		t.Errorf("a change before the making is believed: %v", got)
	}
}

// Zones travel in a cursor by name, or by offset where we know no name.
func TestZonesInCursors(t *testing.T) {
	t.Parallel()
	for _, s := range []wireStatus{
		{Zone: "Europe/Athens", Now: 1795279908, Local: "2026-11-21 18:51:48"},
		{Zone: "Mars/Olympus", Now: 1795279908, Local: "2026-11-21 18:51:48"},
		{Zone: "", Now: 1795279908, Local: "2026-11-21 11:51:48"},
		{Zone: "UTC", Now: 1795279908, Local: "2026-11-21 16:51:48"},
	} {
		zone := zoneOf(zoneName(s.location()))
		if zone == nil || time.Unix(s.Now, 0).In(zone).Format(time.DateTime) != s.Local {
			t.Errorf("%q becomes %v", s.Zone, zone)
		}
	}
	if zoneOf("No/Where") != nil || zoneOf("") != nil {
		t.Error("a zone out of nothing")
	}
}

func TestACancelledReadingReturns(t *testing.T) {
	t.Parallel()
	s := start(t, twin.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Source.Changes(ctx, connector.Query{Object: thirdParties}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The pencil beside an extrafield changes the row of extrafields only, whose stamp is another
// one than the record's; both are asked about.
func TestAnEditOfAnExtrafieldAloneIsTold(t *testing.T) {
	t.Parallel()
	for _, object := range extended() {
		t.Run(object, func(t *testing.T) {
			bubble(t, twin.Options{Zone: athens(t)}, func(t *testing.T, s *server) { testPencil(t, s, object) })
		})
	}
}

func testPencil(t *testing.T, s *server, object string) {
	s.UseAdmin()
	if err := furnish(s.Twin); err != nil {
		t.Fatal(err)
	}
	s.AddExtraField(dolibarrtwin.ExtraField{Object: object, Code: "note", Type: "varchar", Size: "64"})
	s.reconnect()
	i := slices.IndexFunc(suite("").Objects, func(o connectortest.Object) bool { return o.Name == object })
	typed := maps.Clone(suite("").Objects[i].People)
	if typed == nil {
		typed = map[string]string{"name": "Acme", "lastname": "Meyer"}
		delete(typed, map[string]string{thirdParties: "lastname", contacts: "name"}[object])
	}
	id := s.put(object, "", typed)
	s.put(object, id, map[string]string{"array_options.options_note": "first"})
	time.Sleep(24 * time.Hour)
	_, page := s.changes(connector.Query{Object: object})
	time.Sleep(time.Hour)
	_, page = s.changes(connector.Query{Object: object, Cursor: page.Next})
	time.Sleep(time.Hour)
	s.put(object, id, map[string]string{"array_options.options_note": "second"})
	time.Sleep(time.Minute)
	changes, _ := s.changes(connector.Query{Object: object, Cursor: page.Next})
	if ids(changes) != id || changes[0].Fields["array_options.options_note"].Text() != "second" {
		t.Errorf("after an edit of an extrafield alone: %+v", changes)
	}
	s.known()
}

// A server that does not join the extrafields is asked without them.
func TestAServerWithoutExtrafieldsInItsListsIsReadAllTheSame(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.company("Acme")
		s.transport = noExtras{twin.Transport(s.Twin)}
		s.reconnect()
		_, page := s.changes(connector.Query{Object: thirdParties})
		time.Sleep(time.Hour)
		s.put(thirdParties, id, map[string]string{"town": "Patras"})
		for range 2 {
			if changes, _ := s.changes(connector.Query{Object: thirdParties, Cursor: page.Next}); ids(changes) != id {
				t.Errorf("told: %q", ids(changes))
			}
		}
		if n := s.calls(func() { s.changes(connector.Query{Object: thirdParties, Cursor: page.Next}) }); n != 1 {
			t.Errorf("what the server refuses is asked for again: %d requests", n)
		}
	})
}

// noExtras answers as a server whose lists do not join the extrafields.
type noExtras struct{ next http.RoundTripper }

// RoundTrip refuses what names their table.
func (n noExtras) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Query().Get("sqlfilters"), "ef.") {
		return n.next.RoundTrip(r)
	}
	body := `{"error":{"code":503,"message":"Service Unavailable: Error when retrieve thirdparties : Unknown column 'ef.tms' in 'WHERE'"}}`
	return &http.Response{
		StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// The lists of contacts call the table of extrafields otherwise than all other lists.
func TestContactsAreFoundByAnExtrafield(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		s.UseAdmin()
		for _, object := range []string{thirdParties, contacts} {
			s.AddExtraField(dolibarrtwin.ExtraField{Object: object, Code: "code", Type: "varchar", Size: "64"})
		}
		s.reconnect()
		const field = "array_options.options_code"
		s.put(thirdParties, "", map[string]string{"name": "Acme", field: "A-1"})
		s.put(contacts, "", map[string]string{"lastname": "Meyer", field: "A-1"})
		s.put(contacts, "", map[string]string{"lastname": "Smith", field: "A-2"})
		for _, object := range []string{thirdParties, contacts} {
			found, err := s.Finder.Find(t.Context(), object, field, []string{"A-1"})
			if err != nil || len(found) != 1 || found[0].ID != "1" {
				t.Errorf("%s: found %v, %v", object, found, err)
			}
			where := []connector.Cond{{Field: field, Op: connector.In, Values: []string{"A-1"}}}
			if changes, _ := s.changes(connector.Query{Object: object, Where: where}); ids(changes) != "1" {
				t.Errorf("%s: a filter shows %q", object, ids(changes))
			}
		}
		s.known()
	})
}
