package toy_test

import (
	"testing"

	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/record"
)

func TestConnector(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Spec: toy.HostSpec(), Twin: toy.NewHost,
		Objects: []connectortest.Object{{
			Name: "items", Visited: true,
			Create: record.Fields{"name": record.Text("Nut {n}"), "code": record.Text("c{n}")},
		}},
	})
}
