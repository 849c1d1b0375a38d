package dolibarr

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/twin"
)

func TestCheckTellsWhatTheKeyMayDo(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{Zone: athens(t)}, func(t *testing.T, s *server) {
		s.Skew(90 * time.Second)
		id := s.check()
		if id.Name != "erp.example.com" || id.Zone != "Europe/Athens" || id.Clock != 90*time.Second || id.Facts["unverified"] != "" {
			t.Errorf("check finds %+v", id)
		}
		if len(id.Lacks) != 1 || id.Lacks[0].What != "schema" || id.Lacks[0].Remedy == "" {
			t.Errorf("a key that is no administrator's lacks %+v", id.Lacks)
		}
		s.UseAdmin()
		s.Lock(true)
		s.reconnect()
		admin := s.check()
		if len(admin.Lacks) > 0 || admin.Facts["maintenance"] == "" {
			t.Errorf("an administrator finds %+v", admin)
		}
		if admin.Account != id.Account {
			t.Errorf("the account is %q for one key and %q for another (R33)", id.Account, admin.Account)
		}
		s.UseSync()
		s.Grant("user.lire", false)
		s.Grant("contact.lire", false)
		s.reconnect()
		var lacking []string
		for _, l := range s.check().Lacks {
			lacking = append(lacking, l.Object+" "+l.What)
		}
		if diff := cmp.Diff([]string{"contacts read", "users read", " schema"}, lacking); diff != "" {
			t.Errorf("lacks: - want, + got\n%s", diff)
		}
	})
}

// The account outlives keys and deleted records, and another installation has another (R33).
func TestCheckPinsTheInstallation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, twin.Options{})
		first := s.company("Acme")
		was := s.check().Account
		if err := s.Remove(thirdParties, first); err != nil {
			t.Fatal(err)
		}
		if got := s.check().Account; got != was {
			t.Errorf("the account was %q and is %q", was, got)
		}
		time.Sleep(time.Hour)
		if other := start(t, twin.Options{}).check().Account; other == was {
			t.Errorf("two installations have the account %q", was)
		}
	})
}

func TestOpenTakesTheAddressWithOrWithoutTheAPI(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://erp.example.com", "https://erp.example.com/", "https://erp.example.com/api/index.php"} {
		tw := dolibarrtwin.New(twin.Options{})
		a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: address, Secrets: tw.Settings(), Transport: twin.Transport(tw)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Check.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	tw := dolibarrtwin.New(twin.Options{})
	a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: "https://erp.example.com/shop", Secrets: tw.Settings(), Transport: twin.Transport(tw)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Check.Check(t.Context())
	wants(t, err, connector.Unavailable, connector.ScopeConnection, "", "address")
}

func TestLimitsAreOurs(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"": 4, "9": 9, "0": 4, "x": 4} {
		got := Spec().Limits(connector.Settings{"parallel": setting}, connector.Identity{})
		if len(got) != 1 || got[0].Concurrent != want {
			t.Errorf("parallel %q: %+v", setting, got)
		}
	}
}

func TestWrongKeyIsUnauthorized(t *testing.T) {
	t.Parallel()
	tw := dolibarrtwin.New(twin.Options{})
	a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: twinURL, Secrets: map[string]string{"api_key": "nobody's key"}, Transport: twin.Transport(tw)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Check.Check(t.Context())
	wants(t, err, connector.Unauthorized, connector.ScopeConnection, "", "API key")
	if strings.Contains(err.Error(), "nobody") {
		t.Errorf("the error tells the key: %v", err)
	}
}

func TestVersionsThatWereNotRecordedSaySo(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"20.0.2": true, "24.0.0-beta": true, "21.0.1": false, "9.0": false, "": false, "200.1": false} {
		if verified(version) != want {
			t.Errorf("%s counts as verified: %v", version, !want)
		}
	}
}

func extraDefinitions(tw *dolibarrtwin.Twin) {
	for _, f := range []dolibarrtwin.ExtraField{
		{Code: "code", Label: "Code", Type: "varchar", Size: "64", Unique: true},
		{Code: "score", Label: "Score", Type: "int", Size: "10"},
		{Code: "since", Label: "Since", Type: "date"},
		{Code: "vip", Label: "VIP", Type: "boolean"},
		{Code: "segment", Label: "Segment", Type: "select", Options: map[string]string{"1": "Retail", "2": "Trade"}},
		{Code: "about", Label: "About", Type: "html"},
		{Code: "lines", Label: "Lines", Type: "separate"},
		{Code: "owner", Label: "Owner", Type: "sellist"},
	} {
		f.Object = thirdParties
		tw.AddExtraField(f)
	}
}

func TestSchemaListsExtrafieldsWithTheirKinds(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		extraDefinitions(s.Twin)
		s.UseAdmin()
		s.reconnect()
		schema, err := s.Source.Schema(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, _ := schema.Object(thirdParties)
		got := map[string]record.Field{}
		for _, f := range o.Fields {
			if f.Custom {
				f.Rewrites = nil
				got[strings.TrimPrefix(f.Name, "array_options.options_")] = f
			}
		}
		name := func(code string) string { return "array_options.options_" + code }
		want := map[string]record.Field{
			"code":  {Name: name("code"), Label: "Code", Kind: record.KindText, Custom: true, Unique: true, Findable: true, MaxLen: 64},
			"score": {Name: name("score"), Label: "Score", Kind: record.KindNumber, Custom: true},
			"since": {Name: name("since"), Label: "Since", Kind: record.KindDate, Custom: true},
			"vip":   {Name: name("vip"), Label: "VIP", Kind: record.KindBool, NoClear: true, Custom: true},
			"segment": {
				Name: name("segment"), Label: "Segment", Kind: record.KindChoice, Custom: true,
				Choices: []record.Choice{{Value: "1", Label: "Retail"}, {Value: "2", Label: "Trade"}},
			},
			"about": {Name: name("about"), Label: "About", Kind: record.KindText, Format: record.FormatHTML, Custom: true},
			"owner": {Name: name("owner"), Label: "Owner", Kind: record.KindText, Custom: true, ReadOnly: true},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("- want, + got\n%s", diff)
		}
		if key, ok := o.Key(); !ok || key.Name != "ref_ext" || key.Writable() {
			t.Errorf("the key is %+v", key)
		}
	})
}

// Without an administrator's key the names come from the records and all are texts.
func TestSchemaLearnsExtrafieldsFromRecords(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		extraDefinitions(s.Twin)
		s.company("Acme")
		schema, err := s.Source.Schema(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, _ := schema.Object(thirdParties)
		if f, ok := o.Field("array_options.options_score"); !ok || f.Kind != record.KindText || !f.Custom {
			t.Errorf("learnt: %v %+v", ok, f)
		}
		r := s.create(thirdParties, record.Fields{"name": record.Text("Beta"), "array_options.options_score": record.Text("12")})
		if r.Err != nil || r.After.Fields["array_options.options_score"].Text() != "12" {
			t.Errorf("written by a key that is no administrator's: %+v", r)
		}
	})
}

func TestSchemaOptionsOfASelectInTheirOrder(t *testing.T) {
	t.Parallel()
	for param, want := range map[string]string{
		`{"options":{"b":"Beta","a":"Alpha"}}`: "b=Beta a=Alpha",
		`{"options":["No","Yes"]}`:             "0=No 1=Yes",
		`{"options":[]}`:                       "",
		`""`:                                   "",
		`{"options":{"x":null}}`:               "x=",
		`{"options":{"x"`:                      "",
	} {
		var got []string
		for _, c := range choicesOf([]byte(param)) {
			got = append(got, c.Value+"="+c.Label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s gives %v", param, got)
		}
	}
}

func TestUsersAreReadOnly(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		time.Sleep(time.Hour)
		changes, page := s.changes(connector.Query{Object: users})
		if ids(changes) != "1 4 5" || !page.Complete || changes[1].Fields["login"].Text() != "sync" || changes[1].Created.IsZero() {
			t.Errorf("users: %+v", changes)
		}
		time.Sleep(time.Hour)
		s.put(users, "4", map[string]string{"job": "Robot"})
		time.Sleep(time.Second)
		if changes, _ = s.changes(connector.Query{Object: users, Cursor: page.Next}); ids(changes) != "4" || changes[0].Fields["job"].Text() != "Robot" {
			t.Errorf("changes of users: %+v", changes)
		}
		if found, err := s.Finder.Find(context.Background(), users, "email", []string{"SYNC@tandem.example"}); err != nil || len(found) != 1 {
			t.Errorf("found %v, %v", found, err)
		}
		if c := s.read(users, "5", "9"); c[0].Fate != connector.Present || c[1].Fate != connector.Deleted {
			t.Errorf("read: %+v", c)
		}
		wants(t, s.create(users, record.Fields{"login": record.Text("x")}).Err, connector.Unsupported, connector.ScopeObject, "", "")
		schema, err := s.Source.Schema(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, _ := schema.Object(users)
		for _, f := range o.Fields {
			if !f.ReadOnly {
				t.Errorf("%s can be written", f.Name)
			}
		}
	})
}

func TestAnUnknownObjectIsUnsupported(t *testing.T) {
	t.Parallel()
	s := start(t, twin.Options{})
	_, err := s.Source.Changes(t.Context(), connector.Query{Object: "tasks"})
	wants(t, err, connector.Unsupported, connector.ScopeObject, "", "")
	_, err = s.Reader.Read(t.Context(), "tasks", []string{"1"})
	wants(t, err, connector.Unsupported, connector.ScopeObject, "", "")
	_, err = s.Finder.Find(t.Context(), thirdParties, "town", []string{"x"})
	wants(t, err, connector.Unsupported, connector.ScopeObject, "town", "")
}

// A key never appears in an error, whatever the server says.
func TestNoErrorTellsTheKey(t *testing.T) {
	t.Parallel()
	s := start(t, twin.Options{})
	for _, kind := range []twin.FaultKind{twin.FaultUnauthorized, twin.FaultHTML, twin.FaultErrorAfterCommit} {
		f := s.Inject(twin.Fault{Kind: kind})
		_, err := s.Check.Check(t.Context())
		if err == nil || strings.Contains(err.Error(), s.Settings()["api_key"]) {
			t.Errorf("%s: %v", kind, err)
		}
		f.Remove()
	}
	if s.Kit().Count(http.MethodPost, "") != 0 {
		t.Error("check writes")
	}
}
