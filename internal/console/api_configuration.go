package console

import (
	"context"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A configurationBody is the document of which everything follows, and where it comes from.
type configurationBody struct {
	File    string     `json:"file" doc:"where the hub was told to read it"`
	Counts  string     `json:"counts" enum:"file,database" doc:"which text counts"`
	Version int        `json:"version,omitempty" doc:"of the database; after of the next edit"`
	By      string     `json:"by,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	Note    string     `json:"note,omitempty"`
	Edited  bool       `json:"edited,omitempty" doc:"the file was edited since it was adopted, and nobody has decided which counts"`
	Refused string     `json:"refused,omitempty" doc:"why what counts is not served"`
	Text    string     `json:"text" doc:"what counts; secrets stand in it by name only"`
}

// A versionBody is one version of the configuration.
type versionBody struct {
	Version int        `json:"version"`
	By      string     `json:"by"`
	At      time.Time  `json:"at"`
	Note    string     `json:"note,omitempty"`
	Text    string     `json:"text,omitempty" doc:"absent in a list"`
	Diff    []diffBody `json:"diff,omitempty" doc:"the lines by which it differs from the one that it is held against; absent in a list"`
}

// A diffBody is one line of a comparison.
type diffBody struct {
	Kind string `json:"kind" enum:"same,old,new,gap" doc:"gap: lines that are the same are left out here"`
	Old  int    `json:"old,omitempty" doc:"its number in the old text"`
	New  int    `json:"new,omitempty" doc:"its number in the new text"`
	Text string `json:"text,omitempty"`
}

// A checkedText says what is wrong with a configuration, and what it would change.
type checkedText struct {
	Usable   bool          `json:"usable"`
	Problems []textProblem `json:"problems"`
	Diff     []diffBody    `json:"diff" doc:"from what counts to the text"`
}

// A textProblem is something wrong, or odd, with a configuration.
type textProblem struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Text    string `json:"text"`
	Near    string `json:"near,omitempty" doc:"what was probably meant"`
	Warning bool   `json:"warning,omitempty" doc:"it can be used all the same"`
}

func diffBodies(lines []diffLine) []diffBody {
	all := []diffBody{}
	for _, l := range lines {
		body := diffBody(l)
		if l.Kind == diffSame {
			body.Kind = "same"
		}
		all = append(all, body)
	}
	return all
}

func problemsOfText(problems plan.Problems) []textProblem {
	all := []textProblem{}
	for _, p := range problems {
		all = append(all, textProblem{Line: p.Line, Column: p.Column, Text: p.Text, Near: p.Near, Warning: p.Warning})
	}
	return all
}

func ofVersion(v store.Configuration) versionBody {
	return versionBody{Version: v.Number, By: v.By, At: v.At, Note: v.Note}
}

func (c *console) apiConfiguration(ctx context.Context, _ *nothing) (configurationBody, error) {
	now, err := c.hub.Configuration(ctx)
	out := configurationBody{File: now.File, Counts: "file", Edited: now.Edited, Refused: now.Refused, Text: now.Text}
	if now.Adopted {
		out.Counts, out.Version, out.By, out.At, out.Note = "database", now.Current.Number, now.Current.By, moment(now.Current.At), now.Current.Note
	}
	return out, err
}

type textInput struct {
	Body struct {
		Text string `json:"text" maxLength:"524288" doc:"the whole document, in YAML"`
	}
}

// checked holds a text against the grammar and against what counts, as the editor does.
func (c *console) checked(ctx context.Context, text string) (configurationPage, error) {
	var data configurationPage
	var err error
	if data.Configuration, err = c.hub.Configuration(ctx); err != nil {
		return data, err
	}
	data.Typed = typed(data.Text, text)
	return data, c.check(ctx, &data)
}

func (c *console) apiCheckText(ctx context.Context, in *textInput) (checkedText, error) {
	data, err := c.checked(ctx, in.Body.Text)
	noteIn(ctx, data.File, "checked only")
	return checkedText{Usable: !data.Wrong, Problems: problemsOfText(data.Problems), Diff: diffBodies(data.Diff)}, err
}

type saveInput struct {
	Body struct {
		Text  string `json:"text" maxLength:"524288" doc:"the whole document, in YAML"`
		After int    `json:"after" minimum:"1" doc:"the version that was edited: a later one is not written over"`
		Note  string `json:"note,omitempty" maxLength:"200" doc:"why, for the list of versions"`
	}
}

func (c *console) apiSave(ctx context.Context, in *saveInput) (configurationBody, error) {
	data, err := c.checked(ctx, in.Body.Text)
	if err != nil {
		return configurationBody{}, err
	}
	why := strings.TrimSpace(in.Body.Note)
	noteIn(ctx, data.File, why)
	if data.Wrong {
		return configurationBody{}, unusable(data.Problems)
	}
	if refusal := data.refusal(in.Body.After); refusal != nil {
		return configurationBody{}, refusal
	}
	if err := c.saveConfiguration(ctx, in.Body.After, data.Typed, why); err != nil {
		return configurationBody{}, err
	}
	return c.apiConfiguration(ctx, nil)
}

func (c *console) apiVersions(ctx context.Context, in *Paging) (list[versionBody], error) {
	before, err := in.from()
	if err != nil {
		return list[versionBody]{}, err
	}
	all, err := c.hub.Store().Configurations(ctx, int(before), in.Limit+1)
	return listOf(*in, all, ofVersion, func(v store.Configuration) int64 { return int64(v.Number) }), err
}

type versionInput struct {
	Numbered

	Against int64 `query:"against" minimum:"1" doc:"the version that it is held against; else what counts"`
}

func (c *console) apiVersion(ctx context.Context, in *versionInput) (versionBody, error) {
	v, err := c.version(ctx, in.ID)
	if err != nil {
		return versionBody{}, err
	}
	var other string
	if in.Against != 0 {
		old, err := c.version(ctx, in.Against)
		if err != nil {
			return versionBody{}, err
		}
		other = old.Text
	} else {
		now, err := c.hub.Configuration(ctx)
		if err != nil {
			return versionBody{}, err
		}
		other = now.Text
	}
	out := ofVersion(v)
	out.Text, out.Diff = v.Text, diffBodies(compare(other, v.Text))
	return out, nil
}

func (c *console) apiRollBack(ctx context.Context, in *Numbered) (configurationBody, error) {
	if err := c.goBack(ctx, in.ID); err != nil {
		return configurationBody{}, err
	}
	return c.apiConfiguration(ctx, nil)
}

type whyNote struct {
	Body *struct {
		Note string `json:"note,omitempty" maxLength:"200" doc:"why, for the list of versions"`
	}
}

func (c *console) apiAdopt(ctx context.Context, in *whyNote) (configurationBody, error) {
	why := ""
	if in.Body != nil {
		why = strings.TrimSpace(in.Body.Note)
	}
	problems, err := c.adopt(ctx, why)
	if problems.HasErrors() {
		return configurationBody{}, unusable(problems)
	}
	if err != nil {
		return configurationBody{}, err
	}
	return c.apiConfiguration(ctx, nil)
}

func (c *console) apiKeep(ctx context.Context, _ *nothing) (configurationBody, error) {
	if err := c.hub.KeepConfiguration(ctx); err != nil {
		return configurationBody{}, err
	}
	return c.apiConfiguration(ctx, nil)
}

func (c *console) apiRelease(ctx context.Context, _ *nothing) (configurationBody, error) {
	if err := c.hub.ReleaseConfiguration(ctx); err != nil {
		return configurationBody{}, err
	}
	return c.apiConfiguration(ctx, nil)
}
