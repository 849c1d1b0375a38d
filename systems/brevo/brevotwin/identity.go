package brevotwin

import (
	"strconv"
	"strings"
)

// unique are the attributes of which a value is one contact's only, by the names under which
// contacts are found.
func unique() map[string]string {
	return map[string]string{"ext_id": "EXT_ID", "phone_id": "SMS", "whatsapp_id": "WHATSAPP", "landline_number_id": "LANDLINE_NUMBER"}
}

func isPhone(name string) bool {
	return name == "SMS" || name == "WHATSAPP" || name == "LANDLINE_NUMBER"
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
