package hubspot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#limits
	maxAssociationReads = 1000
	maxAssociations     = 100 // of a batch of ours; HubSpot takes 2,000, and 100 for archive

	// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#association-type-id-values
	// Giving this type to another company takes it from the one that had it.
	typePrimaryCompany = 1
	definedByHubSpot   = "HUBSPOT_DEFINED"
)

type association struct {
	To    idInput           `json:"to"`
	Types []associationType `json:"types"`
}

type associationType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

func primaryType() []associationType {
	return []associationType{{Category: definedByHubSpot, ID: typePrimaryCompany}}
}

type associationInput struct {
	From  idInput           `json:"from"`
	To    idInput           `json:"to"`
	Types []associationType `json:"types"`
}

type archiveInput struct {
	From idInput   `json:"from"`
	To   []idInput `json:"to"`
}

type associationBatch struct {
	Results []struct {
		From idInput `json:"from"`
		To   []struct {
			ID    flexID `json:"toObjectId"`
			Types []struct {
				Category string `json:"category"`
				ID       int    `json:"typeId"`
			} `json:"associationTypes"`
		} `json:"to"`
	} `json:"results"`
	Errors []failure `json:"errors"`
}

// primary returns the primary company by contact.
func (b associationBatch) primary() map[string]string {
	out := make(map[string]string, len(b.Results))
	for _, r := range b.Results {
		for _, to := range r.To {
			for _, t := range to.Types {
				if t.ID == typePrimaryCompany && t.Category == definedByHubSpot {
					out[r.From.ID] = string(to.ID)
				}
			}
		}
	}
	return out
}

// associationsPath is where the associations of contacts with companies are.
func (c *conn) associationsPath(call string) string {
	return c.path(areaAssociations, contacts, companies, "batch", call)
}

// primaryCompanies reads the primary company of contacts; those without one are left out.
func (c *conn) primaryCompanies(ctx context.Context, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	for part := range slices.Chunk(ids, maxAssociationReads) {
		in := inputs[idInput]{Inputs: make([]idInput, len(part))}
		for i, id := range part {
			in.Inputs[i].ID = id
		}
		var answer associationBatch
		_, err := c.read(ctx, rest.Call{Method: http.MethodPost, Path: c.associationsPath("read"), Body: in, Into: &answer})
		if err != nil {
			return nil, fmt.Errorf("read companies of contacts: %w", err)
		}
		for _, f := range answer.Errors { // "none" is told as not found
			if e := f.meaning(f.status(), contacts); e != nil && e.Kind != connector.NotFound {
				return nil, fmt.Errorf("read companies of contacts: %w", e)
			}
		}
		maps.Copy(out, answer.primary())
	}
	return out, nil
}

// link writes the primary companies of contacts that were written, or have nothing else to
// write. A failure takes nothing back: it refuses the field if the rest was written.
func (c *conn) link(ctx context.Context, rows []*writing) {
	var set, unset []*writing
	for _, w := range rows {
		company, ok := w.op.Set[propCompany]
		switch {
		case !ok || w.result.Err != nil:
		case company.IsEmpty():
			unset = append(unset, w)
		default:
			set = append(set, w)
		}
	}
	for part := range slices.Chunk(set, maxAssociations) {
		c.setCompanies(ctx, part)
	}
	for part := range slices.Chunk(unset, maxAssociations) {
		c.clearCompanies(ctx, part)
	}
}

func (c *conn) setCompanies(ctx context.Context, rows []*writing) {
	var in inputs[associationInput]
	for _, w := range rows {
		in.Inputs = append(in.Inputs, associationInput{
			From: idInput{w.op.Ref.ID}, To: idInput{w.op.Set[propCompany].Text()}, Types: primaryType(),
		})
	}
	var answer struct {
		Errors []failure `json:"errors"`
	}
	_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.associationsPath("create"), Body: in, Into: &answer})
	for _, w := range rows {
		w.linked(err)
	}
	for _, f := range answer.Errors {
		e := f.meaning(f.status(), companies)
		if e == nil {
			e = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: f.err()}
		}
		if e.Kind == connector.NotFound { // the contact was just written, so it is the company
			e.Kind, e.Fix = connector.Invalid, "the company is not in HubSpot any more"
		}
		e.Field = propCompany
		from := f.Context["fromObjectId"]
		for _, w := range rows {
			if len(from) == 0 || slices.Contains(from, w.op.Ref.ID) {
				w.unlinked(e)
			}
		}
	}
}

// clearCompanies takes the association with the primary company away. Which one that is,
// is read before: a person's later choice is not taken away.
func (c *conn) clearCompanies(ctx context.Context, rows []*writing) {
	ids := make([]string, len(rows))
	for i, w := range rows {
		ids[i] = w.op.Ref.ID
	}
	now, err := c.primaryCompanies(ctx, ids)
	if err != nil {
		for _, w := range rows {
			w.linked(err)
		}
		return
	}
	var in inputs[archiveInput]
	var sent []*writing
	for _, w := range rows {
		company := now[w.op.Ref.ID]
		was := w.op.Was[propCompany].Text()
		switch {
		case company == "":
			w.linked(nil)
		case was != "" && was != company:
			w.linked(&connector.Error{
				Kind: connector.Conflict, Scope: connector.ScopeRecord, Field: propCompany,
				Err: errors.New("the contact has another primary company by now"),
			})
		default:
			in.Inputs = append(in.Inputs, archiveInput{From: idInput{w.op.Ref.ID}, To: []idInput{{company}}})
			sent = append(sent, w)
		}
	}
	if len(sent) == 0 {
		return
	}
	_, err = c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.associationsPath("archive"), Body: in})
	for _, w := range sent {
		w.linked(err)
	}
}

// linked notes what became of the primary company of an operation.
func (w *writing) linked(err error) {
	if err != nil {
		w.unlinked(err)
		return
	}
	if w.result.After == nil {
		w.result.After = &record.Record{Ref: w.op.Ref, Fields: record.Fields{}}
	}
	w.result.After.Fields[propCompany] = w.op.Set[propCompany]
}

// unlinked notes that the primary company was not written: as a refusal if HubSpot does not
// take it and took other fields, else as the operation's error. What may work the next time
// is no refusal, or it would never be tried again (R2); repeating the properties is harmless.
func (w *writing) unlinked(err error) {
	if w.result.After != nil {
		delete(w.result.After.Fields, propCompany)
	}
	kind := connector.KindOf(err)
	lasting := kind == connector.Invalid || kind == connector.NotFound || kind == connector.Forbidden || kind == connector.Unsupported
	if lasting && len(w.op.Set) > 1 {
		w.result.Refused = append(w.result.Refused, connector.Refusal{Field: propCompany, Why: err.Error()})
		return
	}
	w.result.After = nil
	w.result.Err = connector.ErrorOf(err)
}
