package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	mostText     = 4 << 20 // bytes of a form with a configuration, which may be 512 KiB before it is encoded
	mostNote     = 200
	versionsPage = 30
)

type configurationPage struct {
	Configuration

	Typed    string // what is in the editor
	Note     string
	Checked  bool // Problems and Diff are of what is in the editor
	Problems plan.Problems
	Wrong    bool
	Diff     []diffLine
	Versions []store.Configuration
	Older    int // the next page of versions begins before it; 0 = there is none
}

func (c *console) configurationPage(r *http.Request) (configurationPage, error) {
	var data configurationPage
	var err error
	if data.Configuration, err = c.hub.Configuration(r.Context()); err != nil {
		return data, err
	}
	data.Typed = data.Text
	before, err := cursor(r)
	if err != nil {
		return data, err
	}
	data.Versions, err = c.hub.Store().Configurations(r.Context(), int(before), versionsPage+1)
	if len(data.Versions) > versionsPage {
		data.Versions = data.Versions[:versionsPage]
		data.Older = data.Versions[versionsPage-1].Number
	}
	return data, err
}

func (c *console) showConfiguration(w http.ResponseWriter, r *http.Request) error {
	data, err := c.configurationPage(r)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "configuration", data)
}

// typed returns what was entered, with the line breaks of the text that was edited: browsers end all
// lines with two bytes.
func typed(was, text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return plan.WithBreaksOf(was, text)
}

// check holds what is in the editor against the grammar and against what counts.
func (c *console) check(ctx context.Context, data *configurationPage) error {
	p, problems, err := c.hub.CheckConfiguration(ctx, data.Typed)
	if err != nil {
		return err
	}
	data.Checked, data.Problems, data.Wrong = true, problems, p == nil || problems.HasErrors()
	data.Diff = compare(data.Text, data.Typed)
	return nil
}

// refusal says why what is in the editor, an edit of the version of that number, cannot be the next
// version; nil = it can.
func (p *configurationPage) refusal(after int) *problem { return p.refuses(after, p.Wrong, p.Diff) }

// refuses says why an edit of the version of that number cannot be the next version; nil = it can.
func (now Configuration) refuses(after int, wrong bool, diff []diffLine) *problem {
	switch {
	case wrong:
		return invalid("error.configuration")
	case after != now.Current.Number || !now.Adopted:
		return invalid("error.outdated")
	case now.Edited:
		return invalid("error.edited")
	case len(diff) == 0:
		return invalid("error.same")
	}
	return nil
}

// afterOf is the version that a form was an edit of; -1 if it names none.
func afterOf(r *http.Request) int {
	after, err := strconv.Atoi(r.PostFormValue("after"))
	if err != nil {
		return -1
	}
	return after
}

// editConfiguration checks what was entered, and saves it if that is asked for and nothing is
// wrong with it.
func (c *console) editConfiguration(w http.ResponseWriter, r *http.Request) error {
	data, err := c.configurationPage(r)
	if err != nil {
		return err
	}
	data.Typed, data.Note = typed(data.Text, r.PostFormValue("text")), strings.TrimSpace(cutTo(r.PostFormValue("note"), mostNote))
	note(r, data.File, "checked only")
	if err := c.check(r.Context(), &data); err != nil {
		return err
	}
	if r.PostFormValue("act") != "save" {
		return c.view.page(w, r, "configuration", data)
	}
	note(r, data.File, data.Note)
	after := afterOf(r)
	if why := data.refusal(after); why != nil {
		return c.view.again(w, r, why, "configuration", data)
	}
	if err := c.saveConfiguration(r.Context(), after, data.Typed, data.Note); err != nil {
		return err
	}
	return c.redirect(w, "/settings/configuration", "saved")
}

// saveConfiguration keeps a text as the next version.
func (c *console) saveConfiguration(ctx context.Context, after int, text, why string) error {
	n, err := c.hub.SaveConfiguration(ctx, after, store.Configuration{Text: text, By: visitIn(ctx).who.Name, At: c.now(), Note: why})
	if errors.Is(err, store.ErrOutdated) || errors.Is(err, store.ErrNotAdopted) {
		return invalid("error.outdated")
	}
	noteIn(ctx, fmt.Sprint(n), why)
	return c.asked(err)
}

type versionPage struct {
	Configuration
	Version store.Configuration
	Diff    []diffLine // from what counts to the version
}

// version returns a version of the configuration.
func (c *console) version(ctx context.Context, number int64) (store.Configuration, error) {
	v, found, err := c.hub.Store().Configuration(ctx, int(number))
	if err == nil && !found {
		err = errNotFound()
	}
	return v, err
}

func (c *console) showVersion(w http.ResponseWriter, r *http.Request) error {
	data := versionPage{}
	number, err := number(r, "number")
	if err != nil {
		return err
	}
	if data.Version, err = c.version(r.Context(), number); err != nil {
		return err
	}
	if data.Configuration, err = c.hub.Configuration(r.Context()); err != nil {
		return err
	}
	data.Diff = compare(data.Text, data.Version.Text)
	return c.view.page(w, r, "version", data)
}

func (c *console) rollBack(w http.ResponseWriter, r *http.Request) error {
	number, err := number(r, "number")
	if err != nil {
		return err
	}
	if err := c.goBack(r.Context(), number); err != nil {
		return err
	}
	return c.redirect(w, "/settings/configuration", "saved")
}

// goBack makes an old text the newest version.
func (c *console) goBack(ctx context.Context, number int64) error {
	v, err := c.version(ctx, number)
	if err != nil {
		return err
	}
	noteIn(ctx, fmt.Sprint(v.Number), "")
	now, err := c.hub.Configuration(ctx)
	if err != nil {
		return err
	}
	_, problems, err := c.hub.CheckConfiguration(ctx, v.Text)
	switch {
	case err != nil:
		return err
	case problems.HasErrors():
		return unusable(problems)
	case now.Edited:
		return invalid("error.edited")
	}
	return c.saveConfiguration(ctx, now.Current.Number, v.Text, fmt.Sprintf("= %d", v.Number))
}

// unusable says what is wrong with a configuration: to programs line by line.
func unusable(problems plan.Problems) *problem { return unusableAt(problems, inLine) }

func inLine(line int) string { return "line " + strconv.Itoa(line) }

// unusableAt is unusable for a text of which not only the lines are known.
func unusableAt(problems plan.Problems, where func(line int) string) *problem {
	p := invalid("error.configuration")
	for _, x := range problems {
		if !x.Warning {
			p.wrong = append(p.wrong, wrongPart{Where: where(x.Line), What: x.Text})
		}
	}
	return p
}

// exportConfiguration is the text as a file.
func (c *console) exportConfiguration(w http.ResponseWriter, r *http.Request) error {
	now, err := c.hub.Configuration(r.Context())
	if err != nil {
		return err
	}
	text, name := now.Text, filepath.Base(now.File)
	if q := r.URL.Query().Get("version"); q != "" {
		number, err := strconv.Atoi(q)
		if err != nil {
			return errNotFound()
		}
		v, found, err := c.hub.Store().Configuration(r.Context(), number)
		if err != nil {
			return err
		}
		if !found {
			return errNotFound()
		}
		text = v.Text
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(name))
	_, _ = w.Write([]byte(text)) // a browser that has gone needs none
	return nil
}

// adoptConfiguration takes the file over, if nothing is wrong with it.
func (c *console) adoptConfiguration(w http.ResponseWriter, r *http.Request) error {
	problems, err := c.adopt(r.Context(), "")
	if problems.HasErrors() {
		data, reading := c.configurationPage(r)
		if reading != nil {
			return reading
		}
		data.Problems, data.Wrong, data.Checked = problems, true, true
		return c.view.again(w, r, invalid("error.configuration"), "configuration", data)
	}
	if err != nil {
		return err
	}
	return c.redirect(w, "/settings/configuration", "adopted")
}

// adopt takes the file over, or returns what is wrong with it.
func (c *console) adopt(ctx context.Context, why string) (plan.Problems, error) {
	now, err := c.hub.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	noteIn(ctx, now.File, why)
	_, problems, err := c.hub.CheckConfiguration(ctx, now.FileText)
	if err != nil || problems.HasErrors() {
		return problems, err
	}
	_, err = c.hub.AdoptFile(ctx, visitIn(ctx).who.Name, why)
	return nil, c.asked(err)
}

func (c *console) keepConfiguration(w http.ResponseWriter, r *http.Request) error {
	if err := c.hub.KeepConfiguration(r.Context()); err != nil {
		return c.asked(err)
	}
	return c.redirect(w, "/settings/configuration", "kept")
}

func (c *console) releaseConfiguration(w http.ResponseWriter, r *http.Request) error {
	if err := c.hub.ReleaseConfiguration(r.Context()); err != nil {
		return c.asked(err)
	}
	return c.redirect(w, "/settings/configuration", "released")
}
