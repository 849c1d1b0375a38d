package brevo

import (
	"context"
	"slices"

	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

func (c *conn) salesObject(ctx context.Context, object string) (record.Object, error) {
	o := record.Object{
		Name: object, Title: "Companies", Common: "company", Create: true, Update: true, Delete: true, Batch: 1, ReadBatch: readBatch,
		Settle: settle, Overlap: overlap, Deletes: record.EvidenceListing, OwnStamps: true,
	}
	links := []record.Field{
		{Name: fieldContacts, Label: "Contacts", Kind: record.KindReferences, To: contacts, Silent: true},
		{Name: fieldDeals, Label: "Deals", Kind: record.KindReferences, To: deals, Silent: true, ReadOnly: true},
	}
	if object == deals {
		o.Title, o.Common = "Deals", "deal"
		links[1] = record.Field{Name: fieldCompanies, Label: "Companies", Kind: record.KindReferences, To: companies, Silent: true}
	}
	var list []saleAttribute
	if _, err := c.do(ctx, rest.Call{Path: "/v3/crm/attributes/" + object, Into: &list}); err != nil {
		return o, err
	}
	for _, a := range list {
		if f := a.field(object, o.Common); !slices.ContainsFunc(o.Fields, func(have record.Field) bool { return have.Name == f.Name }) {
			o.Fields = append(o.Fields, f)
		}
	}
	o.Fields = append(o.Fields, links...)
	if object != deals {
		if _, keyed := o.Key(); keyed {
			o.CreateBatch, o.OutcomeBatch, o.Settle = companyBatch, askBatch, companySettle
		}
		return o, nil
	}
	var all []pipeline
	if _, err := c.do(ctx, rest.Call{Path: "/v3/crm/pipeline/details/all", Into: &all}); err != nil {
		return o, err
	}
	setPipelines(o.Fields, all)
	return o, nil
}

// setPipelines puts pipelines and stages into their fields. What a stage means, won or lost,
// no call tells.
func setPipelines(fields []record.Field, all []pipeline) {
	for i := range fields {
		f := &fields[i]
		if f.Name != fieldPipeline && f.Name != fieldStage {
			continue
		}
		f.Kind, f.Choices, f.Open = record.KindChoice, nil, len(all) == 0
		for _, p := range all {
			if f.Name == fieldPipeline {
				f.Choices = append(f.Choices, record.Choice{Value: p.ID, Label: p.Name})
				continue
			}
			for _, s := range p.Stages {
				f.Choices = append(f.Choices, record.Choice{Value: s.ID, Label: s.Name, Parent: p.ID})
			}
		}
	}
}

func (a saleAttribute) field(object, is string) record.Field {
	f := record.Field{Name: a.Name, Label: a.Label, Kind: record.KindText, ReadOnly: a.ReadOnly, Custom: true}
	if a.Name == keyProperty || a.Label == keyLabel {
		f.Key, f.Findable = true, object == companies
		return f
	}
	switch a.Type {
	case "number", "float", "currency":
		f.Kind = record.KindNumber
	case "boolean":
		f.Kind = record.KindBool
	case "date":
		f.Kind = record.KindDate
	case "date-time", "datetime":
		f.Kind = record.KindDateTime
	case "single-select", "multi-choice":
		f.Kind = record.KindChoice
		if a.Type == "multi-choice" {
			f.Kind = record.KindChoices
		}
		for _, o := range a.Options {
			f.Choices = append(f.Choices, record.Choice{Value: o.Key, Label: o.Value})
		}
		f.Open = len(f.Choices) == 0
	case "user":
		f.ReadOnly = true // takes users of the account only, of whom no endpoint lists the IDs that it wants
	}
	f.Required = a.Required && !f.ReadOnly
	f.NoClear = f.Required
	if a.Name == "amount" || a.Name == "revenue" {
		f.Kind = record.KindMoney
	}
	common := salesWords(object)[a.Name]
	if common == "" {
		return f
	}
	f.Custom = false
	whole, _ := record.CommonOf(is)
	if means, ok := whole.Field(common); ok && (slices.Contains(means.Kinds, f.Kind) || a.Name == fieldStage || a.Name == fieldPipeline) {
		f.Common = common
	}
	if a.Name == "domain" {
		f.Format = record.FormatDomain
	}
	return f
}

// salesWords are what Brevo's own attributes mean.
func salesWords(object string) map[string]string {
	if object == companies {
		return map[string]string{
			"name": "name", "domain": "domain", "phone_number": "phone", "industry": "industry", "revenue": "revenue",
			"number_of_employees": "employees", "created_at": "created_at",
		}
	}
	return map[string]string{
		"deal_name": "name", "amount": "amount", fieldStage: "stage", fieldPipeline: "pipeline", "deal_description": "description",
		"close_date": "close_date", "created_at": "created_at",
	}
}
