package dolibarr

import (
	"slices"

	"github.com/tandemhub/tandem/record"
)

// peopleObjects are third parties, contacts and users.
func peopleObjects() []object {
	return []object{
		{
			element: "societe", created: "date_creation", modified: "date_modification",
			closed: map[string]any{"status": "0"}, archive: map[string]any{"status": 0}, restore: map[string]any{"status": 1},
			tags: &tags{of: "customer", kind: "2"},
			Object: record.Object{
				Name: thirdParties, Title: "Third parties", Common: "company",
				Create: true, Update: true, Delete: true, Archive: true, Restore: true,
				Cascades: []record.Cascade{{Object: contacts, Field: "socid"}},
			},
			fields: slices.Concat(companyFields(), addressFields(50), noteFields(255), []field{tagField()}),
		},
		{
			element: "socpeople", created: "date_creation", modified: "date_modification",
			// Version 20 heeds one of the two keys, version 24 takes the change only if both
			// are there (recorded).
			closed: map[string]any{"statut": "0"}, archive: map[string]any{"status": 0, "statut": 0}, restore: map[string]any{"status": 1, "statut": 1},
			tags: &tags{of: "contact", kind: "4"},
			Object: record.Object{
				Name: contacts, Title: "Contacts", Common: "contact",
				Create: true, Update: true, Delete: true, Archive: true, Restore: true,
			},
			fields: slices.Concat(contactFields(), addressFields(255), noteFields(255), []field{tagField()}),
		},
		{
			element: "user", created: "datec", modified: "datem",
			Object: record.Object{Name: users, Title: "Users", Common: "user"},
			fields: userFields(),
		},
	}
}

func companyFields() []field {
	phone := text("phone", "Phone", "phone", "phone", 30).of(record.KindPhone, "")
	phone.Rewrites = phoneRewrites()
	code := text("code_client", "Customer code", "", "code_client", 24).findable()
	code.Unique = true
	return []field{
		text("name", "Name", "name", "nom", 128).of(record.KindText, record.FormatName).findable().required(),
		text("email", "E-mail", "email", "email", 128).of(record.KindEmail, "").findable(),
		phone,
		text("url", "Web site", "domain", "url", 255).of(record.KindText, record.FormatURL),
		text("tva_intra", "VAT number", "vat_id", "tva_intra", 20).of(record.KindText, record.FormatVATID).findable(),
		choice("client", "Customer or prospect", "client", "neither", "customer", "prospect", "customer and prospect"),
		choice("fournisseur", "Supplier", "fournisseur", "no", "yes"),
		code,
		// Closing and opening are what Archive and Restore do.
		choice("status", "Status", "status", "closed", "open").readOnly(),
		created("date_creation"),
	}
}

func contactFields() []field {
	// Version 20 ignores that it is emptied, version 24 calls it not found (recorded).
	socid := reference("socid", "Third party", "company", "fk_soc", thirdParties).filled()
	return []field{
		text("lastname", "Last name", "last_name", "lastname", 50).of(record.KindText, record.FormatName).findable().required(),
		text("firstname", "First name", "first_name", "firstname", 50).of(record.KindText, record.FormatName),
		text("email", "E-mail", "email", "email", 255).of(record.KindEmail, "").findable(),
		text("phone_pro", "Business phone", "phone", "phone", 30).of(record.KindPhone, ""),
		text("phone_mobile", "Mobile phone", "mobile", "phone_mobile", 30).of(record.KindPhone, ""),
		text("phone_perso", "Private phone", "", "phone_perso", 30).of(record.KindPhone, ""),
		text("poste", "Job position", "job_title", "poste", 255),
		text("civility_code", "Title", "", "civility", 6),
		plainField(record.KindDate, "birthday", "Birthday", "birthday", "birthday"),
		socid,
		choice("statut", "Status", "statut", "disabled", "enabled").readOnly(),
		created("date_creation"),
	}
}

func userFields() []field {
	fields := []field{
		text("login", "Login", "login", "login", 50).findable(),
		text("lastname", "Last name", "last_name", "lastname", 50).of(record.KindText, record.FormatName),
		text("firstname", "First name", "first_name", "firstname", 50).of(record.KindText, record.FormatName),
		text("email", "E-mail", "email", "email", 255).of(record.KindEmail, "").findable(),
		text("office_phone", "Office phone", "phone", "office_phone", 20).of(record.KindPhone, ""),
		text("user_mobile", "Mobile phone", "mobile", "user_mobile", 20).of(record.KindPhone, ""),
		text("job", "Job position", "job_title", "job", 128),
		choice("admin", "Administrator", "admin", "no", "yes"),
		choice("statut", "Status", "statut", "disabled", "enabled"),
		created("datec").common(""),
	}
	for i := range fields {
		fields[i] = fields[i].readOnly()
		fields[i].Rewrites = nil
	}
	return fields
}

func addressFields(town int) []field {
	return []field{
		text("address", "Address", "address", "address", 255),
		text("zip", "Zip code", "zip", "zip", 25),
		text("town", "Town", "city", "town", town),
		{column: "t.fk_pays", Field: record.Field{
			Name: "country_code", Label: "Country", Common: "country", Kind: record.KindText, Format: record.FormatCountry, MaxLen: 2,
		}},
	}
}
