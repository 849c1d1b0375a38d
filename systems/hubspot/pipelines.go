package hubspot

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// pipeline is a pipeline with its stages; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
type pipeline struct {
	ID       string  `json:"id"`
	Label    string  `json:"label"`
	Archived bool    `json:"archived"`
	Stages   []stage `json:"stages"`
}

type stage struct {
	ID       string    `json:"id"`
	Label    string    `json:"label"`
	Archived bool      `json:"archived"`
	Metadata stageMeta `json:"metadata"`
}

// stageMeta holds texts, also where they look like something else.
type stageMeta struct {
	Closed      flexText `json:"isClosed"`
	Probability flexText `json:"probability"`
}

// pipelines reads the pipelines of an object. Without the right to see them its stages
// are what the property itself says.
func (c *conn) pipelines(ctx context.Context, k kind) ([]pipeline, error) {
	var answer struct {
		Results []pipeline `json:"results"`
	}
	_, err := c.read(ctx, rest.Call{Path: c.path(areaPipelines, k.name), Into: &answer})
	if connector.KindOf(err) == connector.Forbidden {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read pipelines: %w", err)
	}
	return answer.Results, nil
}

// meaning says what becomes of a deal in a stage: one that is closed was won with a
// probability of one.
func (s stage) meaning() record.ChoiceKind {
	switch string(s.Metadata.Closed) {
	case "true":
		if p, err := strconv.ParseFloat(string(s.Metadata.Probability), 64); err == nil && p >= 1 {
			return record.ChoiceWon
		}
		return record.ChoiceLost
	case "false":
		return record.ChoiceOpen
	}
	return ""
}

func setPipelines(f *record.Field, all []pipeline) {
	if len(all) == 0 {
		return
	}
	f.Kind, f.Choices, f.Open = record.KindChoice, nil, false
	for _, p := range all {
		f.Choices = append(f.Choices, record.Choice{Value: p.ID, Label: p.Label, Hidden: p.Archived})
	}
}

func setStages(f *record.Field, all []pipeline) {
	if len(all) == 0 {
		return
	}
	f.Kind, f.Choices, f.Open = record.KindChoice, nil, false
	for _, p := range all {
		for _, s := range p.Stages {
			f.Choices = append(f.Choices, record.Choice{
				Value: s.ID, Label: s.Label, Hidden: p.Archived || s.Archived, Parent: p.ID, Kind: s.meaning(),
			})
		}
	}
}
