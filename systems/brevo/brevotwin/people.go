package brevotwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/twin"
)

// Rows returns what people see of an object.
func (a *Account) Rows(object string) []twin.Row {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work()
	var rows []twin.Row
	add := func(id string, fields map[string]string) {
		for name, v := range fields {
			if v == "" {
				delete(fields, name)
			}
		}
		rows = append(rows, twin.Row{ID: id, Fields: fields})
	}
	switch object {
	case "contacts":
		for _, x := range a.sorted() {
			fields := map[string]string{"email": x.email, "listIds": joined(x.lists), "listUnsubscribed": joined(x.unsubscribed)}
			if x.mailNo {
				fields["emailBlacklisted"] = "denied"
			}
			if x.smsNo {
				fields["smsBlacklisted"] = "denied"
			}
			for name, v := range x.values {
				fields[name] = fmt.Sprint(v)
			}
			add(strconv.FormatInt(x.id, 10), fields)
		}
	case "lists", "folders":
		all := a.lists
		if object == "folders" {
			all = a.folders
		}
		for _, l := range all {
			add(strconv.FormatInt(l.id, 10), map[string]string{"name": l.name})
		}
	}
	if s := a.sales[object]; s != nil {
		for _, x := range s.sorted() {
			fields := map[string]string{"linkedContactsIds": joined(x.contacts)}
			for name, v := range x.values {
				fields[name] = fmt.Sprint(v)
			}
			add(x.id, fields)
		}
	}
	return rows
}

func joined(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ",")
}

// Put lets a person create a record or change one. A list of references has commas between.
func (a *Account) Put(object, id string, fields map[string]string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work()
	var err error
	switch {
	case object == "contacts":
		id, err = a.putContact(id, fields)
	case object == "lists" || object == "folders":
		id, err = a.putList(object, id, fields)
	case a.sales[object] != nil:
		id, err = a.putSale(a.sales[object], id, fields)
	default:
		err = errors.New("there is no such object")
	}
	if err != nil {
		return "", fmt.Errorf("put %s %s: %w", object, id, err)
	}
	return id, nil
}

// putContact writes what a person enters on the contact's page. On the page an address or
// a number is changed without any effect on the blocklist; only the API has that.
func (a *Account) putContact(id string, fields map[string]string) (string, error) {
	r := &request{Request: &http.Request{}, account: a, now: a.stamp()}
	in := contactInput{Attributes: map[string]any{}}
	for name, text := range fields {
		no := text == "denied"
		switch name {
		case "email":
			in.Email = text
		case "emailBlacklisted":
			in.MailNo = &no
		case "smsBlacklisted":
			in.SMSNo = &no
		case "listIds":
		default:
			if isPhone(name) {
				text = strings.NewReplacer(" ", "", "-", "").Replace(text) // the page takes numbers as people write them
			}
			v, err := a.entered(name, text)
			if err != nil {
				return "", err
			}
			in.Attributes[name] = v
		}
	}
	if text := fields["listIds"]; text != "" {
		var f *failure
		if in.Lists, f = numbers([]string{text}, 1000); f != nil {
			return "", errors.New(f.Message)
		}
	}
	if id == "" {
		x, f := a.create(in, r, "person")
		if f != nil {
			return "", errors.New(f.Message)
		}
		return strconv.FormatInt(x.id, 10), nil
	}
	n, _ := strconv.ParseInt(id, 10, 64)
	x := a.contacts[n]
	if x == nil {
		return "", errors.New("no such contact")
	}
	if _, sets := in.Attributes["SMS"]; sets && in.SMSNo == nil {
		kept := x.smsNo
		in.SMSNo = &kept
	}
	if in.Email != "" {
		in.Attributes["EMAIL"] = in.Email
		if in.MailNo == nil {
			kept := x.mailNo
			in.MailNo = &kept
		}
	}
	if _, listed := fields["listIds"]; listed {
		for _, have := range x.lists {
			if !slices.Contains(in.Lists, have) {
				in.Unlink = append(in.Unlink, have)
			}
		}
	}
	if f := a.change(x, in, r, "person"); f != nil {
		return "", errors.New(f.Message)
	}
	return id, nil
}

// entered makes a value of what a person types into an attribute.
func (a *Account) entered(name, text string) (any, error) {
	d := a.attribute(name)
	if d == nil {
		return nil, fmt.Errorf("no attribute %s", name)
	}
	var v any = text
	switch {
	case text == "":
		return "", nil
	case d.kind == "float":
		v = json.Number(text)
	case d.kind == "boolean":
		v = text == "true"
	case d.kind == "multiple-choice":
		var list []any
		for one := range strings.SplitSeq(text, ",") {
			list = append(list, one)
		}
		v = list
	}
	if _, ok := d.take(v); !ok {
		return nil, fmt.Errorf("%s does not take %q", name, text)
	}
	return v, nil
}

func (a *Account) putList(object, id string, fields map[string]string) (string, error) {
	all := &a.lists
	if object == "folders" {
		all = &a.folders
	}
	if id == "" {
		l := &list{id: a.next(), name: fields["name"]}
		if object == "lists" {
			l.folder = 1
		}
		*all = append(*all, l)
		return strconv.FormatInt(l.id, 10), nil
	}
	for _, l := range *all {
		if strconv.FormatInt(l.id, 10) == id {
			l.name = fields["name"]
			return id, nil
		}
	}
	return "", errors.New("no such list")
}

func (a *Account) putSale(s *sales, id string, fields map[string]string) (string, error) {
	in := saleInput{Attributes: map[string]any{}}
	for name, text := range fields {
		i := slices.IndexFunc(s.attributes, func(d saleAttribute) bool { return d.Name == name })
		switch {
		case s.name == "notes" && name == "text":
			in.Text = &text
		case name == "linkedContactsIds":
			ids, f := numbers([]string{text}, 1000)
			if f != nil {
				return "", errors.New(f.Message)
			}
			in.Contacts = &ids
		case i >= 0 && s.attributes[i].Type == "number" && text != "":
			in.Attributes[name] = json.Number(text)
		case i >= 0:
			in.Attributes[name] = text
		default:
			return "", fmt.Errorf("no attribute %s", name)
		}
	}
	var x *sale
	var f *failure
	if id == "" {
		x, f = a.addSale(s, in, a.stamp(), "person")
	} else if x = s.rows[id]; x == nil {
		return "", errors.New("no such record")
	} else {
		f = a.changeSale(s, x, in, a.stamp(), "person")
	}
	if f != nil {
		return "", errors.New(f.Message)
	}
	return x.id, nil
}

// Remove lets a person delete a record.
func (a *Account) Remove(object, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := strconv.ParseInt(id, 10, 64)
	switch s := a.sales[object]; {
	case object == "contacts" && a.contacts[n] != nil:
		a.drop(a.contacts[n], &request{}, "person")
		return nil
	case object == "lists" && a.list(n) != nil:
		a.lists = slices.DeleteFunc(a.lists, func(l *list) bool { return l.id == n })
		for _, x := range a.contacts {
			x.lists = slices.DeleteFunc(x.lists, func(l int64) bool { return l == n })
		}
		return nil
	case s != nil && s.rows[id] != nil:
		delete(s.rows, id)
		a.act("person", "delete", object, id, nil)
		return nil
	}
	return fmt.Errorf("remove %s %s: no such record", object, id)
}
