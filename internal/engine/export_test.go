package engine

import "context"

// SetSlice lets a test see slices with few records.
func (e *Engine) SetSlice(pages int) { e.slice = pages }

// MayWrite says whether a run of any kind may write for a sync now: the gate that stands
// before every push, also of runs that list nothing.
func (e *Engine) MayWrite(ctx context.Context, sync string) error {
	if err := e.Prepare(ctx); err != nil {
		return err
	}
	picked, err := e.pick([]string{sync})
	if err != nil {
		return err
	}
	return e.runOf(picked[0], 0).mayWrite(ctx)
}
