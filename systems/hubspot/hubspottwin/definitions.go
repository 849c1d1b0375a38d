package hubspottwin

import (
	"slices"
	"strings"
	"time"
)

// A property is the definition of a property, as the Properties API shows it. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
type property struct {
	Name       string   `json:"name"`
	Label      string   `json:"label"`
	Type       string   `json:"type"`
	FieldType  string   `json:"fieldType"`
	Group      string   `json:"groupName"`
	Descr      string   `json:"description"`
	Options    []option `json:"options"`
	Referenced string   `json:"referencedObjectType,omitempty"`
	Order      int      `json:"displayOrder"`
	Calculated bool     `json:"calculated"`
	External   bool     `json:"externalOptions"`
	Unique     bool     `json:"hasUniqueValue"`
	Hidden     bool     `json:"hidden"`
	Defined    bool     `json:"hubspotDefined"`
	Form       bool     `json:"formField"`
	Archived   bool     `json:"archived"`
	Sensitive  string   `json:"dataSensitivity"`
	CreatedAt  string   `json:"createdAt,omitempty"`
	UpdatedAt  string   `json:"updatedAt,omitempty"`
	Modify     modify   `json:"modificationMetadata"`

	allowed map[string]bool // the values of the options
	index   bool            // one record per value, by hasUniqueValue or as a contact's email
}

type option struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Order  int    `json:"displayOrder"`
	Hidden bool   `json:"hidden"`
	Descr  string `json:"description,omitempty"`
}

type modify struct {
	Archivable         bool `json:"archivable"`
	ReadOnlyDefinition bool `json:"readOnlyDefinition"`
	ReadOnlyValue      bool `json:"readOnlyValue"`
}

func (p *property) settle() {
	p.allowed = make(map[string]bool, len(p.Options))
	for _, o := range p.Options {
		p.allowed[o.Value] = true
	}
	if p.Options == nil {
		p.Options = []option{}
	}
	if p.Sensitive == "" {
		p.Sensitive = "non_sensitive"
	}
}

func (p *property) multiple() bool { return p.Type == "enumeration" && p.FieldType == "checkbox" }

// The default properties are a realistic part of what every account has. One line each:
// name | label | type | field type | flags | options. Flags: r read-only value, c
// calculated, h hidden, o the id of an owner, x made by the customer, u unique values.
const contactProperties = `
email|Email|string|text||
firstname|First Name|string|text||
lastname|Last Name|string|text||
salutation|Salutation|string|text||
phone|Phone Number|string|phonenumber||
mobilephone|Mobile Phone Number|string|phonenumber||
fax|Fax Number|string|text||
company|Company Name|string|text||
jobtitle|Job Title|string|text||
website|Website URL|string|text||
address|Street Address|string|text||
city|City|string|text||
state|State/Region|string|text||
zip|Postal Code|string|text||
country|Country/Region|string|text||
date_of_birth|Date of birth|string|text||
hs_language|Preferred language|enumeration|select||en=English,de=German,el=Greek,fr=French
industry|Industry|string|text||
message|Message|string|textarea||
numemployees|Number of Employees|enumeration|select||1-5=1-5,5-25=5-25,25-50=25-50,50-100=50-100,100-500=100-500,500-1000=500-1000,1000+=1000+
annualrevenue|Annual Revenue|string|text||
lifecyclestage|Lifecycle Stage|enumeration|radio||subscriber=Subscriber,lead=Lead,marketingqualifiedlead=Marketing Qualified Lead,salesqualifiedlead=Sales Qualified Lead,opportunity=Opportunity,customer=Customer,evangelist=Evangelist,other=Other
hs_lead_status|Lead Status|enumeration|radio||NEW=New,OPEN=Open,IN_PROGRESS=In Progress,CONNECTED=Connected,UNQUALIFIED=Unqualified
hs_buying_role|Buying Role|enumeration|checkbox||BLOCKER=Blocker,BUDGET_HOLDER=Budget Holder,CHAMPION=Champion,DECISION_MAKER=Decision Maker,END_USER=End User
hs_legal_basis|Legal basis for processing contact's data|enumeration|checkbox||Not applicable=Not applicable,Legitimate interest – prospect/lead=Legitimate interest – prospect/lead
hubspot_owner_id|Contact owner|enumeration|select|o|
hs_email_optout|Unsubscribed from all email|bool|booleancheckbox|r|true=Yes,false=No
hs_marketable_status|Marketing contact status|enumeration|select|r|true=Marketing contact,false=Non-marketing contact
hs_additional_emails|Additional email addresses|enumeration|checkbox|r|
hs_email_domain|Email Domain|string|text|r|
closedate|Close Date|datetime|date||
notes_last_contacted|Last Contacted|datetime|date|r|
num_associated_deals|Number of Associated Deals|number|number|rc|
num_contacted_notes|Number of times contacted|number|number|r|
hs_searchable_calculated_phone_number|Calculated Phone Number|string|calculation_equation|rch|
hs_object_id|Record ID|number|number|rh|
hs_object_source|Record creation source|enumeration|select|rh|INTEGRATION=Integration,CRM_UI=CRM UI,IMPORT=Import
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|rh|
hs_calculated_merged_vids|Calculated Merged Contact Ids|enumeration|calculation_equation|rch|
birthday|Birthday|date|date|x|
newsletter|Newsletter|bool|booleancheckbox|x|true=Yes,false=No
interests|Interests|enumeration|checkbox|x|garden=Garden,kitchen=Kitchen,bath=Bath & Spa
credit_score|Credit score|number|number|x|
last_visit|Last visit|datetime|date|x|
associatedcompanyid|Primary Associated Company ID|number|number|r|
createdate|Create Date|datetime|date|r|
lastmodifieddate|Last Modified Date|datetime|date|r|
`

const companyProperties = `
name|Company name|string|text||
domain|Company Domain Name|string|text||
website|Website URL|string|text||
phone|Phone Number|string|phonenumber||
address|Street Address|string|text||
address2|Street Address 2|string|text||
city|City|string|text||
state|State/Region|string|text||
zip|Postal Code|string|text||
country|Country/Region|string|text||
description|Description|string|textarea||
about_us|About Us|string|textarea||
industry|Industry|enumeration|select||ACCOUNTING=Accounting,COMPUTER_SOFTWARE=Computer Software,CONSTRUCTION=Construction,FOOD_BEVERAGES=Food & Beverages,RETAIL=Retail
type|Type|enumeration|select||PROSPECT=Prospect,PARTNER=Partner,RESELLER=Reseller,VENDOR=Vendor,OTHER=Other
numberofemployees|Number of Employees|number|number||
annualrevenue|Annual Revenue|number|number||
founded_year|Year Founded|string|text||
is_public|Is Public|bool|booleancheckbox||true=Yes,false=No
timezone|Time Zone|string|text||
linkedin_company_page|LinkedIn Company Page|string|text||
facebook_company_page|Facebook Company Page|string|text||
twitterhandle|Twitter Handle|string|text||
lifecyclestage|Lifecycle Stage|enumeration|radio||subscriber=Subscriber,lead=Lead,marketingqualifiedlead=Marketing Qualified Lead,salesqualifiedlead=Sales Qualified Lead,opportunity=Opportunity,customer=Customer,evangelist=Evangelist,other=Other
hs_lead_status|Lead Status|enumeration|radio||NEW=New,OPEN=Open,IN_PROGRESS=In Progress,CONNECTED=Connected
hubspot_owner_id|Company owner|enumeration|select|o|
hs_additional_domains|Additional Domains|enumeration|checkbox|r|
hs_parent_company_id|Parent Company|number|number|rc|
num_associated_contacts|Number of Associated Contacts|number|number|rc|
num_associated_deals|Number of Associated Deals|number|number|rc|
notes_last_contacted|Last Contacted|datetime|date|r|
closedate|Close Date|datetime|date||
first_contact_createdate|First Contact Create Date|datetime|date|rc|
hs_country_code|Country/Region Code|string|text||
hs_keywords|Company Keywords|enumeration|checkbox||b2b=B2B,b2c=B2C,saas=SaaS
customer_number|Customer number|string|text|x|
customer_since|Customer since|date|date|x|
hs_object_id|Record ID|number|number|rh|
hs_object_source|Record creation source|enumeration|select|rh|INTEGRATION=Integration,CRM_UI=CRM UI,IMPORT=Import
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|rh|
createdate|Create Date|datetime|date|r|
hs_lastmodifieddate|Last Modified Date|datetime|date|r|
`

// parseProperties reads the tables above.
func parseProperties(table, group string) []*property {
	var out []*property
	for line := range strings.Lines(strings.TrimSpace(table)) {
		c := strings.Split(strings.TrimSpace(line), "|")
		if len(c) < 6 {
			continue // between two tables
		}
		p := &property{
			Name: c[0], Label: c[1], Type: c[2], FieldType: c[3], Group: group,
			Order: -1, Defined: true,
			Calculated: strings.Contains(c[4], "c"), Hidden: strings.Contains(c[4], "h"),
			Modify: modify{ReadOnlyDefinition: true, ReadOnlyValue: strings.Contains(c[4], "r")},
		}
		if strings.Contains(c[4], "x") {
			p.Defined, p.Modify = false, modify{Archivable: true}
		}
		p.Unique = strings.Contains(c[4], "u")
		p.index = p.Unique
		if strings.Contains(c[4], "o") {
			p.External, p.Referenced = true, "OWNER"
		}
		for i, o := range strings.Split(c[5], ",") {
			if value, label, ok := strings.Cut(o, "="); ok {
				p.Options = append(p.Options, option{Value: value, Label: label, Order: i})
			}
		}
		p.settle()
		out = append(out, p)
	}
	return out
}

// maxUnique is how many properties of one object may demand unique values; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide#create-unique-identifier-properties
const maxUnique = 10

// propertyTypes are the types that can be created, each with its field types.
func propertyTypes() map[string][]string {
	return map[string][]string{
		"string":       {"text", "textarea", "html", "phonenumber", "file"},
		"phone_number": {"phonenumber"},
		"number":       {"number", "calculation_equation"},
		"bool":         {"booleancheckbox", "calculation_equation"},
		"enumeration":  {"select", "radio", "checkbox", "booleancheckbox", "calculation_equation"},
		"date":         {"date"},
		"datetime":     {"date"},
	}
}

// checkDefinition says what is wrong with a definition that shall be created; "" = nothing.
func (o *object) checkDefinition(p *property) string {
	switch {
	case !validName(p.Name):
		return "Property name must start with a letter and hold only lower-case letters, digits and underscores"
	case p.Label == "":
		return "label must not be empty"
	case !slices.Contains(propertyTypes()[p.Type], p.FieldType):
		return "fieldType " + p.FieldType + " is not valid for type " + p.Type
	case p.Group != o.group:
		return "Property group " + p.Group + " does not exist"
	case p.Type == "bool" && len(p.Options) != 2:
		return "Boolean properties must have exactly two options: true and false"
	case p.Unique && p.Type != "string" && p.Type != "number":
		return "Only text and number properties can have unique values"
	}
	unique := 0
	for _, q := range o.props {
		if q.Unique {
			unique++
		}
	}
	if p.Unique && unique >= maxUnique {
		return "There is a limit of 10 unique properties per object"
	}
	return ""
}

func validName(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// define adds a property of the customer's.
func (o *object) define(p *property, now time.Time) {
	p.Defined, p.Order = false, -1
	p.Modify = modify{Archivable: true}
	p.CreatedAt, p.UpdatedAt = stamp(now), stamp(now)
	p.settle()
	o.props[p.Name] = p
	o.names = append(o.names, p.Name)
	if p.Unique {
		p.index = true
		o.unique[p.Name] = map[string]int64{}
	}
}
