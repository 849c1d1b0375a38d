package brevotwin

import (
	"fmt"
	"maps"
	"net/http"
	"net/mail"
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
	case second == "segments" && r.Method == http.MethodGet:
		r.query("limit", "offset", "sort")
		return 200, map[string]any{"segments": []any{}, "count": 0}
	case len(r.path) == 1 && r.Method == http.MethodGet:
		return a.listContacts(r)
	case len(r.path) == 1 && r.Method == http.MethodPost:
		return a.createCall(r)
	case len(r.path) == 2:
		return a.oneCall(r)
	}
	return a.unknown(r)
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
	if before, _ := x.values[name].(string); name == "SMS" && x.id != 0 && kept != any(before) {
		x.smsNo = false // as with the e-mail address; of numbers it is not documented, and here it is the worst
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
	for _, s := range a.sales {
		for _, row := range s.rows {
			row.contacts = slices.DeleteFunc(slices.Clone(row.contacts), func(id int64) bool { return id == x.id })
		}
	}
	a.act(by, "delete", "contacts", strconv.FormatInt(x.id, 10), nil)
	a.reported("contact_deleted", x, r, by)
}
