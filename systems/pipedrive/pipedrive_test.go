package pipedrive

import (
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/pipedrive/pipedrivetwin"
	"github.com/tandemhub/tandem/twin"
)

func company(tw twin.Twin) *pipedrivetwin.Company { return tw.(*pipedrivetwin.Company) }

// The custom fields of a prepared company, of each type one, by name.
func customTypes() [][]string {
	return [][]string{
		{"segment", "varchar"}, {"remark", "text"}, {"score", "double"}, {"hotline", "phone"}, {"signed", "date"},
		{"size", "enum", "Small", "Large"}, {"interests", "set", "Pumps", "Valves", "Pipes"}, {"steward", "user"}, {"parent", "org"},
		{"agent", "people"}, {"budget", "monetary"}, {"season", "daterange"}, {"opens", "time"}, {"shift", "timerange"}, {"site", "address"},
	}
}

// prepared is a company with the fields that check --create-fields makes, and one of each
// type for persons.
func prepared(o twin.Options) twin.Twin {
	tw := pipedrivetwin.New(o)
	for _, object := range []string{persons, organizations, deals, products} {
		addField(tw, object, nameKey, "varchar")
	}
	company(tw).ContactSync(true)
	company(tw).Campaigns(true)
	for _, f := range customTypes() {
		addField(tw, persons, f[0], f[1], f[2:]...)
	}
	if _, err := tw.Put(persons, "", map[string]string{"name": "Ann First"}); err != nil { // for leads and notes
		panic(err)
	}
	addField(tw, organizations, "vat_id", "varchar")
	addField(tw, deals, "contract", "varchar")
	addField(tw, deals, "fee", "monetary")
	return tw
}

func addField(tw twin.Twin, object, name, kind string, options ...string) string {
	key, err := company(tw).AddField(object, name, kind, options...)
	if err != nil {
		panic(err) // a mistake in this test
	}
	return key
}

// keys returns the keys of a prepared company's custom fields by name.
func keys(object string) map[string]string {
	out := map[string]string{}
	tw := prepared(twin.Options{})
	b := &bench{}
	for _, f := range b.fields(tw, object) {
		name, _, _ := strings.Cut(f.Label, ",")
		out[name] = key(f.Name)
	}
	return out
}

// inBin is why objects are archived rather than deleted.
const inBin = "what Pipedrive deletes goes to its bin; see archive"

func suite() connectortest.Suite {
	k := keys(persons)
	org, deal := keys(organizations), keys(deals)
	money := "takes the codes of the account's currencies only, and a value beside it; its own test writes it"
	return connectortest.Suite{
		Spec: Spec(), Twin: prepared,
		Objects: []connectortest.Object{
			{
				Name: organizations,
				Create: record.Fields{
					"name": record.Text("Berg {n}"), "address.country": record.Text("Greece"), "owner_id": record.Text("1"),
					org["vat_id"]: record.Text("EL0945{n}"),
				},
				Update:  record.Fields{"address.country": record.Text("Germany"), "owner_id": record.Text("1"), org["vat_id"]: record.Text("DE8112{n}")},
				Invalid: record.Fields{"annual_revenue": record.Text("much")},
				Custom:  []string{org["vat_id"]},
			},
			{
				Name: persons,
				Create: record.Fields{
					"name": record.Text("Ann Berg {n}"), "emails": record.Text("ann{n}@example.com"), "owner_id": record.Text("1"),
					k["season"] + ".value": record.Date(2026, 3, 1), k["budget"] + ".value": record.Text("10"), k["steward"]: record.Text("1"),
					"postal_address.country": record.Text("Greece"),
				},
				Update: record.Fields{
					"owner_id": record.Text("1"), k["steward"]: record.Text("1"), "postal_address.country": record.Text("Germany"),
				},
				Invalid: record.Fields{k["score"]: record.Text("high")},
				Custom:  []string{k["segment"], k["size"], k["budget"] + ".value", k["season"] + ".until"},
				Fixed: map[string]string{
					k["budget"] + ".currency": money,
					k["shift"] + ".until":     "an end needs a beginning; its own test writes it",
					k["season"] + ".until":    "an end needs a beginning; its own test writes it",
					k["opens"] + ".value":     "a time of day; its own test writes it",
					k["shift"] + ".value":     "a time of day; its own test writes it",
					k["site"] + ".value":      "the one part of an address; its own test writes it",
				},
			},
			{
				Name:   users,
				People: map[string]string{"name": "Kim {n}", "email": "kim{n}@example.com"},
			},
			{
				Name: deals,
				Create: record.Fields{
					"title": record.Text("Deal {n}"), "stage_id": record.Text("2"), "currency": record.Text("EUR"), "owner_id": record.Text("1"),
				},
				Update:  record.Fields{"stage_id": record.Text("3"), "currency": record.Text("USD"), "owner_id": record.Text("1")},
				Invalid: record.Fields{"expected_close_date": record.Text("some day")},
				Custom:  []string{deal["contract"], deal["fee"] + ".value"},
				Fixed: map[string]string{
					"pipeline_id":             "goes with the stage; its own test moves it",
					"lost_reason":             "is taken of lost deals only; its own test writes it",
					"status":                  "brings times with it; its own test writes it",
					"currency":                "takes the codes of the account's currencies only",
					"is_archived":             "moves the deal to another list; its own test writes it",
					deal["fee"] + ".currency": money,
				},
			},
			{
				Name: leads,
				Create: record.Fields{
					"title": record.Text("Lead {n}"), "person_id": record.Text("1"), "value.amount": record.Text("7"),
					"value.currency": record.Text("EUR"), "owner_id": record.Text("1"),
				},
				People:  map[string]string{"title": "Lead {n}", "person_id": "1"},
				Update:  record.Fields{"owner_id": record.Text("1"), "label_ids": record.Texts("f08b69b0-4e75-11ea-9643-03698ef1cfd6")},
				Invalid: record.Fields{"expected_close_date": record.Text("some day")},
				Missing: "ffffffff-0e10-11eb-879b-ffffffffffff",
				Fixed: map[string]string{
					"value.currency": money, "value.amount": money, "is_archived": "moves the lead to another list; its own test writes it",
					"person_id": "a lead keeps a person or an organization", deal["fee"] + ".currency": money,
				},
			},
			{
				Name: activities,
				Create: record.Fields{
					"subject": record.Text("Call {n}"), "due_at": record.Time(time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC)),
					"duration": record.Text("1800"), "owner_id": record.Text("1"),
				},
				Update: record.Fields{
					"due_at": record.Time(time.Date(2026, 4, 1, 0, 15, 0, 0, time.UTC)), "duration": record.Text("3600"),
					"owner_id": record.Text("1"),
				},
				Invalid: record.Fields{"due_at": record.Text("some day")},
			},
			{
				Name:    notes,
				Create:  record.Fields{"content": record.Text("<p>Note {n}</p>"), "person_id": record.Text("1"), "user_id": record.Text("1")},
				Update:  record.Fields{"user_id": record.Text("1")},
				People:  map[string]string{"content": "<p>Note {n}</p>", "person_id": "1"},
				Invalid: record.Fields{"add_time": record.Text("some day")},
				Fixed:   map[string]string{"person_id": "a note keeps what it is about"},
			},
			{
				Name:    products,
				Create:  record.Fields{"name": record.Text("Pump {n}"), "code": record.Text("P-{n}"), "owner_id": record.Text("1")},
				Update:  record.Fields{"owner_id": record.Text("1")},
				Invalid: record.Fields{"tax": record.Text("much")},
				Fixed:   map[string]string{"prices.currency": money},
			},
			{
				Name: callLogs,
				Create: record.Fields{
					"to_phone_number": record.Text("+30 210 55{n}"), "outcome": record.Text("connected"), "duration": record.Text("90"),
					"start_time": record.Time(time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC)), "user_id": record.Text("1"),
					"end_time": record.Time(time.Date(2026, 3, 5, 9, 31, 30, 0, time.UTC)),
				},
				Update:  record.Fields{"duration": record.Text("120"), "user_id": record.Text("1")},
				Invalid: record.Fields{"start_time": record.Text("some day")},
				People: map[string]string{
					"to_phone_number": "+30 210 55{n}", "outcome": "busy", "start_time": "2026-03-05T09:30:00.000Z", "end_time": "2026-03-05T09:31:00.000Z",
				},
				Missing: "CAffffffffffffffffffffffffffff",
			},
		},
		Deny: func(tw twin.Twin, object string) error {
			scope := map[string]string{persons: "contacts", organizations: "contacts", notes: "deals", callLogs: "phone-integration"}[object]
			if scope == "" {
				scope = object
			}
			company(tw).Revoke(scope + ":read")
			return nil
		},
		Hide: func(tw twin.Twin, object, id string) error {
			company(tw).Demote()
			return company(tw).Hide(object, id)
		},
		Lacks: map[string]string{
			"expire":                    "Pipedrive's cursors are places, which do not grow old",
			"parts":                     "a company is in one piece",
			"files":                     "Pipedrive lists no files of these",
			"silent":                    "only a consent is silent; its own test reads it",
			"merge":                     "no call tells what a record was merged into; the webhook does, and its own tests read it",
			"restore":                   "Pipedrive's API cannot take records out of the bin",
			"a stale version conflicts": "Pipedrive has no conditional writes",
			"batch":                     "Pipedrive has no batches",
			"unique":                    "Pipedrive allows every value twice",
			"findable e-mail":           "only persons and users have an e-mail",
			"find":                      "the object is in no search",
			"number":                    "the object has no number",
			"number or bool":            "the object has no number or bool",
			"organizations: delete":     inBin, "persons: delete": inBin, "deals: delete": inBin, "activities: delete": inBin, "products: delete": inBin,
			"leads: archive":                                    "what is deleted of version 1 cannot be brought back; archiving is a field",
			"notes: archive":                                    "what is deleted of version 1 cannot be brought back",
			"callLogs: a field can be added":                    "Pipedrive's API makes no fields of these",
			"callLogs: own writes show up":                      "call logs are read once a day; its own test waits",
			"callLogs: edit":                                    "a call log is made and never changed",
			"callLogs: update":                                  "a call log is made and never changed",
			"callLogs: delete":                                  "a call log stays",
			"callLogs: archive":                                 "a call log stays",
			"callLogs: deletes":                                 "only the calls of the token's user are listed",
			"notes: edit":                                       "a note is HTML; its own tests edit it",
			"notes: text":                                       "a note is HTML",
			"activities: a field can be added":                  "Pipedrive's API makes no fields of these",
			"notes: a field can be added":                       "Pipedrive's API makes no fields of these",
			"users: a field can be added":                       "Pipedrive's API makes no fields of these",
			"users: an empty object lists as empty":             "somebody owns the token",
			"users: a hidden record does not look like deleted": "Pipedrive shows all users",
			"list of references":                                "the object has none that can be written",
			"users: create":                                     "users are made in Pipedrive's settings",
			"users: update":                                     "users are changed in Pipedrive's settings",
			"users: delete":                                     "users are removed in Pipedrive's settings",
			"users: archive":                                    "users are removed in Pipedrive's settings",
			"a wrong signature is unauthorized":                 "Pipedrive does not sign: what was altered on its way cannot be told; its own test forges the password",
		},
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, suite())
}
