package hubspot

import (
	"context"
	"fmt"
	"slices"

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
	// Associations are those with all objects, seen from either side.
	Associations []struct {
		From string `json:"fromObjectTypeId"`
		To   string `json:"toObjectTypeId"`
	} `json:"associations"`
}

// kind is what the customer said about the object.
func (s customSchema) kind() kind {
	k, _ := kindOf(s.TypeID)
	k.face = s.Face
	if k.title = s.Labels.Plural; k.title == "" {
		k.title = s.Name
	}
	for _, name := range s.Required {
		k.required += " " + name
	}
	return k
}

// customSchemas reads what the customer made, all in one call. An account or a token without
// any has none.
func (c *conn) customSchemas(ctx context.Context) ([]customSchema, error) {
	var answer struct {
		Results []customSchema `json:"results"`
	}
	_, err := c.read(ctx, rest.Call{Path: "/crm-object-schemas/" + c.version + "/schemas", Into: &answer})
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read custom objects: %w", err)
	}
	return slices.DeleteFunc(answer.Results, func(s customSchema) bool { return !isCustom(s.TypeID) || s.Archived }), nil
}
