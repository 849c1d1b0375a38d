package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Merge folds records into one, one after the other, as HubSpot's API does it. What
// remains has mostly an id that neither had; see
// https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
// A merge that was carried out before, and is repeated, changes nothing.
func (c *conn) Merge(ctx context.Context, keep record.Ref, lose []record.Ref) (connector.Result, error) {
	result := connector.Result{Ref: keep}
	k, err := wanted(keep.Object)
	if err == nil && !k.merges {
		err = &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject,
			Err: fmt.Errorf("merge %s: HubSpot merges contacts, companies and deals only", keep.Object),
		}
	}
	if err != nil {
		return result, err
	}
	for _, r := range lose {
		var into row
		_, err := c.do(ctx, rest.Call{
			Method: http.MethodPost, Path: c.path(areaObjects, keep.Object, "merge"), Into: &into,
			Body: mergeInput{Primary: result.Ref.ID, Other: r.ID},
		})
		if err != nil {
			if into, err = c.mergedBefore(ctx, k, result.Ref.ID, r.ID, err); err != nil {
				result.Err = connector.ErrorOf(err)
				return result, fmt.Errorf("merge %s %s into %s: %w", keep.Object, r.ID, result.Ref.ID, err)
			}
		}
		result.Ref.ID = into.ID
		if at := time.Time(into.UpdatedAt); !at.IsZero() {
			result.Version = at.Format(time.RFC3339Nano)
		}
	}
	return result, nil
}

// mergedBefore looks, when a merge was refused, whether both ids lead to one record
// already. If not, the refusal stands.
func (c *conn) mergedBefore(ctx context.Context, k kind, keep, lose string, why error) (row, error) {
	switch connector.KindOf(why) {
	case connector.NotFound, connector.Invalid, connector.Conflict:
	default:
		return row{}, why
	}
	d := newDefinitions(k)
	var at [2]row
	for i, id := range []string{keep, lose} {
		rows, err := c.batchRead(ctx, d, reading{ids: []string{id}, names: []string{propID}})
		if err != nil || len(rows) != 1 {
			return row{}, why // the refusal is what there is to say
		}
		at[i] = rows[0]
	}
	if at[0].ID != at[1].ID {
		return row{}, why
	}
	return at[0], nil
}

// Erase removes a contact for good, as the law on data protection demands; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
// HubSpot keeps its address on a list, so that no import brings it back.
func (c *conn) Erase(ctx context.Context, r record.Ref) error {
	if r.Object != contacts {
		return &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject,
			Fix: "archive the record: HubSpot erases it after 90 days",
			Err: fmt.Errorf("erase %s: HubSpot erases contacts only", r.Object),
		}
	}
	_, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: c.path(areaObjects, contacts, "gdpr-delete"), Body: eraseInput{ID: r.ID},
	})
	if connector.KindOf(err) == connector.NotFound {
		if gone, readErr := c.Read(ctx, contacts, []string{r.ID}); readErr == nil && gone[0].Fate == connector.Deleted {
			return nil // erased before
		}
	}
	if err != nil {
		return fmt.Errorf("erase contact: %w", err)
	}
	return nil
}

// Requests.
type (
	mergeInput struct {
		Primary string `json:"primaryObjectId"`
		Other   string `json:"objectIdToMerge"`
	}
	eraseInput struct {
		ID string `json:"objectId"`
	}
)
