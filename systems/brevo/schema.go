package brevo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Fields of a contact that are no attributes, and attributes with a meaning of their own.
const (
	fieldEmail        = "email"
	fieldMailNo       = "emailBlacklisted"
	fieldSMSNo        = "smsBlacklisted"
	fieldLists        = "listIds"
	fieldUnsubscribed = "listUnsubscribed"

	fieldSMS      = "SMS"
	fieldWhatsApp = "WHATSAPP"
	fieldLandline = "LANDLINE_NUMBER"
	fieldExtID    = "EXT_ID"
	fieldKey      = "TANDEM_KEY"
)

const (
	readBatch = 20   // ids of one call; https://developers.brevo.com/reference/get-contacts
	callBatch = 100  // contacts of one batch update; the page of limits does not say more
	bulkBatch = 2500 // new contacts of one import: of the larger heaps what goes wrong goes wrong for more
	askBatch  = 5000 // imported contacts that are asked about in one go: their pages are read once
	settle    = 30 * time.Second
	overlap   = time.Minute
)

// attribute is one attribute of contacts; see https://developers.brevo.com/reference/get-attributes
type attribute struct {
	Name     string   `json:"name"`
	Category string   `json:"category"`
	Type     string   `json:"type"`
	Options  []string `json:"multiCategoryOptions"`
	Values   []struct {
		Label string   `json:"label"`
		Value flexText `json:"value"`
		Text  string   `json:"valueStr"`
	} `json:"enumeration"`
}

// Schema describes everything.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	s, _, err := c.SchemaOf(ctx, []string{contacts, lists, folders, companies, deals, notes})
	return s, err
}

// SchemaOf describes some objects: those beside contacts and lists cost calls of which there
// are 100 an hour.
func (c *conn) SchemaOf(ctx context.Context, objects []string) (record.Schema, []connector.Lack, error) {
	var s record.Schema
	var missing []connector.Lack
	for _, name := range objects {
		o, err := c.describe(ctx, name)
		switch connector.KindOf(err) {
		case "":
		case connector.Forbidden, connector.NotFound:
			missing = append(missing, connector.Lack{Object: name, What: "read", Why: err.Error(), Remedy: connector.ErrorOf(err).Fix})
			continue
		}
		if err != nil {
			return record.Schema{}, nil, err
		}
		c.keep(o)
		s.Objects = append(s.Objects, o)
	}
	return s, missing, nil
}

func (c *conn) describe(ctx context.Context, object string) (record.Object, error) {
	var o record.Object
	var err error
	switch object {
	case contacts:
		o, err = c.contactsObject(ctx)
	case lists:
		o = listsObject()
	case folders:
		o = foldersObject()
	case companies, deals:
		o, err = c.salesObject(ctx, object)
	case notes:
		o = notesObject()
	default:
		return o, unsupported("read fields of %s: there is no such object", object)
	}
	if err != nil {
		return o, fmt.Errorf("read fields of %s: %w", object, err)
	}
	return o, nil
}

func (c *conn) contactsObject(ctx context.Context) (record.Object, error) {
	var answer struct {
		Attributes []attribute `json:"attributes"`
	}
	if _, err := c.do(ctx, rest.Call{Path: "/v3/contacts/attributes", Into: &answer}); err != nil {
		return record.Object{}, err
	}
	o := record.Object{
		Name: contacts, Title: "Contacts", Common: "contact", Create: true, Update: true, Delete: true,
		Batch: callBatch, ReadBatch: readBatch, OutcomeBatch: askBatch, Settle: settle, Overlap: overlap,
		Deletes: record.EvidenceListing, OwnStamps: true,
	}
	if c.settings[settingImport] != "" {
		o.CreateBatch = bulkBatch
	}
	o.Fields = append(o.Fields, contactFields()...)
	if err := c.nameLists(ctx, o.Fields); err != nil {
		return record.Object{}, err
	}
	words := words()
	for _, a := range answer.Attributes {
		f, ok := a.field()
		if !ok || slices.ContainsFunc(o.Fields, func(have record.Field) bool { return have.Name == f.Name }) {
			continue
		}
		if common := words[f.Name]; common != "" && fits(common, f) {
			if _, had := o.ByCommon(common); !had {
				f.Common = common
			}
		}
		o.Fields = append(o.Fields, f)
	}
	return o, nil
}

// contactFields are what every contact has besides attributes. Brevo hears it from people
// themselves that they want no mail, so its no is firsthand. It has no way to say yes: who
// is not blocklisted may never have been asked. That a change of lists, or a click on the link to
// unsubscribe, moves a contact's stamp is said nowhere (R35).
func contactFields() []record.Field {
	return []record.Field{
		{Name: fieldEmail, Label: "E-mail", Common: "email", Kind: record.KindEmail, Unique: true, Findable: true, NoClear: true},
		{Name: fieldMailNo, Label: "E-mail consent", Common: "email_consent", Kind: record.KindConsent, Firsthand: true, NoClear: true, Silent: true},
		{Name: fieldSMSNo, Label: "Text message consent", Common: "sms_consent", Kind: record.KindConsent, Firsthand: true, NoClear: true, Silent: true},
		{Name: fieldLists, Label: "Lists", Common: "tags", Kind: record.KindReferences, To: lists, Silent: true},
		{Name: fieldUnsubscribed, Label: "Lists unsubscribed from", Kind: record.KindReferences, To: lists, Silent: true, ReadOnly: true},
		{Name: fieldExtID, Label: "External ID", Kind: record.KindText, Unique: true, Findable: true},
	}
}

// words are what the usual attributes mean; their names go by the account's language.
func words() map[string]string {
	return map[string]string{
		"FIRSTNAME": "first_name", "FNAME": "first_name", "PRENOM": "first_name", "VORNAME": "first_name",
		"LASTNAME": "last_name", "LNAME": "last_name", "NOM": "last_name", "NACHNAME": "last_name", "SURNAME": "last_name",
		"FULLNAME": "name", fieldSMS: "mobile", fieldLandline: "phone", "JOB_TITLE": "job_title", "ADDRESS": "address", "CITY": "city",
		"ZIP": "zip", "ZIPCODE": "zip", "POSTCODE": "zip", "STATE": "state", "COUNTRY": "country", "LANGUAGE": "language",
		"BIRTHDAY": "birthday", "DATE_OF_BIRTH": "birthday", "NOTES": "notes",
	}
}

// fits reports whether a field is of a kind that contacts have in that meaning.
func fits(common string, f record.Field) bool {
	contact, _ := record.CommonOf("contact")
	means, ok := contact.Field(common)
	return ok && slices.Contains(means.Kinds, f.Kind)
}

// field makes the field of an attribute. Calculated and global ones are Brevo's own, those
// of transactions belong to orders and not to people.
func (a attribute) field() (record.Field, bool) {
	f := record.Field{Name: a.Name, Label: a.Name, Kind: record.KindText, Custom: true}
	switch a.Name {
	case fieldSMS, fieldWhatsApp, fieldLandline:
		f.Kind, f.Unique, f.Findable, f.Custom = record.KindPhone, true, true, false
		return f, true
	case fieldKey:
		f.Key, f.Findable = true, true
		return f, true
	case "FIRSTNAME", "LASTNAME":
		f.Format, f.Custom = record.FormatName, false
	case "JOB_TITLE":
		f.Custom = false
	case "COUNTRY":
		f.Format = record.FormatCountry
	case "LANGUAGE":
		f.Format = record.FormatLanguage
	}
	switch a.Category {
	case "normal":
	case "category":
		f.Kind, f.Format = record.KindChoice, ""
		for _, v := range a.Values {
			f.Choices = append(f.Choices, record.Choice{Value: firstText(v.Text, string(v.Value)), Label: v.Label})
		}
		f.Open = len(f.Choices) == 0
		return f, true
	default:
		return f, false
	}
	switch a.Type {
	case "float":
		f.Kind, f.Format = record.KindNumber, ""
	case "boolean":
		f.Kind, f.Format = record.KindBool, ""
	case "date":
		f.Kind, f.Format = record.KindDate, ""
	case "multiple-choice":
		f.Kind, f.Format = record.KindChoices, ""
		for _, o := range a.Options {
			f.Choices = append(f.Choices, record.Choice{Value: o})
		}
		f.Open = len(f.Choices) == 0
	case "user":
		f.ReadOnly = true
	}
	return f, true
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
