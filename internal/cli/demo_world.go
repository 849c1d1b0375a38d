package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// A demoPart is what one pair of systems adds to the configuration: the lines below connections
// and below syncs. EVERY is where the schedules of the syncs stand.
type demoPart struct {
	connections, syncs string
	every              string // their schedule, once somebody serves
}

const demoHead = `version: 1
timezone: Europe/Athens
country: GR                        # where phone numbers without a country code belong
`

func demoOffice() demoPart {
	return demoPart{connections: `  erp:
    system: dolibarr
    url: http://erp.demo.invalid/api/index.php
    api_key: ${ERP_KEY}            # secrets come from the environment or .env
  crm:
    system: hubspot
    access_token: ${CRM_TOKEN}
`, syncs: `  companies:
    left: erp.thirdparties
    right: crm.companies
    prefer: PREFER
    match: [domain]
EVERY  contacts:
    left: erp.contacts
    right: crm.contacts
    prefer: PREFER
    match: [email]
EVERY`, every: "5s"}
}

func demoSales() demoPart {
	return demoPart{connections: `  sales:
    system: pipedrive
    api_token: ${SALES_TOKEN}
  mail:
    system: brevo
    api_key: ${MAIL_KEY}
`, syncs: `  people:
    left: sales.persons
    right: mail.contacts
    match: [email]
    prefer: PREFER
    fields:
      - email
      - { left: name, right: FULLNAME }
      - { right: OPEN_DEALS, from: 'count(deals, .status == "open")' }
      - { right: LTV, from: 'sum(filter(deals, .status == "won"), .value)' }
    lists:                         # only lists that stand here are ever left
      - of: deals
        pick: [open, won, lost]    # of several deals one counts
        by: stage_id
        to: { 1: Qualified leads, 2: Qualified leads, 3: In negotiation, 4: In negotiation, won: Customers, lost: Churned }
    events:
      - { on: deals.changed.stage_id, send: deal_stage_changed, with: { from: old.stage_id, to: stage_id, title: title } }
      - { on: deals.changed.status, when: "status == 'won'", send: deal_won, with: { title: title, value: value } }
EVERY`, every: "30s"}
}

// demoConfig puts a configuration together. Its syncs have schedules if somebody serves.
func demoConfig(prefer string, serve bool, parts ...demoPart) string {
	var connections, syncs string
	for _, p := range parts {
		schedule := ""
		if serve {
			schedule = "    schedule: " + p.every + "\n"
		}
		connections, syncs = connections+p.connections, syncs+strings.ReplaceAll(p.syncs, "EVERY", schedule)
	}
	return strings.ReplaceAll(demoHead+"connections:\n"+connections+"syncs:\n"+syncs, "PREFER", prefer)
}

// open makes the systems that the demo is about, and the database that both pairs share.
func (c *demoCmd) open(ctx context.Context, a *app, dir string) (*demo, error) {
	d := &demo{app: a, prefer: c.Prefer, yaml: demoConfig(c.Prefer, false, demoOffice())}
	overlap := c.Companies / 3
	var err error
	if d.erp, err = a.side(ctx, "dolibarr", demoDolibarr, "erp", 0, c.Companies-overlap/2); err != nil {
		return nil, err
	}
	if d.crm, err = a.side(ctx, "hubspot", "", "crm", c.Companies-overlap, c.Companies); err != nil {
		return nil, err
	}
	for _, x := range []struct {
		system string
		into   *side
		name   string
	}{{"pipedrive", &d.sales, "sales"}, {"brevo", &d.mail, "mail"}} {
		sys, err := a.system(x.system)
		if err != nil {
			return nil, err
		}
		*x.into = side{twin: sys.Twin(twin.Options{NoLimits: true, Prompt: true}), title: sys.Spec.Title, name: x.name, secretOf: sys.Spec.Auth[0].Setting}
	}
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + filepath.Join(dir, demoDatabase), Exclusive: true})
	if err != nil {
		return nil, fmt.Errorf("open the demo's database: %w", err)
	}
	d.session = &session{store: s}
	if err := d.configure(d.yaml); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return d, nil
}

// demoDatabase is the file that serve takes when a configuration names none.
const demoDatabase = "tandem.db"

// configure goes on by another configuration, as a person would who edits the file.
func (d *demo) configure(yaml string) error {
	p, problems := plan.Parse("tandem.yaml", []byte(yaml), d.env, d.specs())
	if problems.HasErrors() {
		return problems
	}
	e, err := engine.New(engine.Options{Store: d.store, Plan: p, Specs: d.specs(), Transport: d.transport})
	if err != nil {
		return err
	}
	d.plan, d.engine = p, e
	return nil
}

// env has the credentials of the simulated systems.
func (d *demo) env(name string) (string, bool) {
	v, ok := map[string]string{"ERP_KEY": d.erp.secret(), "CRM_TOKEN": d.crm.secret(), "SALES_TOKEN": d.sales.secret(), "MAIL_KEY": d.mail.secret()}[name]
	return v, ok
}

// sides are the four systems.
func (d *demo) sides() []*side { return []*side{&d.erp, &d.crm, &d.sales, &d.mail} }

func (d *demo) transport(c plan.Connection) http.RoundTripper {
	for _, s := range d.sides() {
		if s.name == c.Name {
			return twin.Transport(s.twin)
		}
	}
	return twin.Transport(http.NotFoundHandler())
}
