package pipedrivetwin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// Rows returns what people see of an object, by what its fields are called in the connector.
func (c *Company) Rows(object string) []twin.Row {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.object(object)
	if o == nil {
		return nil
	}
	var out []twin.Row
	for _, r := range o.rows {
		if !r.deleted {
			out = append(out, twin.Row{ID: r.id, Fields: o.texts(r)})
		}
	}
	return out
}

// Put lets a person make or change a record.
func (c *Company) Put(object, id string, fields map[string]string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.object(object)
	if o == nil {
		return "", fmt.Errorf("put: no object %q", object)
	}
	if id == "" {
		n := o.add(c.Now())
		if err := c.enter(o, n, fields); err != nil {
			o.rows, o.next = o.rows[:len(o.rows)-1], o.next-1
			return "", err
		}
		n.before = map[string]any{}
		c.record("person", "create", o, n, fields)
		c.tell("create", o, n, nil, "")
		return n.id, nil
	}
	n, err := c.live(object, id)
	if err != nil {
		return "", fmt.Errorf("put: %w", err)
	}
	was := maps.Clone(n.f)
	if err := c.enter(o, n, fields); err != nil {
		n.f = was
		return "", err
	}
	_, says := fields["marketing_status"]
	if !says || len(fields) > 1 { // which is kept with the address, and moves no person's time
		c.touch(n, was)
		c.tell("change", o, n, was, "")
	}
	c.record("person", "update", o, n, fields)
	return id, nil
}

// enter sets fields as a person types them.
func (c *Company) enter(o *object, n *row, fields map[string]string) error {
	set := map[string]any{}
	for name, text := range fields {
		if err := c.typed(o, n, name, text, set); err != nil {
			return fmt.Errorf("put %s: %w", name, err)
		}
	}
	first, last := fields["first_name"], fields["last_name"]
	if name, named := fields["name"]; o.name == persons && first+last != "" && (!named || name == "") {
		set["name"] = strings.TrimSpace(first + " " + last) // people may type them apart
	}
	maps.Copy(n.f, set)
	if f := c.settle(o, n, set); f != nil {
		return fmt.Errorf("put: %s", f.Error)
	}
	return nil
}

// typed sets one field.
func (c *Company) typed(o *object, n *row, name, text string, set map[string]any) error {
	key, part, _ := strings.Cut(name, ".")
	kind := ""
	if f := o.customField(key); f != nil {
		kind = f.kind
	}
	if col, ok := o.column(key); ok && kind == "" {
		kind = col.kind
	}
	switch {
	case name == "due_at":
		day, clock, _ := strings.Cut(strings.TrimSuffix(text, "Z"), "T")
		set["due_date"], set["due_time"] = orNil(day), orNil(clock)
		return nil
	case name == "duration" && o.name != callLogs:
		set[name] = nil
		if s, err := strconv.Atoi(text); err == nil {
			set[name] = fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
		}
		return nil
	case name == "add_time":
		at, err := time.Parse(time.RFC3339, text)
		n.add = at
		return err
	case key == "participants" || o.name == activities && name == "person_id":
		set["participants"] = []any{}
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			set["participants"] = []any{map[string]any{"person_id": id, "primary": true}}
		}
		return nil
	case kind == "ways":
		set[key] = typedWay(set, n, key, part, text)
		return nil
	case kind == "":
		return fmt.Errorf("no field %q", name)
	}
	v, err := typedValue(kind, text)
	if part == "" || err != nil {
		set[key] = v
		return err
	}
	set[key] = typedPart(set, n, key, part, v)
	return nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// typedWay puts a value in the place of the main address, or of the mobile phone.
func typedWay(set map[string]any, n *row, key, part, text string) []any {
	list, ok := set[key].([]any)
	if !ok {
		old, _ := n.f[key].([]any)
		list = slices.Clone(old)
	}
	label := "work"
	if part != "" {
		label = part
	}
	at := slices.IndexFunc(list, func(v any) bool {
		return key == "emails" || (asMap(v)["label"] == "mobile") == (part == "mobile")
	})
	switch {
	case at >= 0 && text == "":
		list = slices.Delete(list, at, at+1)
	case at >= 0:
		m := maps.Clone(asMap(list[at]))
		m["value"], list[at] = text, m
	case text != "":
		list = append(list, map[string]any{"value": text, "label": label, "primary": false})
	}
	for i, v := range list {
		list[i] = maps.Clone(asMap(v))
	}
	return settled("ways", list)
}

// typedPart puts a part into an object, or into the first of a list.
func typedPart(set map[string]any, n *row, key, part string, v any) any {
	was := set[key]
	if was == nil {
		was = n.f[key]
	}
	if list, ok := was.([]any); ok {
		m := map[string]any{}
		if len(list) > 0 {
			m = maps.Clone(asMap(list[0]))
		}
		m[part] = v
		return append([]any{m}, list[min(1, len(list)):]...)
	}
	m := map[string]any{}
	if old, ok := was.(map[string]any); ok {
		m = maps.Clone(old)
	}
	m[part] = v
	for _, one := range m {
		if one != nil {
			return m
		}
	}
	return nil
}

// typedValue makes a value of what a person typed.
func typedValue(kind, text string) (any, error) {
	if text == "" {
		switch kind {
		case "bool":
			return false, nil
		case "ids", "leadLabels":
			return []any{}, nil
		case "marketing":
			return noConsent, nil
		}
		return nil, nil
	}
	switch kind {
	case "marketing":
		if word, ok := map[string]string{"granted": "subscribed", "denied": "unsubscribed"}[text]; ok {
			return word, nil
		}
		return text, nil
	case "number", "double", "amount", "monetary", "prices":
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text), nil
		}
		return text, nil // a currency, which stands beside it
	case "bool":
		return text == "true", nil
	case "visible", "stage", "pipeline", "user", "industry", "enum", "org", "people", persons, organizations, deals:
		return strconv.ParseInt(text, 10, 64)
	case "ids", "set":
		var list []any
		for one := range strings.SplitSeq(text, ",") {
			id, err := strconv.ParseInt(strings.TrimSpace(one), 10, 64)
			if err != nil {
				return nil, err
			}
			list = append(list, id)
		}
		return list, nil
	case "leadLabels":
		return []any{text}, nil
	}
	return text, nil
}

// Remove lets a person delete a record.
func (c *Company) Remove(object, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.live(object, id)
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	if object == users {
		if n.num == 1 {
			return fmt.Errorf("remove: %s owns the token", n.f["name"])
		}
	}
	was := maps.Clone(n.f)
	n.deleted = true
	c.touch(n, was)
	c.record("person", "delete", c.object(object), n, nil)
	c.tell("delete", c.object(object), n, was, "")
	return nil
}

// texts is what a record holds, by what its fields are called in the connector, without
// what is empty and what Pipedrive works out.
func (o *object) texts(n *row) map[string]string {
	out := map[string]string{}
	for key, v := range n.f {
		if c, ok := o.column(key); ok && c.fixed && o.name != users && key != "person_id" {
			continue
		}
		switch v := v.(type) {
		case nil:
		case map[string]any:
			for part, one := range v {
				if one != nil && part != "formatted_address" && part != "timezone_name" {
					out[key+"."+part] = fmt.Sprint(one)
				}
			}
		case []any:
			listTexts(out, key, v)
		case string:
			out[key] = v
			if key == "marketing_status" {
				out[key] = map[string]string{"subscribed": "granted", "archived": "granted", "unsubscribed": "denied"}[v]
			}
		default:
			out[key] = fmt.Sprint(v)
		}
	}
	if day, ok := out["due_date"]; ok {
		clock := out["due_time"]
		if clock == "" {
			clock = "00:00:00"
		}
		out["due_at"] = day + "T" + clock + "Z"
	}
	delete(out, "due_date")
	delete(out, "due_time")
	maps.DeleteFunc(out, func(_, text string) bool { return text == "" })
	return out
}

func listTexts(out map[string]string, key string, list []any) {
	var plain []string
	for _, one := range list {
		m, ok := one.(map[string]any)
		if !ok {
			plain = append(plain, fmt.Sprint(one))
			continue
		}
		switch {
		case key == "prices":
			for part, v := range m {
				if v != nil && out[key+"."+part] == "" {
					out[key+"."+part] = fmt.Sprint(v)
				}
			}
		case key == "participants":
		case key == "phones" && m["label"] == "mobile":
			out["phones.mobile"] = fmt.Sprint(m["value"])
		case m["primary"] == true || out[key] == "":
			out[key] = fmt.Sprint(m["value"])
		}
	}
	if len(plain) > 0 {
		out[key] = strings.Join(plain, ",")
	}
}

// changed returns what became other; what was cleared is "".
func changed(was, is map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range is {
		if was[name] != text {
			out[name] = text
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			out[name] = ""
		}
	}
	return out
}

func parseOld(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateTime, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}
