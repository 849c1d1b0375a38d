package connectortest

import (
	"errors"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// toySuite is the suite of the toy system, which skips as little as can be.
func toySuite() Suite {
	account := func(tw twin.Twin) (*toy.Twin, error) {
		if a, ok := tw.(*toy.Twin); ok {
			return a, nil
		}
		return nil, errors.New("this is no toy")
	}
	return Suite{
		Spec: toy.Spec(), Twin: toy.New,
		Objects: []Object{
			{
				Name: "cards",
				Create: record.Fields{
					"name": record.Text("Meyer {n}"), "box": record.Text("sales"),
					"email":  record.Text("ann{n}@example.com"),
					"phones": record.List(record.Struct(record.Fields{"number": record.Text("+30 210 {n}")})),
					"lines":  record.List(record.Struct(record.Fields{"text": record.Text("Nut {n}")}), record.Struct(record.Fields{"text": record.Text("Bolt {n}")})),
				},
				Update: record.Fields{
					"phones": record.List(record.Struct(record.Fields{"number": record.Text("+30 210 1{n}"), "use": record.Text("work")})),
					"lines":  record.List(record.Struct(record.Fields{"text": record.Text("Bolt {n}"), "price": record.Text("1.5")})),
				},
				Invalid: record.Fields{"email": record.Text("no address")},
				Custom:  []string{"club"},
			},
			{
				Name:    "labels",
				Create:  record.Fields{"name": record.Text("Label {n}"), "code": record.Text("l{n}")},
				Invalid: record.Fields{"code": record.Text("much longer than the twenty characters that a code may have")},
			},
		},
		Event: &connector.Event{
			Name: "paid", Person: connector.Person{Email: "ann{n}@example.com"}, Properties: record.Fields{"amount": record.Text("{n}")},
		},
		Deny: func(tw twin.Twin, object string) error {
			a, err := account(tw)
			if err == nil {
				a.Close(object)
			}
			return err
		},
		Hide: func(tw twin.Twin, object, id string) error {
			a, err := account(tw)
			if err != nil {
				return err
			}
			return a.Hide(object, id, true)
		},
		Merge: func(tw twin.Twin, object, lose, keep string) error {
			a, err := account(tw)
			if err != nil {
				return err
			}
			return a.Merge(object, lose, keep)
		},
		Lacks: map[string]string{
			"list of references":      "the toy has single references only; its defect makes one of the tags",
			"labels: files":           "labels have no papers",
			"labels: parts":           "labels are not kept in boxes",
			"labels: silent":          "labels have no silent field",
			"labels: archive":         "labels have no bin",
			"labels: restore":         "labels have no bin",
			"labels: findable e-mail": "labels have no e-mail",
			"labels: findable key":    "labels keep no key; they are looked up by code",
		},
		Expire: func(twin.Twin) error { time.Sleep(8 * 24 * time.Hour); return nil },
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	Run(t, toySuite())
}
