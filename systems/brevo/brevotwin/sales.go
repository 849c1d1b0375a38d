package brevotwin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sales is an object of the sales half: companies, deals or notes.
type sales struct {
	name       string
	attributes []saleAttribute
	rows       map[string]*sale
	last       time.Time // when the newest row was made
}

type saleAttribute struct {
	Name     string   `json:"internalName"`
	Type     string   `json:"attributeTypeName"`
	Label    string   `json:"label"`
	Options  []option `json:"attributeOptions"`
	Required bool     `json:"isRequired"`
	ReadOnly bool     `json:"isValueReadonly"`
}

type option struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type sale struct {
	id                string
	values            map[string]any
	contacts          []int64
	companies, deals  []string
	created, modified time.Time
}

type pipeline struct {
	ID     string  `json:"pipeline"`
	Name   string  `json:"pipeline_name"`
	Stages []stage `json:"stages"`
}

type stage struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func defaultSales() map[string]*sales {
	table := func(name, text string) *sales {
		s := &sales{name: name, rows: map[string]*sale{}}
		for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
			parts := strings.Fields(line)
			s.attributes = append(s.attributes, saleAttribute{
				Name: parts[0], Type: parts[1], Label: strings.ReplaceAll(parts[0], "_", " "),
				Options: []option{}, Required: slices.Contains(parts, "required"), ReadOnly: slices.Contains(parts, "fixed"),
			})
		}
		return s
	}
	return map[string]*sales{
		"companies": table("companies", `
			name text required
			domain text
			phone_number text
			industry text
			revenue number
			number_of_employees number
			owner user
			created_at date-time fixed
			last_updated_at date-time fixed`),
		"deals": table("deals", `
			deal_name text required
			deal_owner user
			pipeline text
			deal_stage text
			amount number
			close_date date
			deal_description text
			created_at date-time fixed
			last_updated_date date-time fixed`),
		"notes": {name: "notes", rows: map[string]*sale{}},
	}
}

func defaultPipelines() []pipeline {
	return []pipeline{{ID: "6093d2425a9b436e9519d034", Name: "Default pipeline", Stages: []stage{
		{"3a9f8e1c-0001-4000-8000-5ba5eba11001", "New"}, {"3a9f8e1c-0002-4000-8000-5ba5eba11002", "Qualifying"},
		{"3a9f8e1c-0003-4000-8000-5ba5eba11003", "Won"}, {"3a9f8e1c-0004-4000-8000-5ba5eba11004", "Lost"},
	}}}
}

// salesCall answers /companies and /crm.
func (a *Account) salesCall(r *request) (int, any) {
	path := r.path
	if path[0] == "crm" {
		path = path[1:]
	}
	switch call := r.Method + " " + strings.Join(path, "/"); call {
	case "GET attributes/companies", "GET attributes/deals":
		r.query()
		return 200, a.sales[path[1]].attributes
	case "POST attributes":
		return a.defineSale(r)
	case "POST companies/import":
		return a.importCompanies(r)
	case "GET pipeline/details/all":
		r.query()
		return 200, a.pipelines
	}
	if len(path) == 0 {
		return a.unknown(r)
	}
	s := a.sales[path[0]]
	switch {
	case s == nil || (path[0] == "companies") == (r.path[0] == "crm"):
		return a.unknown(r)
	case len(path) == 1 && r.Method == http.MethodGet:
		return a.listSales(r, s)
	case len(path) == 1 && r.Method == http.MethodPost:
		return a.createSale(r, s)
	case len(path) == 3 && path[1] == "link-unlink" && r.Method == http.MethodPatch && s.name != "notes":
		return a.linkSale(r, s, path[2])
	case len(path) == 2:
		return a.oneSale(r, s, path[1])
	}
	return a.unknown(r)
}

func (a *Account) defineSale(r *request) (int, any) {
	var in struct {
		Type        string   `json:"attributeType"`
		Label       string   `json:"label"`
		Object      string   `json:"objectType"`
		Description string   `json:"description"`
		Options     []string `json:"optionsLabels"`
	}
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	s := a.sales[in.Object]
	if s == nil || in.Object == "notes" || in.Label == "" || len(in.Label) > 50 {
		return failed(invalid("objectType or label is not valid"))
	}
	x := saleAttribute{Name: strings.ReplaceAll(strings.ToLower(in.Label), " ", "_"), Type: in.Type, Label: in.Label, Options: []option{}}
	for i, label := range in.Options {
		x.Options = append(x.Options, option{strconv.Itoa(i + 1), label})
	}
	s.attributes = append(s.attributes, x)
	return 200, map[string]any{"id": a.mongo()}
}

func (a *Account) mongo() string { return fmt.Sprintf("65f0c7a5%016x", a.next()) }

func (s *sales) show(x *sale) map[string]any {
	if s.name == "notes" {
		return map[string]any{
			"id": x.id, "text": x.values["text"], "contactIds": orNone(x.contacts), "companyIds": orEmpty(x.companies), "dealIds": orEmpty(x.deals),
			"authorId": map[string]any{"name": "Ann Berg"}, "createdAt": stamped(x.created), "updatedAt": stamped(x.modified),
		}
	}
	values := maps.Clone(x.values)
	values["created_at"] = stamped(x.created)
	m := map[string]any{"id": x.id, "attributes": values, "linkedContactsIds": orNone(x.contacts)}
	if s.name == "companies" {
		values["last_updated_at"] = stamped(x.modified)
		m["linkedDealsIds"] = orEmpty(x.deals)
	} else {
		values["last_updated_date"] = stamped(x.modified)
		m["linkedCompaniesIds"] = orEmpty(x.companies)
	}
	return m
}

func orEmpty(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return slices.Clone(ids)
}

// sorted returns all rows by creation, which differs for any two.
func (s *sales) sorted() []*sale {
	return slices.SortedFunc(maps.Values(s.rows), func(x, y *sale) int { return x.created.Compare(y.created) })
}

// listSales answers a page of companies by its number, of the others by an offset; see
// https://developers.brevo.com/reference/get-companies
func (a *Account) listSales(r *request, s *sales) (int, any) {
	known := []string{"limit", "sort", "sortBy", "createdSince", "modifiedSince", "offset"}
	switch s.name {
	case "companies":
		known[5] = "page"
	case "notes":
		known = []string{"limit", "sort", "offset", "entity", "entityIds", "dateFrom", "dateTo"}
	}
	q := r.query(known...)
	limit, offset, f := a.window(q, 50, 1000)
	created, g := moment(q, "createdSince")
	modified, h := moment(q, "modifiedSince")
	for _, wrong := range []*failure{f, g, h} {
		if wrong != nil {
			return failed(wrong)
		}
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		offset = (n - 1) * limit
	}
	all := slices.DeleteFunc(s.sorted(), func(x *sale) bool {
		late := a.listLag > 0 && x.created.Add(a.listLag).After(a.Now()) // without, some of one moment are a little ahead
		return late || !created.IsZero() && !x.created.After(created) || !modified.IsZero() && !x.modified.After(modified)
	})
	if q.Get("sort") != "asc" {
		slices.Reverse(all)
	}
	out := []any{}
	for _, x := range part(all, offset, limit) {
		out = append(out, s.show(x))
	}
	if s.name == "notes" {
		return 200, out
	}
	return 200, map[string]any{"items": out}
}

type saleInput struct {
	Name        *string        `json:"name"`
	Text        *string        `json:"text"`
	Attributes  map[string]any `json:"attributes"`
	CountryCode int            `json:"countryCode"`
	Contacts    *[]int64       `json:"linkedContactsIds"`
	Companies   *[]string      `json:"linkedCompaniesIds"`
	Deals       *[]string      `json:"linkedDealsIds"`
	OnContacts  *[]int64       `json:"contactIds"`
	OnCompanies *[]string      `json:"companyIds"`
	OnDeals     *[]string      `json:"dealIds"`
}

func (a *Account) createSale(r *request, s *sales) (int, any) {
	r.query()
	var in saleInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if s.name != "notes" && (in.Name == nil || *in.Name == "") || s.name == "notes" && (in.Text == nil || *in.Text == "") {
		return failed(missing("name or text is missing"))
	}
	x, f := a.addSale(s, in, r.now, "api")
	if f != nil {
		return failed(f)
	}
	return 201, map[string]any{"id": x.id}
}

func (a *Account) addSale(s *sales, in saleInput, now time.Time, by string) (*sale, *failure) {
	if !now.After(s.last) {
		now = s.last.Add(time.Millisecond)
	}
	x := &sale{values: map[string]any{}, created: now, modified: now}
	written, f := a.applySale(s, x, in)
	if f != nil {
		return nil, f
	}
	s.last, x.id = now, a.mongo()
	s.rows[x.id] = x
	a.act(by, "create", s.name, x.id, written)
	return x, nil
}

// applySale writes into a row. Attributes that are not there, and values that are not of
// their type, are refused here.
func (a *Account) applySale(s *sales, x *sale, in saleInput) (map[string]string, *failure) {
	written := map[string]string{}
	if in.Attributes == nil {
		in.Attributes = map[string]any{}
	}
	switch {
	case in.Name != nil && s.name == "companies":
		in.Attributes["name"] = *in.Name
	case in.Name != nil:
		in.Attributes["deal_name"] = *in.Name
	case in.Text != nil:
		x.values["text"], written["text"] = *in.Text, *in.Text
	}
	for name, v := range in.Attributes {
		i := slices.IndexFunc(s.attributes, func(d saleAttribute) bool { return d.Name == name })
		if i < 0 || s.attributes[i].ReadOnly {
			return nil, invalid("attribute " + name + " is not valid")
		}
		if f := a.checkSale(s.attributes[i], v); f != nil {
			return nil, f
		}
		written[name] = fmt.Sprint(v)
		if x.values[name] = v; v == "" {
			delete(x.values, name)
		}
	}
	for field, ids := range map[string]*[]int64{"linkedContactsIds": in.Contacts, "contactIds": in.OnContacts} {
		if ids != nil {
			x.contacts, written[field] = slices.Clone(*ids), fmt.Sprint(*ids)
		}
	}
	for field, ids := range map[string]*[]string{"linkedCompaniesIds": in.Companies, "companyIds": in.OnCompanies} {
		if ids != nil {
			x.companies, written[field] = slices.Clone(*ids), fmt.Sprint(*ids)
		}
	}
	for field, ids := range map[string]*[]string{"linkedDealsIds": in.Deals, "dealIds": in.OnDeals} {
		if ids != nil {
			x.deals, written[field] = slices.Clone(*ids), fmt.Sprint(*ids)
		}
	}
	return written, nil
}

func (a *Account) checkSale(d saleAttribute, v any) *failure {
	text, isText := v.(string)
	_, isNumber := v.(json.Number)
	switch {
	case v == "":
		if d.Required {
			return invalid(d.Name + " cannot be empty")
		}
	case d.Type == "number" && !isNumber:
		return invalid("attribute " + d.Name + " must be a number")
	case d.Type == "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return invalid("attribute " + d.Name + " must be a date")
		}
	case d.Type == "text" && !isText:
		return invalid("attribute " + d.Name + " must be a text")
	case d.Name == "deal_stage" || d.Name == "pipeline":
		for _, p := range a.pipelines {
			if p.ID == text || slices.ContainsFunc(p.Stages, func(s stage) bool { return s.ID == text }) {
				return nil
			}
		}
		return invalid("attribute " + d.Name + " is not a pipeline or a stage")
	}
	return nil
}

func (a *Account) changeSale(s *sales, x *sale, in saleInput, now time.Time, by string) *failure {
	copied := *x
	copied.values = maps.Clone(x.values)
	written, f := a.applySale(s, &copied, in)
	if f != nil {
		return f
	}
	*x = copied
	x.modified = now
	a.act(by, "update", s.name, x.id, written)
	return nil
}

func (a *Account) oneSale(r *request, s *sales, id string) (int, any) {
	r.query()
	x := s.rows[id]
	if x == nil {
		return failed(notFound("The record does not exist"))
	}
	switch r.Method {
	case http.MethodGet:
		return 200, s.show(x)
	case http.MethodDelete:
		delete(s.rows, id)
		a.act("api", "delete", s.name, id, nil)
		return 204, nil
	case http.MethodPatch:
		var in saleInput
		if f := r.decode(&in); f != nil {
			return failed(f)
		}
		if f := a.changeSale(s, x, in, r.now, "api"); f != nil {
			return failed(f)
		}
		if s.name == "companies" {
			return 200, s.show(x)
		}
		return 204, nil
	}
	return a.unknown(r)
}

// linkSale makes and undoes links, and leaves all others.
func (a *Account) linkSale(r *request, s *sales, id string) (int, any) {
	var in struct {
		LinkContacts    []int64  `json:"linkContactIds"`
		UnlinkContacts  []int64  `json:"unlinkContactIds"`
		LinkCompanies   []string `json:"linkCompanyIds"`
		UnlinkCompanies []string `json:"unlinkCompanyIds"`
		LinkDeals       []string `json:"linkDealsIds"`
		UnlinkDeals     []string `json:"unlinkDealsIds"`
	}
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	x := s.rows[id]
	if x == nil {
		return failed(notFound("The record does not exist"))
	}
	x.contacts = relinked(x.contacts, in.LinkContacts, in.UnlinkContacts)
	x.companies = relinked(x.companies, in.LinkCompanies, in.UnlinkCompanies)
	x.deals = relinked(x.deals, in.LinkDeals, in.UnlinkDeals)
	a.act("api", "update", s.name, id, nil)
	return 204, nil
}

func relinked[T comparable](have, add, drop []T) []T {
	out := slices.DeleteFunc(slices.Clone(have), func(x T) bool { return slices.Contains(drop, x) })
	for _, x := range add {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
