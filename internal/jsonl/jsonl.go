// Package jsonl is what Tandem tells programs: the lines of the commands' -o json, and the
// bodies of the API. Both say the same in the same words. The names of the members are
// never changed; some may be added.
package jsonl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// An UnknownError says that there is no thing of that name, and what there is.
type UnknownError struct {
	Kind string // such as "sync"
	Name string
	Have []string
}

func (e *UnknownError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("there is no %s %q; there are none at all", e.Kind, e.Name)
	}
	return fmt.Sprintf("there is no %s %q; there are: %s", e.Kind, e.Name, strings.Join(e.Have, ", "))
}

// CheckObject refuses an object that no sync names: nothing of it is known.
func CheckObject(p *plan.Plan, of store.Object) error {
	var have []string
	for _, end := range Ends(p) {
		have = append(have, end.String())
	}
	if name := of.String(); !slices.Contains(have, name) {
		return &UnknownError{Kind: "object of a sync named", Name: name, Have: have}
	}
	return nil
}

// A NameError says that something is not named as it has to be.
type NameError struct{ Text string }

func (e *NameError) Error() string { return e.Text }

// Record reads a record's name, as in erp.contacts/12. Its object has to be that of a sync.
func Record(p *plan.Plan, name string) (store.Object, string, error) {
	of, id, ok := engine.ParseRecord(name)
	if !ok {
		return store.Object{}, "", &NameError{"a record is named connection.object/id, as in erp.contacts/12; tandem history finds it"}
	}
	return of, id, CheckObject(p, of)
}

// Ends returns every object that a sync names, once.
func Ends(p *plan.Plan) []plan.Endpoint {
	var all []plan.Endpoint
	for _, s := range p.Syncs {
		for _, end := range s.Ends {
			if !slices.Contains(all, end) {
				all = append(all, end)
			}
		}
	}
	return all
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
