package hubspot

import (
	"context"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// stages sees to it that records have the lifecycle stages that were written. An earlier
// stage than the record has is accepted and not written, and no answer says so: it must be
// read back. HubSpot takes it when the stage was cleared before, in a request of its own,
// since a batch keeps no order; see
// https://knowledge.hubspot.com/records/use-lifecycle-stages
func (c *conn) stages(ctx context.Context, d *definitions, rows []*writing) {
	if d.object != contacts && d.object != companies {
		return
	}
	set := slices.DeleteFunc(slices.Clone(rows), func(w *writing) bool {
		return w.result.Err != nil || w.op.Set[propStage].IsEmpty()
	})
	behind := c.readStages(ctx, d, set)
	if len(behind) == 0 {
		return
	}
	behind = c.writeStages(ctx, d, behind, false)
	behind = c.writeStages(ctx, d, behind, true)
	for _, w := range c.readStages(ctx, d, behind) {
		w.refuseStage("HubSpot keeps the stage that the record has")
	}
}

// readStages reads the stages of records back and returns those that have another than
// was written. What cannot be read is left open: some later read shows it (R2).
func (c *conn) readStages(ctx context.Context, d *definitions, rows []*writing) []*writing {
	var behind []*writing
	for part := range slices.Chunk(rows, maxBatch) {
		now := map[string]record.Value{}
		in := reading{names: []string{propStage}}
		for _, w := range part {
			in.ids = append(in.ids, w.op.Ref.ID)
		}
		found, err := c.batchRead(ctx, d, in)
		if err == nil {
			for _, r := range found {
				now[r.ID] = record.Text(r.text(propStage))
			}
		}
		for _, w := range part {
			stage, ok := now[w.op.Ref.ID]
			if !ok {
				delete(w.result.After.Fields, propStage)
				continue
			}
			w.result.After.Fields[propStage] = stage
			if !stage.Equal(w.op.Set[propStage]) {
				behind = append(behind, w)
			}
		}
	}
	return behind
}

// writeStages clears the stages of records, or sets them, and returns those where that was
// done. What may work the next time is the operation's error, so that no stage stays empty.
func (c *conn) writeStages(ctx context.Context, d *definitions, rows []*writing, set bool) []*writing {
	copies := make([]*writing, len(rows))
	for i, w := range rows {
		stage := ""
		if set {
			stage = w.op.Set[propStage].Text()
		}
		copies[i] = &writing{op: w.op, input: writeInput{
			ID: w.op.Ref.ID, Trace: strconv.Itoa(i), Properties: map[string]string{propStage: stage},
		}}
	}
	c.inBatches(ctx, copies, func(ctx context.Context, part []*writing) error {
		return c.sendBatch(ctx, d, "update", part)
	})
	var done []*writing
	for i, w := range rows {
		result := copies[i].result
		switch {
		case result.Err == nil:
			w.result.Version, w.result.After.Version = result.Version, result.Version
			w.result.After.Modified = result.After.Modified
			done = append(done, w)
		case wholesale(result.Err) || set:
			w.result.Err, w.result.After = result.Err, nil
		default:
			w.refuseStage(result.Err.Error())
		}
	}
	return done
}

func (w *writing) refuseStage(why string) {
	w.result.Refused = append(w.result.Refused, connector.Refusal{Field: propStage, Why: why})
}
