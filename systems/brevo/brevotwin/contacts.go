package brevotwin

import (
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

type contact struct {
	id                int64
	email             string
	values            map[string]any // by attribute, SMS and EXT_ID among them
	lists             []int64
	unsubscribed      []int64
	mailNo, smsNo     bool
	created, modified time.Time
}

func (x *contact) show() map[string]any {
	m := map[string]any{
		"id": x.id, "emailBlacklisted": x.mailNo, "smsBlacklisted": x.smsNo, "whatsappBlacklisted": false,
		"createdAt": stamped(x.created), "modifiedAt": stamped(x.modified), "listIds": orNone(x.lists), "listUnsubscribed": orNone(x.unsubscribed),
		"attributes": maps.Clone(x.values),
	}
	if x.email != "" {
		m["email"] = x.email
	}
	return m
}

func orNone(ids []int64) []int64 {
	if ids == nil {
		return []int64{}
	}
	return slices.Clone(ids)
}

// unique are the attributes of which a value is one contact's only, by the names under which
// contacts are found.
func unique() map[string]string {
	return map[string]string{"ext_id": "EXT_ID", "phone_id": "SMS", "whatsapp_id": "WHATSAPP", "landline_number_id": "LANDLINE_NUMBER"}
}

func isPhone(name string) bool {
	return name == "SMS" || name == "WHATSAPP" || name == "LANDLINE_NUMBER"
}

// contactsCall answers everything below /contacts.
func (a *Account) contactsCall(r *request) (int, any) {
	second := ""
	if len(r.path) > 1 {
		second = r.path[1]
	}
	switch {
	case second == "attributes":
		return a.attributesCall(r)
	case second == "lists", second == "folders":
		return a.listsCall(r)
	case second == "import" && r.Method == http.MethodPost:
		return a.importCall(r)
	case second == "batch" && r.Method == http.MethodPost:
		return a.batchCall(r)
	case len(r.path) == 1 && r.Method == http.MethodGet:
		return a.listContacts(r)
	case len(r.path) == 1 && r.Method == http.MethodPost:
		return a.createCall(r)
	case len(r.path) == 2:
		return a.oneCall(r)
	}
	return a.unknown(r)
}

// sorted returns all contacts by creation.
func (a *Account) sorted() []*contact {
	return slices.SortedFunc(maps.Values(a.contacts), func(x, y *contact) int {
		if c := x.created.Compare(y.created); c != 0 {
			return c
		}
		return int(x.id - y.id)
	})
}

// listContacts answers a page; see https://developers.brevo.com/reference/get-contacts
func (a *Account) listContacts(r *request) (int, any) {
	q := r.query("limit", "offset", "modifiedSince", "createdSince", "sort", "ids", "listIds", "filter")
	limit, offset, f := a.window(q, 50, 1000)
	if f != nil {
		return failed(f)
	}
	all, f := a.selected(q)
	if f != nil {
		return failed(f)
	}
	if q.Get("sort") != "asc" {
		slices.Reverse(all)
	}
	out := []any{}
	for _, x := range part(all, offset, limit) {
		out = append(out, x.show())
	}
	return 200, map[string]any{"contacts": out, "count": len(all)}
}

func (a *Account) selected(q map[string][]string) ([]*contact, *failure) {
	created, f := moment(q, "createdSince")
	modified, g := moment(q, "modifiedSince")
	ids, h := numbers(q["ids"], 20)
	on, i := numbers(q["listIds"], 50)
	for _, wrong := range []*failure{f, g, h, i} {
		if wrong != nil {
			return nil, wrong
		}
	}
	keep, f := filter(q["filter"])
	if f != nil {
		return nil, f
	}
	return slices.DeleteFunc(a.sorted(), func(x *contact) bool {
		onList := len(on) == 0 || slices.ContainsFunc(on, func(id int64) bool { return slices.Contains(x.lists, id) })
		return !created.IsZero() && !x.created.After(created) || !modified.IsZero() && !x.modified.After(modified) ||
			len(ids) > 0 && !slices.Contains(ids, x.id) || !onList || !keep(x)
	}), nil
}

func numbers(texts []string, most int) ([]int64, *failure) {
	var out []int64
	for _, text := range texts {
		for one := range strings.SplitSeq(text, ",") {
			n, err := strconv.ParseInt(one, 10, 64)
			if err != nil {
				return nil, invalid("ids must be integers")
			}
			out = append(out, n)
		}
	}
	if len(out) > most {
		return nil, invalid(fmt.Sprintf("at most %d ids can be passed", most))
	}
	return out, nil
}

// filter reads equals(ATTRIBUTE,"value").
func filter(given []string) (func(*contact) bool, *failure) {
	if len(given) == 0 {
		return func(*contact) bool { return true }, nil
	}
	m := regexp.MustCompile(`^equals\(([A-Z0-9_]+), ?"?([^"]*)"?\)$`).FindStringSubmatch(given[0])
	if m == nil {
		return nil, invalid("filter is not valid")
	}
	return func(x *contact) bool { return x.values[m[1]] != nil && fmt.Sprint(x.values[m[1]]) == m[2] }, nil
}

// contactInput is a contact to create or change.
type contactInput struct {
	ID             int64          `json:"id"`
	Email          string         `json:"email"`
	SMS            string         `json:"sms"`
	ExtID          *string        `json:"ext_id"`
	Attributes     map[string]any `json:"attributes"`
	MailNo         *bool          `json:"emailBlacklisted"`
	SMSNo          *bool          `json:"smsBlacklisted"`
	Lists          []int64        `json:"listIds"`
	Unlink         []int64        `json:"unlinkListIds"`
	UpdateEnabled  bool           `json:"updateEnabled"`
	ForceMerge     bool           `json:"forceMerge"`
	GetID          bool           `json:"getId"`
	SenderBlocking []string       `json:"smtpBlacklistSender"`
}

// createCall makes a contact; see https://developers.brevo.com/reference/create-contact
func (a *Account) createCall(r *request) (int, any) {
	r.query()
	var in contactInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if in.Email != "" {
		if have := a.by("email", in.Email); have != nil && in.UpdateEnabled {
			in.Email = ""
			if f := a.change(have, in, r, "api"); f != nil {
				return failed(f)
			}
			return 204, nil
		}
	}
	x, f := a.create(in, r, "api")
	if f != nil {
		return failed(f)
	}
	return 201, map[string]any{"id": x.id}
}

func (a *Account) create(in contactInput, r *request, by string) (*contact, *failure) {
	if in.Email == "" && in.ExtID == nil && in.Attributes["SMS"] == nil {
		return nil, missing("Missing either of the parameters email, SMS or ext_id")
	}
	x := &contact{values: map[string]any{}, created: r.now, modified: r.now}
	if in.Email != "" {
		if in.Attributes == nil {
			in.Attributes = map[string]any{}
		}
		in.Attributes["EMAIL"] = in.Email
	}
	written, f := a.apply(x, in, r)
	if f != nil {
		return nil, f
	}
	a.lastID++
	x.id = a.lastID
	a.keep(nil, x)
	a.act(by, "create", "contacts", strconv.FormatInt(x.id, 10), written)
	a.reported("contact_updated", x, r, by)
	if len(x.lists) > 0 {
		a.reported("list_addition", x, r, by)
	}
	return x, nil
}

func (a *Account) change(x *contact, in contactInput, r *request, by string) *failure {
	copied := *x
	copied.values, copied.lists = maps.Clone(x.values), slices.Clone(x.lists)
	written, f := a.apply(&copied, in, r)
	if f != nil {
		return f
	}
	grown := len(copied.lists) > len(x.lists)
	was := *x
	*x = copied
	a.keep(&was, x)
	if len(in.Attributes) > 0 || in.ExtID != nil || in.MailNo != nil || in.SMSNo != nil {
		x.modified = r.now // being put on a list alone does not count as a change of the contact
	}
	a.act(by, "update", "contacts", strconv.FormatInt(x.id, 10), written)
	a.reported("contact_updated", x, r, by)
	if grown {
		a.reported("list_addition", x, r, by)
	}
	return nil
}

// apply writes into a contact, and returns what was written by the names that people know.
func (a *Account) apply(x *contact, in contactInput, r *request) (map[string]string, *failure) {
	written := map[string]string{}
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		v := in.Attributes[name]
		if name == "EMAIL" {
			f := a.readdress(x, v, written, &taken)
			if f != nil {
				return nil, f
			}
			continue
		}
		if f := a.set(x, name, v, r, written, &taken); f != nil {
			return nil, f
		}
	}
	if in.ExtID != nil {
		if f := a.set(x, "EXT_ID", *in.ExtID, r, written, &taken); f != nil {
			return nil, f
		}
	}
	if len(taken) > 0 {
		f := fail(400, "duplicate_parameter", "Unable to create contact, "+taken[0]+" is already associated with another Contact")
		if x.id != 0 { // told otherwise when a contact is changed, https://github.com/pass-culture/pass-culture-main/pull/22628
			f.Code, f.Message = "invalid_parameter", "Unable to update contact, "+taken[0]+" is already associated with another Contact"
		}
		f.Metadata = map[string]any{"duplicate_identifiers": taken}
		return nil, f
	}
	if in.MailNo != nil {
		x.mailNo, written["emailBlacklisted"] = *in.MailNo, word(*in.MailNo)
	}
	if in.SMSNo != nil {
		x.smsNo, written["smsBlacklisted"] = *in.SMSNo, word(*in.SMSNo)
	}
	return written, a.move(x, in, written)
}

func word(no bool) string {
	if no {
		return "denied"
	}
	return "granted"
}

// move puts a contact on lists and takes it off others.
func (a *Account) move(x *contact, in contactInput, written map[string]string) *failure {
	for _, id := range slices.Concat(in.Lists, in.Unlink) {
		if a.list(id) == nil {
			return invalid("List ID does not exist")
		}
		written["listIds"] = "moved"
	}
	for _, id := range in.Lists {
		if !slices.Contains(x.lists, id) {
			x.lists = append(x.lists, id)
		}
		x.unsubscribed = slices.DeleteFunc(slices.Clone(x.unsubscribed), func(u int64) bool { return u == id })
	}
	x.lists = slices.DeleteFunc(x.lists, func(id int64) bool { return slices.Contains(in.Unlink, id) })
	return nil
}

// readdress changes the e-mail address. A contact that was blocklisted is subscribed again by
// that; see https://developers.brevo.com/reference/update-contact
func (a *Account) readdress(x *contact, v any, written map[string]string, taken *[]string) *failure {
	text, _ := v.(string)
	at, err := mail.ParseAddress(text)
	if err != nil || at.Address != text || !strings.Contains(text[strings.LastIndexByte(text, '@')+1:], ".") {
		return invalid("email is not valid in parameter")
	}
	if have := a.by("email", text); have != nil && have.id != x.id {
		*taken = append(*taken, "email")
	}
	if !strings.EqualFold(x.email, text) {
		x.mailNo = false
	}
	x.email, written["email"] = text, text
	return nil
}

// set writes one attribute. One that the account does not have, and a value that is not of
// its type, are ignored without a word.
func (a *Account) set(x *contact, name string, v any, r *request, written map[string]string, taken *[]string) *failure {
	def := a.attribute(name)
	if def == nil {
		a.Unknown(r.Request, "attribute "+name)
		return nil
	}
	kept, ok := def.take(v)
	if !ok {
		return nil
	}
	if text, is := kept.(string); is && isPhone(name) {
		digits := strings.TrimPrefix(strings.TrimPrefix(text, "+"), "00")
		if _, err := strconv.ParseUint(digits, 10, 64); err != nil || len(digits) < 6 || len(digits) > 15 || digits[0] == '0' {
			return invalid("Invalid phone number")
		}
		kept = digits
	}
	for id, field := range unique() {
		if text, is := kept.(string); is && field == name {
			if have := a.by(id, text); have != nil && have.id != x.id {
				*taken = append(*taken, strings.Replace(name, "EXT_ID", "ext_id", 1))
			}
		}
	}
	if kept == nil {
		delete(x.values, name)
		written[name] = ""
		return nil
	}
	x.values[name] = kept
	written[name] = fmt.Sprint(kept)
	return nil
}

// by finds a contact by one of its identifiers.
func (a *Account) by(kind, value string) *contact {
	if kind == "contact_id" {
		id, _ := strconv.ParseInt(value, 10, 64)
		return a.contacts[id]
	}
	if isPhone(unique()[kind]) {
		value = strings.TrimPrefix(strings.TrimPrefix(value, "+"), "00")
	}
	field := unique()[kind]
	if strings.HasPrefix(kind, "email") {
		field, value = "email", strings.ToLower(value)
	}
	return a.contacts[a.index[identity{field, value}]]
}

// An identity is a value that one contact only has.
type identity struct{ field, value string }

func (x *contact) identities() []identity {
	var all []identity
	if x.email != "" {
		all = append(all, identity{"email", strings.ToLower(x.email)})
	}
	for _, field := range unique() {
		if text, _ := x.values[field].(string); text != "" {
			all = append(all, identity{field, text})
		}
	}
	return all
}

// keep puts a contact in its place, instead of what it was before; after is nil if it goes.
func (a *Account) keep(before, after *contact) {
	if before != nil {
		for _, i := range before.identities() {
			delete(a.index, i)
		}
		delete(a.contacts, before.id)
	}
	if after == nil {
		return
	}
	a.contacts[after.id] = after
	for _, i := range after.identities() {
		a.index[i] = after.id
	}
}

// oneCall reads, changes and deletes the contact that an identifier names.
func (a *Account) oneCall(r *request) (int, any) {
	q := r.query("identifierType")
	kind := q.Get("identifierType")
	switch {
	case kind == "email_id", kind == "contact_id", unique()[kind] != "":
	case kind != "":
		return failed(invalid("identifierType is not valid"))
	case strings.Contains(r.path[1], "@"):
		kind = "email_id"
	default:
		kind = "contact_id"
	}
	x := a.by(kind, r.path[1])
	if x == nil {
		return failed(notFound("Contact does not exist"))
	}
	switch r.Method {
	case http.MethodGet:
		m := x.show()
		m["statistics"] = map[string]any{}
		return 200, m
	case http.MethodPut:
		var in contactInput
		if f := r.decode(&in); f != nil {
			return failed(f)
		}
		if f := a.change(x, in, r, "api"); f != nil {
			return failed(f)
		}
		return 204, nil
	case http.MethodDelete:
		a.drop(x, r, "api")
		return 204, nil
	}
	return a.unknown(r)
}

// drop deletes a contact.
func (a *Account) drop(x *contact, r *request, by string) {
	a.keep(x, nil)
	a.act(by, "delete", "contacts", strconv.FormatInt(x.id, 10), nil)
	a.reported("contact_deleted", x, r, by)
}

// batchCall changes contacts, all of them or none. One that is not there is passed over; how
// the vendor answers then is not documented.
func (a *Account) batchCall(r *request) (int, any) {
	r.query()
	var in struct {
		Contacts []contactInput `json:"contacts"`
	}
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if len(in.Contacts) == 0 || len(in.Contacts) > 100 {
		return failed(invalid("contacts must be between 1 and 100"))
	}
	for _, try := range []bool{true, false} {
		for _, c := range in.Contacts {
			x := a.contacts[c.ID]
			if c.ID == 0 {
				x = a.by("email", c.Email)
			}
			if x == nil {
				continue
			}
			if try {
				copied := *x
				copied.values, copied.lists = maps.Clone(x.values), slices.Clone(x.lists)
				if _, f := a.apply(&copied, c, r); f != nil {
					return failed(f)
				}
				continue
			}
			if f := a.change(x, c, r, "api"); f != nil {
				return failed(f)
			}
		}
	}
	return 204, nil
}
