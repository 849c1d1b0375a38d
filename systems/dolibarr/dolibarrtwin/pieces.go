package dolibarrtwin

import (
	"strconv"
	"strings"
	"time"
)

// pieces returns how the keys that come from the row are written.
func (t *table) pieces() map[string]piece {
	p := map[string]piece{
		"id":            func(b []byte, _ *Twin, r *row) []byte { return appendQuotedInt(b, r.id) },
		"ref":           func(b []byte, _ *Twin, r *row) []byte { return appendQuotedInt(b, r.id) },
		"entity":        func(b []byte, _ *Twin, r *row) []byte { return appendQuotedInt(b, int64(r.entity)) },
		"array_options": t.appendOptions,
	}
	if t.line != "" {
		p["lines"] = t.appendLines
	}
	t.stamps(p)
	t.authors(p)
	for i, c := range t.cols {
		p[c.key] = cell(i, c)
	}
	t.aliases(p)
	return p
}

// stamps adds when a record was made and changed, under the names that its object has
// for it.
func (t *table) stamps(p map[string]piece) {
	created := func(b []byte, _ *Twin, r *row) []byte { return strconv.AppendInt(b, r.created, 10) }
	modified := func(b []byte, tw *Twin, r *row) []byte { return strconv.AppendInt(b, tw.shifted(r.tms), 10) }
	switch t.name {
	case users:
		if p["datec"] = created; t.version == 20 {
			p["datem"] = t.appendModified
		}
	case products:
		if p["date_creation"], p["date_modification"] = created, t.appendModified; t.version == 20 {
			p["date_creation"] = func(b []byte, tw *Twin, r *row) []byte { return appendClock(b, r.created, tw.zone) }
			p["date_modification"] = func(b []byte, tw *Twin, r *row) []byte { return appendClock(b, r.tms, tw.dbZone) }
		}
	case projects:
		p["date_c"], p["date_m"] = created, modified
	case events:
		p["datec"], p["datem"] = created, modified
	case proposals, orders, invoices: // of these the row's stamp is shown in any case
		p["date_creation"], p["date_modification"], p["datec"], p["datem"] = created, modified, created, modified
	case categories:
	default:
		p["date_creation"], p["date_modification"] = created, t.appendModified
	}
}

// authors adds who made and who changed a record. Most objects show nobody until somebody
// changes them.
func (t *table) authors(p map[string]piece) {
	author := func(b []byte, _ *Twin, r *row) []byte { return appendQuotedInt(b, r.author) }
	editor := func(b []byte, _ *Twin, r *row) []byte { return appendQuotedInt(b, r.editor) }
	changed := func(b []byte, _ *Twin, r *row) []byte {
		if r.edited {
			b = appendQuotedInt(b, r.editor)
		}
		return b
	}
	switch t.name {
	case proposals:
		p["user_author_id"] = author
	case orders:
		p["user_author_id"], p["user_creation_id"], p["user_modification_id"] = author, author, changed
	case invoices:
		if p["fk_user_author"], p["user_creation_id"] = author, author; t.version > 20 {
			p["user_modification_id"], p["fk_user_modif"] = editor, editor
		}
	case projects:
		if p["user_author_id"], p["user_modification_id"] = author, changed; t.version > 20 {
			p["user_modification_id"] = editor
		}
	case events:
		p["authorid"], p["usermodid"] = author, changed
	case products, categories:
	default:
		p["user_creation_id"], p["user_modification_id"] = author, editor
	}
}

// aliases adds the keys under which the vendor repeats a value.
func (t *table) aliases(p map[string]piece) {
	if i, ok := t.byKey["country_id"]; ok {
		p["country_code"] = func(b []byte, _ *Twin, r *row) []byte {
			if code := t.codes[r.cells[i]]; code != "" {
				b = appendText(b, code)
			}
			return b
		}
	}
	switch t.name {
	case thirdParties:
		if t.version > 20 {
			p["ref"] = p["name"]
		}
	case contacts:
		p["mail"], p["civility"], p["fk_soc"] = p["email"], p["civility_code"], p["socid"]
		p["socname"] = t.appendCompany
		if t.version > 20 {
			p["status"] = p["statut"]
		}
	case users:
		p["status"] = p["statut"]
	case projects:
		p["statut"] = p["status"]
	case proposals, orders, invoices:
		p["statut"], p["ref_customer"], p["datep"], p["date_commande"] = p["status"], p["ref_client"], p["date"], p["date"]
		p["datev"], p["fk_user_valid"], p["total"], p["remaintopay"] = p["date_validation"], p["user_validation_id"], p["total_ttc"], t.appendUnpaid
		for _, sum := range []string{"total_ht", "total_tva", "total_ttc"} {
			p["multicurrency_"+sum] = p[sum]
		}
	case events:
		code := t.byKey["type_code"]
		p["userassigned"] = t.appendAttendees
		p["type_id"] = func(b []byte, _ *Twin, r *row) []byte { return appendText(b, eventType(r.cells[code]).id) }
		p["type_label"] = func(b []byte, _ *Twin, r *row) []byte { return appendText(b, eventType(r.cells[code]).label) }
	case categories:
		delete(p, "entity")
	}
}

func (t *table) appendCompany(b []byte, tw *Twin, r *row) []byte {
	if parent := tw.tables[thirdParties].byID(r.cells[t.byKey["socid"]]); parent != nil {
		b = appendText(b, parent.cells[0])
	}
	return b
}

// appendUnpaid writes what is left to pay. That an invoice was set to paid does not change it
// (recorded).
func (t *table) appendUnpaid(b []byte, _ *Twin, r *row) []byte {
	total := r.cells[t.byKey["total_ttc"]]
	if r.paid == 0 {
		return appendText(b, total)
	}
	return appendText(b, centsText(cents(numeric(total))-r.paid))
}

func cell(i int, c column) piece {
	switch {
	case c.kind == day:
		return func(b []byte, t *Twin, r *row) []byte { return appendDay(b, t, r.cells[i]) }
	case c.kind == decimal:
		return func(b []byte, _ *Twin, r *row) []byte {
			if v := r.cells[i]; v != "" {
				b = appendDecimal(b, v, c.digits)
			}
			return b
		}
	case c.kind == people:
		return func(b []byte, _ *Twin, r *row) []byte { return appendPeople(b, r.cells[i]) }
	case c.bare, c.kind == moment, c.kind == raw:
		return func(b []byte, _ *Twin, r *row) []byte { return append(b, r.cells[i]...) }
	}
	return func(b []byte, _ *Twin, r *row) []byte {
		if v := r.cells[i]; v != "" {
			b = appendText(b, v)
		}
		return b
	}
}

// appendDecimal writes a decimal as the database does: quoted and with all its zeros.
func appendDecimal(b []byte, v string, digits int) []byte {
	b = append(append(b, '"'), v...)
	if digits > 0 {
		_, after, point := strings.Cut(v, ".")
		if !point {
			b = append(b, '.')
		}
		for range digits - len(after) {
			b = append(b, '0')
		}
	}
	return append(b, '"')
}

// appendPeople writes who is assigned.
func appendPeople(b []byte, v string) []byte {
	if v == "" {
		return b
	}
	sep := byte('{')
	for id := range strings.SplitSeq(v, ",") {
		b = append(append(b, sep), `"`+id+`":{"id":"`+id+`","mandatory":"0","answer_status":"0","transparency":"0"}`...)
		sep = ','
	}
	return append(b, '}')
}

func appendClock(b []byte, epoch int64, zone *time.Location) []byte {
	b = append(b, '"')
	b = time.Unix(epoch, 0).In(zone).AppendFormat(b, time.DateTime)
	return append(b, '"')
}

// appendModified writes date_modification. PHP reads the database's wall clock as its
// own, so that it is wrong by the difference where the two zones differ. From version 23
// on it is the greatest of the stamps of the row and of its extrafields, which is nothing
// where no extrafield was ever saved.
func (t *table) appendModified(b []byte, tw *Twin, r *row) []byte {
	at := r.tms
	if r.extra == nil {
		if t.version > 20 {
			return b
		}
	} else if r.extraTms > at {
		at = r.extraTms
	}
	return strconv.AppendInt(b, tw.shifted(at), 10)
}

// shifted is what PHP makes of a stamp of the database.
func (t *Twin) shifted(at int64) int64 {
	if t.dbZone != t.zone {
		at = fromWall(wall(at, t.dbZone), t.zone)
	}
	return at
}
