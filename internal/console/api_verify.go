package console

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
)

// mostFindings bounds what one answer names of what verifying has found.
const mostFindings = 1000

// verifyInput says how to verify.
type verifyInput struct {
	Named

	Body *verifyWish
}

type verifyWish struct {
	Repair bool `json:"repair,omitempty" doc:"take what is found for an ordinary read: the next run merges it"`
}

// verifiedBody is what verifying came to.
type verifiedBody struct {
	jsonl.VerifyReport

	Findings []jsonl.Finding `json:"findings"`
	More     int             `json:"more,omitempty" doc:"findings that are not named"`
}

func (c *console) apiVerify(ctx context.Context, in *verifyInput) (verifiedBody, error) {
	out := verifiedBody{Findings: []jsonl.Finding{}}
	if err := c.checkSync(in.ID); err != nil {
		return out, err
	}
	noteIn(ctx, in.ID, "")
	err := c.borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		reports, err := e.Verify(ctx, []string{in.ID}, engine.VerifyOptions{Repair: in.Body != nil && in.Body.Repair, Found: func(f engine.Finding) error {
			if len(out.Findings) < mostFindings {
				out.Findings = append(out.Findings, jsonl.OfFinding(f))
			} else {
				out.More++
			}
			return nil
		}})
		if len(reports) > 0 {
			out.VerifyReport = jsonl.OfVerify(reports[0])
		}
		return err
	})
	return out, err
}

// apiBeginVerify verifies as the sync's page does; GET tells what came of it.
func (c *console) apiBeginVerify(ctx context.Context, in *verifyInput) (verificationBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return verificationBody{}, err
	}
	if err := c.begun(ctx, verifying, in.ID, in.Body != nil && in.Body.Repair); err != nil {
		return verificationBody{}, err
	}
	return c.verification(ctx, in.ID)
}

// verificationBody is how far a sync has been verified, and what was found by hand last.
type verificationBody struct {
	Sync  string             `json:"sync"`
	Began *time.Time         `json:"began,omitempty" doc:"when the round under way began that the hub does by itself; absent if none is"`
	Ended *time.Time         `json:"ended,omitempty" doc:"when the last whole round ended"`
	Now   store.VerifyCounts `json:"now" doc:"of the round under way"`
	Last  store.VerifyCounts `json:"last" doc:"of the last whole round"`
	Job   *jobBody           `json:"job,omitempty" doc:"the last one that somebody began, kept for an hour"`

	Report   *jsonl.VerifyReport `json:"report,omitempty" doc:"what that came to"`
	Findings []jsonl.Finding     `json:"findings,omitempty"`
}

type verificationInput struct {
	Named
	Waiting
}

func (c *console) apiVerification(ctx context.Context, in *verificationInput) (verificationBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return verificationBody{}, err
	}
	err := in.until(ctx, func() (bool, error) {
		j, has := c.jobs.of(verifying, in.ID)
		return !has || !j.Under(), nil
	})
	if err != nil {
		return verificationBody{}, err
	}
	return c.verification(ctx, in.ID)
}

func (c *console) verification(ctx context.Context, sync string) (verificationBody, error) {
	v, err := c.hub.Store().Verification(ctx, sync)
	out := verificationBody{Sync: sync, Began: moment(v.Began), Ended: moment(v.Ended), Now: v.Now, Last: v.Last}
	j, has := c.jobs.of(verifying, sync)
	if !has {
		return out, err
	}
	out.Job = ofJob(j)
	for _, f := range j.Findings {
		out.Findings = append(out.Findings, jsonl.OfFinding(f))
	}
	if !j.Under() {
		out.Report = new(jsonl.OfVerify(j.Verified))
	}
	return out, err
}
