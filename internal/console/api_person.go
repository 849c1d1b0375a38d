package console

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
)

type someoneInput struct {
	Body struct {
		Key    string   `json:"key" minLength:"1" maxLength:"800" doc:"an e-mail address, a telephone number in any notation, or one of their records: crm.contacts/501"`
		Except []string `json:"except,omitempty" maxItems:"100" doc:"records that are somebody else's, such as a colleague's with the same number"`
	}
}

// someone looks for all that is known of a person. The audit does not say of whom: it outlives an
// erasure.
func (in *someoneInput) someone(ctx context.Context, e *engine.Engine) (engine.Person, error) {
	key, ok := e.PersonKeyOf(in.Body.Key)
	if !ok {
		return engine.Person{}, badInput("body.key", "it is no e-mail address, no telephone number and no record; a number without its country needs country in the configuration")
	}
	p, err := e.Person(ctx, key, in.Body.Except)
	noteIn(ctx, "a person", fmt.Sprintf("%d records", len(p.Records)))
	return p, err
}

func (c *console) apiExportPerson(ctx context.Context, in *someoneInput) (jsonl.PersonDoc, error) {
	var out jsonl.PersonDoc
	err := c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) error {
		p, err := in.someone(ctx, e)
		out = jsonl.OfPerson(p, c.now())
		return err
	})
	return out, err
}

// foundPerson is what an erasure would be about.
type foundPerson struct {
	Records []jsonl.Found  `json:"records" doc:"found are erased; those that only mention the person are not: they are to be looked at by hand"`
	Links   int            `json:"links"`
	Journal int            `json:"journal" doc:"lines that lose their values"`
	Before  []jsonl.Erased `json:"before,omitempty" doc:"what was erased before, or has still to be"`
}

func (c *console) apiFindPerson(ctx context.Context, in *someoneInput) (foundPerson, error) {
	out := foundPerson{Records: []jsonl.Found{}}
	err := c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) error {
		p, err := in.someone(ctx, e)
		for _, r := range p.Records {
			out.Records = append(out.Records, jsonl.OfFound(r))
		}
		for _, x := range p.Receipts {
			out.Before = append(out.Before, jsonl.OfErased(engine.ErasedRecord{Erasure: x}))
		}
		out.Links, out.Journal = len(p.Links), len(p.Journal)
		return err
	})
	return out, err
}

// erasedPerson is what became of a person's records.
type erasedPerson struct {
	Records []jsonl.Erased `json:"records" doc:"a receipt for each"`
	Waits   int            `json:"waits" doc:"so many could not be erased yet: repeat it"`
	ByHand  int            `json:"by_hand" doc:"so many are for a person to do"`
}

func (c *console) apiErasePerson(ctx context.Context, in *someoneInput) (erasedPerson, error) {
	out := erasedPerson{Records: []jsonl.Erased{}}
	by := visitIn(ctx).who.Name
	err := c.borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		p, err := in.someone(ctx, e)
		if err != nil {
			return err
		}
		return e.Erase(ctx, p, by, func(x engine.ErasedRecord) error {
			line := jsonl.OfErased(x)
			out.Records = append(out.Records, line)
			switch line.Status {
			case "waits":
				out.Waits++
			case "by hand":
				out.ByHand++
			}
			return nil
		})
	})
	return out, err
}
