package dolibarr

import "github.com/tandemhub/tandem/record"

// automatic is the type of the events with which Dolibarr logs what happens to its own
// records, a score for every one that people make (recorded). Its row of the dictionary
// comes with the program:
// https://github.com/Dolibarr/dolibarr/blob/develop/htdocs/install/mysql/data/llx_c_actioncomm.sql
const (
	automatic   = "AC_OTH_AUTO"
	automaticID = "40"
)

// workObjects are events and categories.
func workObjects() []object {
	return []object{
		{
			element: "actioncomm", key: "t.id", created: "datec", modified: "datem", modifier: "usermodid",
			only:   &only{filter: "(t.fk_action:!=:" + automaticID + ")", key: "type_code", value: automatic, not: true},
			preset: map[string]any{"type_code": "AC_RDV"},
			Object: record.Object{
				Name: events, Title: "Events", Common: "meeting", Create: true, Update: true, Delete: true,
			},
			fields: eventFields(),
		},
		{
			element: "categorie",
			Object:  record.Object{Name: categories, Title: "Categories", Common: "tag"},
			fields:  categoryFields(),
		},
	}
}

func eventFields() []field {
	kind := text("type_code", "Type", "", "", 0).of(record.KindChoice, "").filled().once()
	kind.column, kind.Rewrites, kind.Open = "", nil, true // a column of another table
	kind.Choices = []record.Choice{
		{Value: "AC_RDV", Label: "meeting"}, {Value: "AC_TEL", Label: "call"}, {Value: "AC_INT", Label: "intervention"},
		{Value: "AC_EMAIL", Label: "e-mail"}, {Value: "AC_FAX", Label: "fax"}, {Value: "AC_OTH", Label: "other"},
	}
	done := state("percentage", "Progress", "percent",
		record.Choice{Value: "-1", Label: "not applicable", Kind: record.ChoiceOpen},
		record.Choice{Value: "0", Label: "to do", Kind: record.ChoiceOpen},
		record.Choice{Value: "50", Label: "in progress", Kind: record.ChoiceOpen},
		record.Choice{Value: "100", Label: "done", Kind: record.ChoiceWon},
	).common("status")
	done.Open = true
	people := field{Field: record.Field{
		Name: "socpeopleassigned", Label: "Contacts", Common: "contacts", Kind: record.KindReferences, To: contacts,
	}}
	return []field{
		text("label", "Label", "subject", "label", 255).findable().required(),
		html("note_private", "Description", "body", "note"),
		plainField(record.KindDateTime, "datep", "Begins", "start_at", "datep").required(),
		plainField(record.KindDateTime, "datef", "Ends", "end_at", "datep2"),
		plainField(record.KindBool, "fulldayevent", "All day", "all_day", "fulldayevent").filled(),
		text("location", "Location", "location", "location", 128),
		kind, done,
		plainField(record.KindBool, "transparency", "Busy", "", "transparency").filled(),
		reference("socid", "Third party", "company", "fk_soc", thirdParties).filled(),
		people,
		reference("userownerid", "Owner", "owner", "fk_user_action", users).filled().once(),
		created("datec"),
	}
}

func categoryFields() []field {
	kind := choice("type", "Type", "type", "product", "supplier", "customer", "member", "contact", "account", "project", "user").common("type")
	kind.Open = true
	fields := []field{
		text("label", "Label", "name", "label", 255).findable(),
		kind,
		reference("fk_parent", "Parent", "parent", "fk_parent", categories),
		text("color", "Color", "color", "color", 8),
		html("description", "Description", "", "description"),
	}
	for i := range fields {
		fields[i] = fields[i].readOnly()
	}
	return fields
}
