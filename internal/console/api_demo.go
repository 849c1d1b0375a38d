package console

import (
	"context"
	"time"
)

// A demoBody is how the demo gets on.
type demoBody struct {
	Troubles []troubleBody `json:"troubles"`
	Work     []workBody    `json:"work" doc:"what was done lately in the simulated systems"`
	Compared comparedBody  `json:"compared" doc:"the simulated systems themselves, compared past everything that is believed here"`
}

// A troubleBody is something that can go wrong.
type troubleBody struct {
	Trouble string     `json:"trouble"`
	On      bool       `json:"on" doc:"it goes on now"`
	Until   *time.Time `json:"until,omitempty" doc:"when it ends by itself; absent: with what it does"`
	Hits    int        `json:"hits" doc:"how often it has struck"`
}

// A workBody is one thing that somebody did in a simulated system.
type workBody struct {
	At     time.Time `json:"at"`
	System string    `json:"system"`
	Who    string    `json:"who" doc:"the record"`
	Field  string    `json:"field"`
	Value  string    `json:"value"`
}

type comparedBody struct {
	Pairs  int `json:"pairs"`
	Values int `json:"values"`
	Differ int `json:"differ" doc:"values that are on their way"`
}

func (c *console) apiDemo(ctx context.Context, _ *nothing) (demoBody, error) {
	out := demoBody{Troubles: []troubleBody{}, Work: []workBody{}}
	if c.demo == nil {
		return out, errNotFound()
	}
	for _, t := range c.demo.Troubles() {
		out.Troubles = append(out.Troubles, troubleBody{Trouble: t.Name, On: t.On, Until: moment(t.Until), Hits: t.Hits})
	}
	for _, x := range c.demo.Work() {
		out.Work = append(out.Work, workBody{At: x.At, System: x.System, Who: x.Who, Field: x.Field, Value: x.Value})
	}
	compared, err := c.demo.Compare(ctx)
	out.Compared = comparedBody(compared)
	return out, err
}

func (c *console) apiBreak(ctx context.Context, in *Named) (doneBody, error) {
	err := c.trouble(ctx, in.ID, Demo.Break)
	return doneBody{Done: err == nil}, err
}

func (c *console) apiMend(ctx context.Context, in *Named) (doneBody, error) {
	err := c.trouble(ctx, in.ID, Demo.Mend)
	return doneBody{Done: err == nil}, err
}
