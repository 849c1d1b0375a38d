package record

import (
	"slices"
	"strings"
)

// A CommonObject is a record type that many systems have, with the meanings of fields by
// which any two of them map without a word of configuration.
type CommonObject struct {
	Name   string // "deal"
	Title  string // for people: "Deals"
	Fields []CommonField
}

// A CommonField is a meaning that fields of several systems have.
type CommonField struct {
	Name  string
	Kinds []Kind // kinds that a field of this meaning may have; the first is the usual one
}

// Field returns the common field of that name.
func (o CommonObject) Field(name string) (CommonField, bool) {
	i := slices.IndexFunc(o.Fields, func(f CommonField) bool { return f.Name == name })
	if i < 0 {
		return CommonField{}, false
	}
	return o.Fields[i], true
}

// Commons returns all common objects. A vendor's object names the one that it is in
// [Object.Common], and its fields their meaning in [Field.Common]. Where a meaning has a unit, a
// connector carries over to it: probability, discount_percent and tax_rate are in percent (20,
// not 0.2), a duration in seconds.
func Commons() []CommonObject {
	return []CommonObject{
		{"company", "Companies", fields(person(), `vat_id domain website:text industry:choice|text employees:number
			revenue:money lifecycle:choice name registration:text`)},
		{"contact", "Contacts", fields(person(), `name first_name last_name job_title mobile:phone company:reference vat_id birthday:date
			lifecycle:choice salutation:choice|text email_consent:consent sms_consent:consent`)},
		{"user", "Users", fields("", `email:email first_name last_name phone:phone mobile:phone job_title login active:bool`)},
		{"lead", "Leads", fields(person(), `name first_name last_name job_title mobile:phone company_name company:reference
			contact:reference value:money currency source:choice|text status:choice pipeline:choice rating:choice|text`)},
		{"deal", "Deals", fields(about(), `name amount:money currency stage:choice pipeline:choice probability:number
			close_date:date|datetime opened_at:date|datetime status:choice description source:choice|text type:choice lines:list`)},
		{"product", "Products", fields("", `sku name description price:money cost:money currency tax_rate:number unit
			active:bool|choice barcode type:choice weight:number notes created_at:datetime`)},
		{"quote", "Quotes", fields(document(), `name valid_until:date|datetime deal:reference`)},
		{"order", "Orders", fields(document(), `delivery_date:date|datetime`)},
		{"invoice", "Invoices", fields(document(), `due_date:date|datetime paid:bool|choice amount_paid:money amount_due:money
			type:choice paid_at:date|datetime`)},
		{"line", "Line items", fields("", `product:reference sku name description quantity:number unit_price:money
			discount_percent:number tax_rate:number net_total:money deal:reference quote:reference invoice:reference`)},
		{"note", "Notes", fields(about(), `body at:datetime`)},
		{"task", "Tasks", fields(about(), `subject body due_at:datetime status:choice priority:choice|number done:bool type:choice`)},
		{"meeting", "Meetings", fields(about(), `subject body start_at:datetime end_at:datetime all_day:bool location
			status:choice contacts:references notes_private:text`)},
		{"call", "Calls", fields(about(), `subject body start_at:datetime duration:number end_at:datetime direction:choice
			status:choice outcome:choice from:phone|text to:phone|text recording:text`)},
		{"tag", "Tags", fields("", `name color parent:reference type:choice`)},
	}
}

// CommonOf returns the common object of that name.
func CommonOf(name string) (CommonObject, bool) {
	all := Commons()
	i := slices.IndexFunc(all, func(o CommonObject) bool { return o.Name == name })
	if i < 0 {
		return CommonObject{}, false
	}
	return all[i], true
}

// person are the meanings that whoever can be written to has.
func person() string {
	return `email:email phone:phone fax:phone address city zip state country language notes owner:reference
		tags:references|choices created_at:datetime `
}

// about are the meanings of what happens between people.
func about() string {
	return `company:reference contact:reference deal:reference owner:reference notes created_at:datetime tags:references|choices `
}

// document are the meanings of a paper with lines and totals.
func document() string {
	return about() + `number reference date:date|datetime status:choice currency net_total:money tax_total:money
		total:money lines:list `
}

// fields reads "name:kind|kind …"; a name without a kind is text.
func fields(first, rest string) []CommonField {
	var list []CommonField
	for word := range strings.FieldsSeq(first + rest) {
		name, kinds, ok := strings.Cut(word, ":")
		f := CommonField{Name: name, Kinds: []Kind{KindText}}
		if ok {
			f.Kinds = nil
			for kind := range strings.SplitSeq(kinds, "|") {
				f.Kinds = append(f.Kinds, Kind(kind))
			}
		}
		if !slices.ContainsFunc(list, func(have CommonField) bool { return have.Name == name }) {
			list = append(list, f)
		}
	}
	return list
}
