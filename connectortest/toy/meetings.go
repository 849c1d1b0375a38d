package toy

import (
	"time"

	"github.com/tandemhub/tandem/record"
)

// Two tables of appointments: visits, as a CRM has them, with one row for each; and meetings,
// as calendars have them, with a row in the mailbox of each participant (R26). Their columns
// are the same for all customers: https://toy.example/docs/appointments
const (
	visits   = "visits"
	meetings = "meetings"
)

func appointments() []record.Object {
	visit := record.Object{
		Name: visits, Title: "Visits",
		Create: true, Update: true, Delete: true, Archive: true, Restore: true,
		Batch: 10, ReadBatch: 25,
		Settle:  2 * time.Second,
		Deletes: record.EvidenceFeed, OwnStamps: true,
		Fields: []record.Field{name(), at(), guests(), ownKey(), {Name: "host", Label: "Host", Kind: record.KindEmail}},
	}
	meeting := visit
	meeting.Name, meeting.Title = meetings, "Meetings"
	meeting.Fields = []record.Field{
		name(), at(), guests(), ownKey(),
		{Name: "box", Label: "Mailbox", Kind: record.KindEmail, Required: true, CreateOnly: true},
		{Name: "uid", Label: "UID", Kind: record.KindText, ReadOnly: true},
		{Name: "main", Label: "Organised here", Kind: record.KindBool, ReadOnly: true},
		{Name: "answer", Label: "Answer", Kind: record.KindText},
		{Name: "remind", Label: "Remind before", Kind: record.KindText},
	}
	meeting.Copies = &record.Copies{
		Key: "uid", Main: "main", Owner: "box", List: "guests", Own: []string{"answer", "remind"},
		Gone: map[string]string{"answer": "no"},
	}
	return []record.Object{visit, meeting}
}

func name() record.Field {
	return record.Field{
		Name: "name", Label: "Name", Common: "name", Kind: record.KindText, Format: record.FormatName,
		Required: true, NoClear: true, Findable: true, MaxLen: 80, Rewrites: []record.Rewrite{record.RewriteTrim},
	}
}

func at() record.Field {
	return record.Field{Name: "at", Label: "At", Kind: record.KindDateTime}
}

func guests() record.Field {
	return record.Field{Name: "guests", Label: "Guests", Kind: record.KindList, Elem: []record.Field{
		{Name: "id", Kind: record.KindText, Key: true},
		{Name: "mail", Kind: record.KindEmail, Unique: true},
		{Name: "answer", Kind: record.KindText},
		{Name: "remind", Kind: record.KindText},
	}}
}

func ownKey() record.Field {
	return record.Field{Name: keyField, Label: "Tandem key", Kind: record.KindText, Key: true, Findable: true, Unique: true, Custom: true}
}
