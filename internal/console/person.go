package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
)

const (
	personAt  = "/settings/person"
	mostOther = 100 // records that are named as somebody else's
)

// A personPage tells what is known of a person, or what became of it.
type personPage struct {
	Key    string
	Found  *foundPerson
	Erased *erasedPerson
	Others []string // records that are somebody else's, and not among the found
}

func (c *console) showPerson(w http.ResponseWriter, r *http.Request) error {
	return c.view.page(w, r, "person", personPage{})
}

// personIn reads of whom a form is.
func personIn(r *http.Request) (*someoneInput, personPage, error) {
	in := &someoneInput{}
	in.Body.Key = strings.TrimSpace(r.PostFormValue("key"))
	in.Body.Except = r.PostForm["except"]
	data := personPage{Key: cutTo(in.Body.Key, 800), Others: in.Body.Except}
	if in.Body.Key == "" || len(in.Body.Key) > 800 || len(in.Body.Except) > mostOther {
		note(r, "a person", "")
		return in, data, invalid("error.personkey")
	}
	return in, data, nil
}

// personAgain shows the form with what was wrong.
func (c *console) personAgain(w http.ResponseWriter, r *http.Request, data personPage, wrong error) error {
	p, ok := errors.AsType[*problem](c.apiError(wrong, r))
	if !ok {
		return wrong
	}
	if p.key == "error.input" {
		p = invalid("error.personkey")
	}
	return c.view.again(w, r, p, "person", data)
}

func (c *console) findPerson(w http.ResponseWriter, r *http.Request) error {
	in, data, err := personIn(r)
	if err == nil {
		var found foundPerson
		found, err = c.apiFindPerson(r.Context(), in)
		data.Found = &found
	}
	if err != nil {
		data.Found = nil
		return c.personAgain(w, r, data, err)
	}
	return c.view.page(w, r, "person", data)
}

// exportPerson answers with a file that the person can be given.
func (c *console) exportPerson(w http.ResponseWriter, r *http.Request) error {
	in, data, err := personIn(r)
	if err != nil {
		return c.personAgain(w, r, data, err)
	}
	doc, err := c.apiExportPerson(r.Context(), in)
	if err != nil {
		return c.personAgain(w, r, data, err)
	}
	w.Header().Set("Content-Disposition", `attachment; filename="person.json"`)
	c.view.json(w, http.StatusOK, "application/json", doc)
	return nil
}

// erasePerson erases what was shown, but for the records that are somebody else's. It cannot be taken
// back, so that somebody has to say that they have looked.
func (c *console) erasePerson(w http.ResponseWriter, r *http.Request) error {
	in, data, err := personIn(r)
	if err == nil && r.PostFormValue("yes") != "1" {
		var found foundPerson
		if found, err = c.apiFindPerson(r.Context(), in); err == nil {
			data.Found = &found
			visitOf(r).outcome = store.AuditRefused
			return c.view.again(w, r, invalid("error.personsure"), "person", data)
		}
	}
	if err == nil {
		var erased erasedPerson
		erased, err = c.apiErasePerson(r.Context(), in)
		data.Erased = &erased
	}
	if err != nil {
		data.Erased = nil
		return c.personAgain(w, r, data, err)
	}
	return c.view.page(w, r, "person", data)
}
