package toy

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Outcome asks what became of jobs. The vendor answers in order, and names a job again that
// is not done yet.
func (c *conn) Outcome(ctx context.Context, object string, pending []string) ([]connector.Result, error) {
	var done wireDone
	call := rest.Call{Method: http.MethodPost, Path: "/jobs", Body: wireGet{Table: object, IDs: pending}, Into: &done}
	if _, err := c.api.Do(rest.WithSafe(ctx), call); err != nil {
		return nil, fmt.Errorf("ask for jobs of %s: %w", object, err)
	}
	if len(done.Done) != len(pending) {
		return nil, &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeObject,
			Err: fmt.Errorf("ask for jobs of %s: %d answers to %d questions", object, len(done.Done), len(pending))}
	}
	out := make([]connector.Result, len(pending))
	for i, o := range done.Done {
		out[i] = settle(connector.Op{Ref: record.Ref{Object: object, ID: o.ID}}, o)
	}
	return out, nil
}

// Merge folds rows into one; what the kept row lacks it takes from the others.
func (c *conn) Merge(ctx context.Context, keep record.Ref, lose []record.Ref) (connector.Result, error) {
	fold := wireFold{Table: keep.Object, Keep: keep.ID}
	for _, ref := range lose {
		fold.Lose = append(fold.Lose, ref.ID)
	}
	var o wireOutcome
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: "/fold", Body: fold, Into: &o}); err != nil {
		return connector.Result{}, fmt.Errorf("fold %s: %w", keep.Object, err)
	}
	res := settle(connector.Op{Ref: keep}, o)
	return res, res.Err
}
