package console

import (
	"context"
)

// A rulesBody is what a sync keeps in step, and how, with all that is implied.
type rulesBody struct {
	Sync     string        `json:"sync"`
	Left     string        `json:"left"`
	Right    string        `json:"right"`
	Match    []string      `json:"match" doc:"by what records are found to be the same"`
	Implied  bool          `json:"match_implied,omitempty" doc:"these keys are those of the kind of object"`
	Schedule string        `json:"schedule,omitempty"`
	Guard    []guardBody   `json:"guard" doc:"at how many changes a run stops and asks"`
	Fields   []fieldRule   `json:"fields"`
	Unknown  bool          `json:"unknown,omitempty" doc:"a connection was never asked: the fields are as the configuration has them"`
	Problems []textProblem `json:"problems"`
}

// A guardBody is the limit of one kind of change.
type guardBody struct {
	What   string `json:"what"`
	Amount string `json:"amount,omitempty" doc:"if it is a part of all records"`
	Limit  int    `json:"limit" doc:"what it comes to now"`
}

// A fieldRule is one pair of fields.
type fieldRule struct {
	Left      string            `json:"left,omitempty" doc:"absent where the other side computes it"`
	Right     string            `json:"right,omitempty"`
	Direction string            `json:"direction"`
	Prefer    string            `json:"prefer,omitempty" doc:"absent: that of the sync"`
	Enforce   bool              `json:"enforce,omitempty"`
	How       string            `json:"how" doc:"how a value gets to the other side"`
	From      string            `json:"from,omitempty" doc:"the expression that computes it"`
	Values    map[string]string `json:"values,omitempty" doc:"from left to right"`
}

func (c *console) apiRules(ctx context.Context, in *Named) (rulesBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return rulesBody{}, err
	}
	sync, _ := c.hub.Plan().Sync(in.ID)
	data, err := c.syncPage(ctx, sync)
	out := rulesBody{Sync: in.ID, Left: sync.Ends[0].String(), Right: sync.Ends[1].String(), Match: append([]string{}, data.Rules.Match...), Implied: data.Rules.Implied,
		Schedule: data.Rules.Schedule, Guard: []guardBody{}, Fields: []fieldRule{}, Unknown: data.Unknown, Problems: problemsOfText(data.Problems)}
	for _, g := range data.Rules.Guard {
		out.Guard = append(out.Guard, guardBody{What: g.What, Amount: g.Amount, Limit: g.Limit})
	}
	for _, f := range data.Fields {
		rule := fieldRule{Left: f.Names[0], Right: f.Names[1], Direction: f.Direction, Prefer: f.Prefer, Enforce: f.Enforce, How: f.How, From: f.Expr}
		for _, v := range f.Values {
			if rule.Values == nil {
				rule.Values = map[string]string{}
			}
			rule.Values[v[0]] = v[1]
		}
		out.Fields = append(out.Fields, rule)
	}
	return out, err
}
