package pipedrive

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// Fields with a meaning of their own.
const (
	fieldEmails   = "emails"
	fieldPhones   = "phones"
	fieldMobile   = "phones.mobile"
	fieldPerson   = "person_id"
	fieldDue      = "due_at"
	fieldDuration = "duration"
	fieldLabels   = "label_ids"
	fieldVisible  = "visible_to"
	fieldStatus   = "status"
	fieldStage    = "stage_id"
	fieldPipeline = "pipeline_id"
	fieldArchived = "is_archived"
	fieldType     = "type"
	fieldOutcome  = "outcome"
	fieldConsent  = "marketing_status"

	keyPrices       = "prices"
	keyParticipants = "participants"
	keyCustom       = "custom_fields"
	nameKey         = "tandem_key" // of the custom field that holds our operation keys
)

const (
	maxVarchar = 255
	maxText    = 65000
)

// typed gives a field the kind that a word stands for, or makes it a reference to the
// object of that name.
func typed(f *record.Field, is string) {
	switch is {
	case "":
	case "name":
		f.Format = record.FormatName
	case "html":
		f.Format = record.FormatHTML
	case "url":
		f.Format = record.FormatURL
	case "country":
		f.Format = record.FormatCountry
	case "choice", "choices", "money", "number", "date", "datetime", "bool", "email", "phone", "consent":
		f.Kind = record.Kind(is)
	default:
		f.Kind, f.To = record.KindReference, is
	}
}

// qualify says of one of an object's own fields what can be done with it.
func (k kind) qualify(f *record.Field) {
	f.Label = strings.ReplaceAll(strings.TrimSuffix(f.Name, "_id"), "_", " ")
	f.Label = strings.ReplaceAll(strings.ToUpper(f.Label[:1])+f.Label[1:], ".", ", ")
	switch {
	case f.Name == fieldEmails, f.Name == k.text, k.name == products && f.Name == "code", k.name == users && f.Kind == record.KindEmail:
		f.Findable = true
	}
	switch f.Name {
	case fieldVisible:
		for _, v := range []string{"1", "3", "5", "7"} {
			f.Choices = append(f.Choices, record.Choice{Value: v, Label: visibility(v)})
		}
		f.NoClear = true
	case fieldStatus:
		f.Choices = []record.Choice{
			{Value: "open", Label: "Open", Kind: record.ChoiceOpen},
			{Value: "won", Label: "Won", Kind: record.ChoiceWon},
			{Value: "lost", Label: "Lost", Kind: record.ChoiceLost},
		}
		f.NoClear = true
	case fieldConsent: // of the main address, wherever else that stands
		f.Silent, f.NoClear = true, true
	case fieldOutcome:
		for _, v := range []string{"connected", "no_answer", "left_message", "left_voicemail", "wrong_number", "busy"} {
			label := strings.ReplaceAll(v, "_", " ")
			f.Choices = append(f.Choices, record.Choice{Value: v, Label: strings.ToUpper(label[:1]) + label[1:]})
		}
	case "owner_id", "user_id", fieldPipeline, fieldStage, fieldType, "subject", "currency", "value.currency", "value.amount", "add_time":
		f.NoClear = true
	}
	if k.log {
		f.CreateOnly = !f.ReadOnly
	}
	f.NoClear = f.NoClear || f.Required || f.Kind == record.KindBool || key(f.Name) == keyPrices
	if strings.HasSuffix(f.Name, "currency") {
		f.MaxLen = 3 // a code, of the currencies that the account has
	}
}

func visibility(v string) string {
	switch v {
	case "1":
		return "Owner and followers"
	case "3":
		return "Owner's visibility group, or entire company"
	case "5":
		return "Owner's visibility group and sub-groups"
	default:
		return "Entire company"
	}
}

// fieldDef is a field as the Fields API describes it; see
// https://developers.pipedrive.com/docs/api/v1/PersonFields
type fieldDef struct {
	Name    string   `json:"field_name"`
	Code    string   `json:"field_code"`
	Type    string   `json:"field_type"`
	Options []option `json:"options"`
	Custom  bool     `json:"is_custom_field"`
}

type option struct {
	ID    flexText `json:"id"`
	Label string   `json:"label"`
}

// isHash reports whether a name is the key of a custom field.
func isHash(name string) bool {
	name = key(name)
	return len(name) == 40 && strings.Trim(name, "0123456789abcdef") == ""
}

// custom describes a custom field. One whose value is an object has a field for each part
// that means something; the rest of the object is kept when one is written.
func (d fieldDef) custom() []record.Field {
	f := record.Field{Name: d.Code, Label: d.Name, Kind: record.KindText, Custom: true}
	part := func(name, label string, kind record.Kind) record.Field {
		p := f
		p.Name, p.Kind = d.Code+"."+name, kind
		if label != "" {
			p.Label += ", " + label
		}
		return p
	}
	switch d.Type {
	case "varchar", "varchar_auto":
		f.MaxLen, f.Findable = maxVarchar, true
		f.Key = strings.EqualFold(d.Name, nameKey)
	case "text":
		f.MaxLen = maxText
	case "double":
		f.Kind = record.KindNumber
	case "phone":
		f.Kind = record.KindPhone
	case "date":
		f.Kind = record.KindDate
	case "enum":
		f.Kind, f.Choices = record.KindChoice, choices(d.Options)
	case "set":
		f.Kind, f.Choices = record.KindChoices, choices(d.Options)
	case "user":
		f.Kind, f.To = record.KindReference, users
	case "org":
		f.Kind, f.To = record.KindReference, organizations
	case "people":
		f.Kind, f.To = record.KindReference, persons
	case "monetary":
		currency := part("currency", "currency", record.KindText)
		currency.MaxLen, currency.NoClear = 3, true
		return []record.Field{part("value", "", record.KindMoney), currency}
	case "daterange":
		return []record.Field{part("value", "from", record.KindDate), part("until", "until", record.KindDate)}
	case "time":
		return []record.Field{part("value", "", record.KindText)}
	case "timerange":
		return []record.Field{part("value", "from", record.KindText), part("until", "until", record.KindText)}
	case "address":
		whole := part("formatted_address", "formatted", record.KindText)
		whole.ReadOnly = true
		return []record.Field{part("value", "", record.KindText), whole}
	default:
		return nil // made by Pipedrive's own features
	}
	return []record.Field{f}
}

func choices(options []option) []record.Choice {
	var out []record.Choice
	for _, o := range options {
		out = append(out, record.Choice{Value: string(o.ID), Label: o.Label})
	}
	return out
}

// meaning is what a custom field is everywhere, by its name: those that check
// --create-fields makes.
func (k kind) meaning(f *record.Field) {
	name := strings.ToLower(f.Label)
	if name == "vat_id" {
		f.Format = record.FormatVATID
	}
	everywhere, _ := record.CommonOf(k.common)
	if m, ok := everywhere.Field(name); ok && (name == "vat_id" || name == "notes") && slices.Contains(m.Kinds, f.Kind) {
		f.Common = name
	}
}
