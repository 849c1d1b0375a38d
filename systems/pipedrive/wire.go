package pipedrive

import (
	"encoding/json"
	"strings"
	"time"
)

// envelope is what all answers come in. The pages of version 1 have an offset, told in one
// of two places; those of version 2 a cursor.
type envelope[T any] struct {
	Data       T          `json:"data"`
	Additional additional `json:"additional_data"`
}

type additional struct {
	Next  string `json:"next_cursor"`
	More  bool   `json:"more_items_in_collection"`
	Pages struct {
		More bool `json:"more_items_in_collection"`
	} `json:"pagination"`
}

// more reports whether a list of version 1 goes on.
func (a additional) more() bool { return a.More || a.Pages.More }

// row is a record as it comes.
type row map[string]json.RawMessage

// object returns a member that is an object, nil if it is none.
func (r row) object(name string) row {
	var o row
	if json.Unmarshal(r[name], &o) != nil {
		return nil
	}
	return o
}

// text returns a scalar's text, "" if it is null or none.
func (r row) text(name string) string {
	var t flexText
	if raw := r[name]; len(raw) == 0 || string(raw) == "null" || t.UnmarshalJSON(raw) != nil {
		return ""
	}
	return string(t)
}

func (r row) is(name string) bool { return r.text(name) == "true" || r.text(name) == "1" }

func (r row) id() string { return r.text("id") }

// stamp is when the record changed last. Some records have never been changed since they
// were made, and have none.
func (r row) stamp() time.Time {
	for _, name := range []string{"update_time", "modified", "add_time", "created"} {
		if t := parseTime(r.text(name)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// moved reports whether the record shows a time of change.
func (r row) moved() bool {
	return !parseTime(r.text("update_time")).IsZero() || !parseTime(r.text("modified")).IsZero()
}

func (r row) made() time.Time {
	if t := parseTime(r.text("add_time")); !t.IsZero() {
		return t
	}
	return parseTime(r.text("created"))
}

// gone reports whether a record is in Pipedrive's bin.
func (r row) gone() bool {
	return r.is("is_deleted") || r.text("status") == "deleted" || r.text("active_flag") == "false" && r["content"] != nil
}

// parseTime reads the times of both versions; both are in UTC. What cannot be read is zero.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil && !strings.HasPrefix(s, "0000") {
			return t.UTC()
		}
	}
	return time.Time{}
}

type pipeline struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Deleted bool   `json:"is_deleted"`
}

type stage struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Pipeline int64  `json:"pipeline_id"`
	Deleted  bool   `json:"is_deleted"`
}

type label struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type activityType struct {
	Key    string `json:"key_string"`
	Name   string `json:"name"`
	Active bool   `json:"active_flag"`
}

// me is the user whose credential is used, and the company; see
// https://developers.pipedrive.com/docs/api/v1/Users#getCurrentUser
type me struct {
	Name      string   `json:"name"`
	CompanyID flexText `json:"company_id"`
	Company   string   `json:"company_name"`
	Domain    string   `json:"company_domain"`
	Zone      string   `json:"timezone_name"`
	Currency  string   `json:"default_currency"`
	Access    []struct {
		App   string `json:"app"`
		Admin bool   `json:"admin"`
	} `json:"access"`
}

// admin reports whether the user administers an app of Pipedrive's. Who administers sales
// sees all records, whatever is said of their visibility.
func (m me) admin(app string) bool {
	for _, a := range m.Access {
		if a.App == app && a.Admin {
			return true
		}
	}
	return false
}
