package dolibarrtwin

import "slices"

// A kind says how the database keeps a column.
type kind uint8

const (
	text    kind = iota // varchar
	markup              // text that may hold HTML
	number              // int or tinyint
	country             // id of the dictionary; people see the code
	day                 // DATE
	moment              // DATETIME, kept as epoch
	flag                // boolean, kept as 1 or 0
	decimal             // double, kept without needless zeros
	people              // ids of contacts, "12,15"
	raw                 // JSON, which people do not see
)

// A column is one column of a table and one key of the API.
type column struct {
	key    string // in the API and, for most, the connector's wire name
	sql    string // in sqlfilters
	kind   kind
	max    int
	first  string // what it holds when nothing is said
	digits int    // how many a decimal is shown with
	bare   bool   // is shown without quotes
	made   bool   // by the vendor; no program writes it
}

func columnsOf(object string) []column {
	switch object {
	case thirdParties:
		return slices.Concat([]column{
			{key: "name", sql: "nom", max: 128}, {key: "email", sql: "email", max: 128},
			{key: "phone", sql: "phone", max: 30}, {key: "url", sql: "url", max: 255},
			{key: "client", sql: "client", kind: number, first: "0"}, {key: "fournisseur", sql: "fournisseur", kind: number, first: "0"},
			{key: "code_client", sql: "code_client", max: 24}, {key: "tva_intra", sql: "tva_intra", max: 20},
			{key: "status", sql: "status", kind: number, first: "1"},
		}, addressColumns(50), noteColumns())
	case contacts:
		return slices.Concat([]column{
			{key: "lastname", sql: "lastname", max: 50}, {key: "firstname", sql: "firstname", max: 50},
			{key: "email", sql: "email", max: 255}, {key: "phone_pro", sql: "phone", max: 30},
			{key: "phone_mobile", sql: "phone_mobile", max: 30}, {key: "phone_perso", sql: "phone_perso", max: 30},
			{key: "poste", sql: "poste", max: 255}, {key: "civility_code", sql: "civility", max: 6},
			{key: "birthday", sql: "birthday", kind: day}, {key: "socid", sql: "fk_soc", kind: number},
			{key: "statut", sql: "statut", kind: number, first: "1"},
		}, addressColumns(255), noteColumns())
	case users:
		return []column{
			{key: "login", sql: "login", max: 50}, {key: "lastname", sql: "lastname", max: 50},
			{key: "firstname", sql: "firstname", max: 50}, {key: "email", sql: "email", max: 255},
			{key: "office_phone", sql: "office_phone", max: 20}, {key: "user_mobile", sql: "user_mobile", max: 20},
			{key: "job", sql: "job", max: 128}, {key: "admin", sql: "admin", kind: number, first: "0"},
			{key: "statut", sql: "statut", kind: number, first: "1"},
		}
	case proposals, orders, invoices:
		return documentColumns(object)
	default:
		return otherColumns(object)
	}
}

func addressColumns(town int) []column {
	return []column{
		{key: "address", sql: "address", max: 255}, {key: "zip", sql: "zip", max: 25},
		{key: "town", sql: "town", max: town}, {key: "country_id", sql: "fk_pays", kind: country},
	}
}

func noteColumns() []column {
	return []column{
		{key: "note_private", sql: "note_private", kind: markup}, {key: "note_public", sql: "note_public", kind: markup},
		{key: "ref_ext", sql: "ref_ext", max: 255},
	}
}

func documentColumns(object string) []column {
	validated := moment
	if object == invoices {
		validated = day
	}
	shared := slices.Concat([]column{
		{key: "ref", sql: "ref", made: true}, {key: "socid", sql: "fk_soc", kind: number},
		{key: "ref_client", sql: "ref_client", max: 255}, {key: "fk_project", sql: "fk_projet", kind: number},
		{key: "cond_reglement_id", sql: "fk_cond_reglement", kind: number}, {key: "mode_reglement_id", sql: "fk_mode_reglement", kind: number},
		{key: "total_ht", sql: "total_ht", kind: decimal, digits: 8, first: "0", made: true},
		{key: "total_tva", sql: "total_tva", kind: decimal, digits: 8, first: "0", made: true},
		{key: "total_ttc", sql: "total_ttc", kind: decimal, digits: 8, first: "0", made: true},
		{key: "status", sql: "fk_statut", kind: number, first: "0", made: true, bare: object == proposals},
		{key: "date_validation", sql: "date_valid", kind: validated, made: true},
		{key: "user_validation_id", sql: "fk_user_valid", kind: number, made: true},
		{key: "multicurrency_code", sql: "multicurrency_code", max: 3, first: "EUR", made: true},
	}, noteColumns())
	switch object {
	case proposals:
		return append(shared,
			column{key: "date", sql: "datep", kind: day}, column{key: "fin_validite", sql: "fin_validite", kind: moment},
			column{key: "delivery_date", sql: "date_livraison", kind: day}, column{key: "date_signature", sql: "date_signature", kind: moment, made: true})
	case orders:
		return append(shared,
			column{key: "date", sql: "date_commande", kind: day}, column{key: "delivery_date", sql: "date_livraison", kind: day},
			column{key: "billed", sql: "facture", kind: number, first: "0", made: true})
	default:
		return append(shared,
			column{key: "date", sql: "datef", kind: day}, column{key: "date_lim_reglement", sql: "date_lim_reglement", kind: day},
			column{key: "type", sql: "type", kind: number, first: "0"}, column{key: "paye", sql: "paye", kind: flag, first: "0", made: true},
			column{key: "close_code", sql: "close_code", made: true}, column{key: "close_note", sql: "close_note", made: true})
	}
}

func otherColumns(object string) []column {
	switch object {
	case products:
		return []column{
			{key: "ref", sql: "ref", max: 128}, {key: "label", sql: "label", max: 255}, {key: "description", sql: "description", kind: markup},
			{key: "type", sql: "fk_product_type", kind: number, first: "0"}, {key: "price", sql: "price", kind: decimal, digits: 8, first: "0"},
			{key: "price_ttc", sql: "price_ttc", kind: decimal, digits: 8, first: "0"}, {key: "price_base_type", sql: "price_base_type", max: 3, first: "HT"},
			{key: "tva_tx", sql: "tva_tx", kind: decimal, digits: 4, first: "0"}, {key: "status", sql: "tosell", kind: flag, first: "0"},
			{key: "status_buy", sql: "tobuy", kind: flag, first: "0"}, {key: "barcode", sql: "barcode", max: 180}, {key: "url", sql: "url", max: 255},
			{key: "weight", sql: "weight", kind: decimal}, {key: "cost_price", sql: "cost_price", kind: decimal, digits: 8},
			{key: "note_private", sql: "note", kind: markup}, {key: "note_public", sql: "note_public", kind: markup}, {key: "ref_ext", sql: "ref_ext", max: 128},
		}
	case projects:
		return []column{
			{key: "ref", sql: "ref", max: 50}, {key: "title", sql: "title", max: 255}, {key: "description", sql: "description", kind: markup},
			{key: "socid", sql: "fk_soc", kind: number}, {key: "usage_opportunity", sql: "usage_opportunity", kind: flag, first: "0", bare: true},
			{key: "usage_task", sql: "usage_task", kind: flag, first: "0", bare: true}, {key: "opp_status", sql: "fk_opp_status", kind: number},
			{key: "opp_percent", sql: "opp_percent", kind: decimal, digits: 2}, {key: "opp_amount", sql: "opp_amount", kind: decimal, digits: 8},
			{key: "budget_amount", sql: "budget_amount", kind: decimal, digits: 8}, {key: "date_start", sql: "dateo", kind: day},
			{key: "date_end", sql: "datee", kind: day}, {key: "public", sql: "public", kind: number, first: "0"},
			{key: "status", sql: "fk_statut", kind: number, first: "0"}, {key: "note_private", sql: "note_private", kind: markup},
			{key: "note_public", sql: "note_public", kind: markup}, {key: "ref_ext", sql: "ref_ext", max: 50},
		}
	case events:
		return []column{
			{key: "label", sql: "label", max: 255}, {key: "type_code"}, {key: "code", sql: "code"},
			{key: "datep", sql: "datep", kind: moment}, {key: "datef", sql: "datep2", kind: moment},
			{key: "fulldayevent", sql: "fulldayevent", kind: flag, first: "0"}, {key: "location", sql: "location", max: 128},
			{key: "percentage", sql: "percent", kind: number, first: "0"}, {key: "transparency", sql: "transparency", kind: number, first: "0"},
			{key: "priority", sql: "priority", kind: number, first: "0"}, {key: "userownerid", sql: "fk_user_action", kind: number},
			{key: "userassigned", kind: raw}, {key: "socid", sql: "fk_soc", kind: number}, {key: "socpeopleassigned", kind: people},
			{key: "fk_project", sql: "fk_project", kind: number}, {key: "note_private", sql: "note", kind: markup},
			{key: "elementtype", sql: "elementtype", made: true}, {key: "elementid", sql: "fk_element", kind: number, made: true},
			{key: "ref_ext", sql: "ref_ext", max: 255},
		}
	default:
		return []column{
			{key: "label", sql: "label", max: 180}, {key: "type", sql: "type", kind: number}, {key: "description", sql: "description", kind: markup},
			{key: "color", sql: "color", max: 8}, {key: "fk_parent", sql: "fk_parent", kind: number, first: "0", bare: true},
			{key: "position", sql: "position", kind: number, first: "0"}, {key: "visible", sql: "visible", kind: number, first: "0", bare: true},
			{key: "ref_ext", sql: "ref_ext", max: 255},
		}
	}
}

// extraAlias is the name of the table of extrafields in the query of a list:
// https://github.com/Dolibarr/dolibarr/blob/20.0/htdocs/societe/class/api_contacts.class.php
func (t *table) extraAlias() string {
	if t.name == contacts {
		return "te"
	}
	return "ef"
}

// extraAccessor returns a column of the table of extrafields, in which a record has a row only
// once something was saved there.
func (t *Twin) extraAccessor(tab *table, col string) (accessor, bool) {
	if col == "tms" {
		return accessor{stamp: func(r *row) int64 {
			if r.extra == nil {
				return 0
			}
			return wall(r.extraTms, t.dbZone)
		}}, true
	}
	i := tab.extraByCode(col)
	if i < 0 {
		return accessor{}, false
	}
	return accessor{kind: tab.extras[i].kind, get: func(r *row) string {
		if r.extra == nil {
			return ""
		}
		return r.extra[i]
	}}, true
}
