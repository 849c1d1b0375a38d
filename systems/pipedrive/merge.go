package pipedrive

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Merge folds records into one, one after the other. In Pipedrive's call the record of the
// path is the one that goes, and the one of the body stays and wins; see
// https://developers.pipedrive.com/docs/api/v1/Persons#mergePersons
// A merge that was carried out before, and is repeated, changes nothing.
func (c *conn) Merge(ctx context.Context, keep record.Ref, lose []record.Ref) (connector.Result, error) {
	result := connector.Result{Ref: keep}
	k, err := wanted(keep.Object)
	if err == nil && !k.merges {
		err = &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject,
			Err: fmt.Errorf("merge %s: Pipedrive merges persons, organizations and deals only", keep.Object),
		}
	}
	if err != nil {
		return result, err
	}
	for _, r := range lose {
		_, err := c.do(ctx, 40, rest.Call{
			Method: http.MethodPut, Path: c.v1(k.name, r.ID, "merge"), Body: map[string]any{"merge_with_id": number(keep.ID)},
		})
		switch connector.KindOf(err) {
		case connector.NotFound:
			if into, stateErr := c.mergedInto(ctx, r); stateErr != nil || into == keep.ID {
				err = stateErr
			}
		case connector.Ambiguous: // R16: it was there before, and is gone if it was carried out
			lost, readErr := c.getRow(ctx, k, r.ID)
			if connector.KindOf(readErr) == connector.NotFound || readErr == nil && lost.gone() {
				err = nil
			}
		}
		if err != nil {
			result.Err = connector.ErrorOf(err)
			return result, fmt.Errorf("merge %s %s into %s: %w", keep.Object, r.ID, keep.ID, err)
		}
		c.noteMerge(r, keep.ID)
		if err := c.storeMerge(ctx, r, keep.ID); err != nil {
			return result, err
		}
	}
	return result, nil
}
