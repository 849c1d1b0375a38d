package brevotwin

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A job is an import under way or over.
type job struct {
	id      int64
	due     time.Time
	in      importInput
	from    *request
	done    bool
	reports map[string][]string // e-mails by reason

	companies []saleInput // of an import of companies
}

type importRow struct {
	Email      string         `json:"email"`
	Attributes map[string]any `json:"attributes"`
}

type importInput struct {
	Rows    []importRow `json:"jsonBody"`
	Body    string      `json:"fileBody"`
	Lists   []int64     `json:"listIds"`
	NewList *struct {
		Name   string `json:"listName"`
		Folder int64  `json:"folderId"`
	} `json:"newList"`
	Update     *bool  `json:"updateExistingContacts"` // not said, it is true
	Empty      bool   `json:"emptyContactsAttributes"`
	Quiet      bool   `json:"disableNotification"`
	NotifyURL  string `json:"notifyUrl"`
	Blocked    bool   `json:"emailBlacklist"`
	SMSBlocked bool   `json:"smsBlacklist"`
}

// importCall takes an import; see https://developers.brevo.com/reference/import-contacts
func (a *Account) importCall(r *request) (int, any) {
	r.query()
	var in importInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	in.Rows = append(in.Rows, rowsOf(in.Body)...)
	switch {
	case len(r.body) > 10<<20:
		return failed(fail(413, "invalid_parameter", "The body is larger than 10MB"))
	case len(in.Rows) == 0:
		return failed(missing("Either fileUrl, fileBody or jsonBody is required"))
	case len(in.Lists) == 0 && in.NewList == nil:
		return failed(missing("Either listIds or newList is required"))
	case in.NewList != nil && (in.NewList.Name == "" || !a.hasFolder(in.NewList.Folder)):
		return failed(invalid("newList is not valid"))
	}
	if in.NewList != nil {
		l := &list{id: a.next(), name: in.NewList.Name, folder: in.NewList.Folder}
		a.lists, in.Lists = append(a.lists, l), append(in.Lists, l.id)
	}
	for _, id := range in.Lists {
		if a.list(id) == nil {
			return failed(invalid("List ID does not exist"))
		}
	}
	j := &job{id: a.next(), due: a.Now().Add(a.importTime), in: in, from: r, reports: map[string][]string{}}
	a.jobs[j.id] = j
	return 202, map[string]any{"processId": j.id}
}

// rowsOf reads a file of rows: attributes by the names in its first line, with ";" between.
func rowsOf(file string) []importRow {
	var rows []importRow
	var names []string
	for line := range strings.SplitSeq(strings.TrimSpace(file), "\n") {
		cells := strings.Split(strings.TrimSpace(line), ";")
		if names == nil {
			names = cells
			continue
		}
		row := importRow{Attributes: map[string]any{}}
		for i, cell := range cells[:min(len(cells), len(names))] {
			if strings.EqualFold(names[i], "EMAIL") {
				row.Email = cell
			} else {
				row.Attributes[strings.ToUpper(names[i])] = cell
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// work carries out the imports whose time has come.
func (a *Account) work() {
	for _, id := range slices.Sorted(maps.Keys(a.jobs)) {
		if j := a.jobs[id]; !j.done && !j.due.After(a.Now()) {
			j.done = true
			j.from.now = j.due.UTC().Truncate(time.Millisecond)
			a.carryOut(j)
			a.makeCompanies(j)
		}
	}
}

// carryOut makes the contacts of an import. What becomes of contacts that are there, beside
// their attributes, is not documented; here it is the worst: they are put on the lists, also
// on those that they have left, and blocklisted with the others.
func (a *Account) carryOut(j *job) {
	for _, row := range j.in.Rows {
		in := contactInput{Email: row.Email, Attributes: row.Attributes, Lists: j.in.Lists}
		if j.in.Blocked {
			in.MailNo = &j.in.Blocked
		}
		if j.in.SMSBlocked {
			in.SMSNo = &j.in.SMSBlocked
		}
		if have := a.by("email", row.Email); have != nil {
			if in.Email = ""; j.in.Update != nil && !*j.in.Update {
				in.Attributes = nil
				j.reports["duplicate_email_id"] = append(j.reports["duplicate_email_id"], row.Email)
			}
			_ = a.change(have, in, j.from, "api") // what is wrong with a row is in no report then
			continue
		}
		_, f := a.create(in, j.from, "api")
		if f == nil {
			continue
		}
		reason := "invalid_emails"
		if ids, ok := f.Metadata["duplicate_identifiers"].([]string); ok {
			reason = map[string]string{
				"email": "duplicate_email_id", "ext_id": "duplicate_ext_id", "SMS": "duplicate_phone_id",
				"WHATSAPP": "duplicate_whatsapp_id", "LANDLINE_NUMBER": "duplicate_landline_number_id",
			}[ids[0]]
		}
		j.reports[reason] = append(j.reports[reason], row.Email)
	}
}

// processCall tells how far an import is; see https://developers.brevo.com/reference/get-process
func (a *Account) processCall(r *request) (int, any) {
	if r.Method != http.MethodGet || len(r.path) > 2 {
		return a.unknown(r)
	}
	if len(r.path) == 1 {
		limit, offset, f := a.window(r.query("limit", "offset", "sort"), 10, 50)
		if f != nil {
			return failed(f)
		}
		ids := slices.Sorted(maps.Keys(a.jobs))
		if a.silent {
			ids = nil
		}
		slices.Reverse(ids)
		out := []any{}
		for _, id := range part(ids, offset, limit) {
			out = append(out, a.jobs[id].show())
		}
		return 200, map[string]any{"processes": out, "count": len(ids)}
	}
	r.query()
	id, _ := strconv.ParseInt(r.path[1], 10, 64)
	j := a.jobs[id]
	if j == nil {
		return failed(notFound("Process ID does not exist"))
	}
	return 200, j.show()
}

func (j *job) show() map[string]any {
	m := map[string]any{"id": j.id, "name": "IMPORTUSER", "status": "in_process"}
	if j.companies != nil {
		m["name"] = "IMPORT_COMPANIES" // none of the documented names is
	}
	if j.done {
		m["status"] = "completed"
	}
	if !j.done || j.companies != nil {
		return m
	}
	reports := map[string]any{}
	for _, reason := range []string{
		"invalid_emails", "duplicate_contact_id", "duplicate_ext_id", "duplicate_email_id", "duplicate_phone_id", "duplicate_whatsapp_id", "duplicate_landline_number_id",
	} {
		reports[reason] = nil
		if len(j.reports[reason]) > 0 {
			reports[reason] = fmt.Sprintf("https://reports.twin.example/reports/%d/%s.csv?signature=5f0c", j.id, reason)
		}
	}
	m["info"] = map[string]any{"import": reports}
	return m
}

// csv is a report, which lies at an address of its own that needs no key.
type csv string

func (a *Account) report(_ http.ResponseWriter, parts []string) (int, any) {
	if len(parts) == 3 {
		id, _ := strconv.ParseInt(parts[1], 10, 64)
		reason, _ := strings.CutSuffix(parts[2], ".csv")
		if j := a.jobs[id]; j != nil && len(j.reports[reason]) > 0 {
			return 200, csv("EMAIL\n" + strings.Join(j.reports[reason], "\n") + "\n")
		}
	}
	return failed(notFound("there is no such report"))
}
