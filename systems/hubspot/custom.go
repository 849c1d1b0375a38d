package hubspot

import (
	"context"

	"github.com/tandemhub/tandem/rest"
)

// customSchema is an object of the customer's own with its properties; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/schemas/guide
type customSchema struct {
	TypeID string `json:"objectTypeId"`
	Name   string `json:"name"`
	Labels struct {
		Singular string `json:"singular"`
		Plural   string `json:"plural"`
	} `json:"labels"`
	Face       string     `json:"primaryDisplayProperty"`
	Required   []string   `json:"requiredProperties"`
	Properties []property `json:"properties"`
	Archived   bool       `json:"archived"`
}

// customObjects reads the objects that the customer made, all in one call, and keeps
// them. They have fields and no references: which types their associations have is
// another matter in every account.
func (c *conn) customObjects(ctx context.Context) ([]*definitions, error) {
	var answer struct {
		Results []customSchema `json:"results"`
	}
	if _, err := c.read(ctx, rest.Call{Path: "/crm-object-schemas/" + c.version + "/schemas", Into: &answer}); err != nil {
		return nil, err
	}
	var out []*definitions
	for _, s := range answer.Results {
		k, ok := kindOf(s.TypeID)
		if !ok || !isCustom(s.TypeID) || s.Archived {
			continue
		}
		k.face = s.Face
		if k.title = s.Labels.Plural; k.title == "" {
			k.title = s.Name
		}
		for _, name := range s.Required {
			k.required += " " + name
		}
		d := newDefinitions(k)
		d.take(s.Properties, nil)
		c.keep(d)
		out = append(out, d)
	}
	return out, nil
}
