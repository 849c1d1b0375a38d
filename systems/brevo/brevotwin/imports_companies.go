package brevotwin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
)

// importRules is what an import of companies is told beside its file.
type importRules struct {
	Link   bool `json:"link_entities"`
	Unlink bool `json:"unlink_entities"`
	Update bool `json:"update_existing_records"`
	Empty  bool `json:"unset_empty_attributes"`
}

// importCompanies takes an import of companies; see
// https://developers.brevo.com/reference/import-companies-creation-and-updation
func (a *Account) importCompanies(r *request) (int, any) {
	r.query()
	file, rules, f := r.upload()
	if f != nil {
		return failed(f)
	}
	rows, f := a.companyRows(r, file)
	switch {
	case a.noCompanies:
		return failed(invalid("The import of companies is not possible"))
	case f != nil:
		return failed(f)
	case rules.Update || rules.Link || rules.Unlink || rules.Empty:
		a.Unknown(r.Request, "an import that changes companies or links them")
	}
	j := &job{id: a.next(), due: a.Now().Add(a.importTime), from: r, companies: rows}
	a.jobs[j.id] = j
	return 200, map[string]any{"processId": j.id}
}

// upload reads the parts of the form: a file and the rules.
func (r *request) upload() (file string, rules importRules, f *failure) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return "", rules, invalid("The body must be multipart/form-data")
	}
	for parts := multipart.NewReader(bytes.NewReader(r.body), params["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", rules, invalid("The body is no form")
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return "", rules, invalid("The body is no form")
		}
		switch name := part.FormName(); name {
		case "file":
			file = string(text)
		case "mapping":
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&rules); err != nil {
				r.account.Unknown(r.Request, err.Error())
				return "", rules, invalid("mapping is not valid")
			}
		default:
			r.account.Unknown(r.Request, "part "+name)
		}
	}
	if file == "" {
		return "", rules, missing("file is missing")
	}
	return file, rules, nil
}

// companyRows reads the file: internal names of attributes in its first line, with ";" between.
func (a *Account) companyRows(r *request, file string) ([]saleInput, *failure) {
	lines := strings.Split(strings.TrimRight(file, "\n"), "\n")
	names := strings.Split(lines[0], ";")
	if !slices.Contains(names, "name") || len(lines) < 2 {
		return nil, invalid("The file has no column name, or no rows")
	}
	s := a.sales["companies"]
	for _, name := range names {
		if !slices.ContainsFunc(s.attributes, func(d saleAttribute) bool { return d.Name == name }) {
			a.Unknown(r.Request, "column "+name)
		}
	}
	var rows []saleInput
	for _, line := range lines[1:] {
		in := saleInput{Attributes: map[string]any{}}
		for i, cell := range strings.Split(line, ";") {
			at := slices.IndexFunc(s.attributes, func(d saleAttribute) bool { return i < len(names) && d.Name == names[i] })
			switch {
			case cell == "" || at < 0:
			case s.attributes[at].Type == "number":
				in.Attributes[names[i]] = json.Number(cell)
			default:
				in.Attributes[names[i]] = cell
			}
		}
		rows = append(rows, in)
	}
	return rows, nil
}

// makeCompanies carries out an import. A row without a name, or with a number that is none, is
// left out, and nobody is told.
func (a *Account) makeCompanies(j *job) {
	s := a.sales["companies"]
	for _, in := range j.companies {
		valid := in.Attributes["name"] != nil
		for _, v := range in.Attributes {
			if n, is := v.(json.Number); is {
				_, err := n.Float64()
				valid = valid && err == nil
			}
		}
		if valid {
			_, _ = a.addSale(s, in, j.from.now, "api") // what is wrong with a row is in no report
		}
	}
}
