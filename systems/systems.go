// Package systems lists the systems that Tandem ships.
package systems

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/systems/brevo"
	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/systems/dolibarr"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/systems/hubspot"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/systems/pipedrive"
	"github.com/tandemhub/tandem/systems/pipedrive/pipedrivetwin"
)

// All returns every system, one line each, in the order of their names.
func All() []connector.System {
	return []connector.System{
		{Spec: brevo.Spec(), Twin: brevotwin.New},
		{Spec: dolibarr.Spec(), Twin: dolibarrtwin.New},
		{Spec: hubspot.Spec(), Twin: hubspottwin.New},
		{Spec: pipedrive.Spec(), Twin: pipedrivetwin.New},
	}
}
