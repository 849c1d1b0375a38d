package dolibarr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Merge folds third parties into one, one after the other. Their contacts and papers go to
// the one that is kept, empty fields of it are filled from them, and their ids are gone
// without a trace (recorded). If one cannot be merged, those before it are.
func (c *conn) Merge(ctx context.Context, keep record.Ref, lose []record.Ref) (connector.Result, error) {
	res := connector.Result{Ref: keep}
	o, err := objectOf(thirdParties)
	if err != nil {
		return res, err
	}
	for _, gone := range lose {
		switch {
		case keep.Object != thirdParties || gone.Object != thirdParties:
			return res, &connector.Error{
				Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: errors.New("only third parties can be merged"),
			}
		case !isID(keep.ID) || !isID(gone.ID):
			return res, &connector.Error{Kind: connector.NotFound, Err: errors.New("there is no third party of that id")}
		case keep.ID == gone.ID:
			return res, &connector.Error{Kind: connector.Invalid, Err: errors.New("a third party cannot be merged into itself")}
		}
		var row wireRow
		call := rest.Call{
			Method: http.MethodPut, Path: o.path + "/" + url.PathEscape(keep.ID) + "/merge/" + url.PathEscape(gone.ID),
			Body: map[string]any{}, Into: &row,
		}
		if _, err := c.api.Do(ctx, call); err != nil {
			return res, fmt.Errorf("merge %s into %s: %w", gone.ID, keep.ID, err)
		}
		if row.text("id") == keep.ID {
			c.after(ctx, o, &res, row)
		}
	}
	return res, nil
}
