package dolibarrtwin

import "strconv"

// The keys of the users that a new server has, and the ids of their users.
const (
	keySync    = "twin-key-of-sync"
	keyLimited = "twin-key-of-limited"
	keyAdmin   = "twin-key-of-admin"

	personID = 1 // who works on the vendor's pages
)

// A login is a user with a key.
type login struct {
	id     int64
	name   string
	key    string
	admin  bool
	rights map[string]bool
}

func (l *login) may(right string) bool { return l.admin || l.rights[right] }

func firstLogins() []*login {
	all := map[string]bool{}
	for _, module := range []string{"societe", "contact", "produit", "projet", "propal", "commande", "facture", "agenda", "categorie"} {
		for _, verb := range []string{"lire", "creer", "supprimer"} {
			all[module+"."+verb] = true
		}
	}
	all["client.voir"], all["user.lire"] = true, true
	return []*login{
		{id: 1, name: "admin", key: keyAdmin, admin: true, rights: map[string]bool{}},
		{id: 4, name: "sync", key: keySync, rights: all},
		{id: 5, name: "limited", key: keyLimited, rights: map[string]bool{"societe.lire": true}},
	}
}

// firstUsers fills the table of users.
func (t *Twin) firstUsers() {
	tab := t.tables[users]
	now := t.Now().Unix()
	for _, u := range []struct {
		id                 int64
		login, last, first string
		admin              string
	}{
		{1, "admin", "SuperAdmin", "", "1"},
		{4, "sync", "Robot", "Sync", "0"},
		{5, "limited", "Robot", "Limited", "0"},
	} {
		tab.lastID = u.id - 1
		r := t.insert(tab, edit{cells: map[int]string{
			tab.byKey["login"]: u.login, tab.byKey["lastname"]: u.last, tab.byKey["firstname"]: u.first,
			tab.byKey["email"]: u.login + "@tandem.example", tab.byKey["admin"]: u.admin,
		}}, 1, now)
		if u.id == 1 {
			r.entity = 0
		}
	}
}

// A nation is one row of the dictionary of countries; the ids are the vendor's.
type nation struct {
	id                int
	iso2, iso3, label string
}

func nations() []nation {
	return []nation{
		{34, "AD", "AND", "Andorra"}, {227, "AE", "ARE", "United Arab Emirates"}, {32, "AL", "ALB", "Albania"},
		{23, "AR", "ARG", "Argentina"}, {41, "AT", "AUT", "Austria"}, {28, "AU", "AUS", "Australia"},
		{2, "BE", "BEL", "Belgium"}, {59, "BG", "BGR", "Bulgaria"}, {56, "BR", "BRA", "Brazil"},
		{14, "CA", "CAN", "Canada"}, {6, "CH", "CHE", "Switzerland"}, {9, "CN", "CHN", "China"},
		{78, "CY", "CYP", "Cyprus"}, {79, "CZ", "CZE", "Czech Republic"}, {5, "DE", "DEU", "Germany"},
		{80, "DK", "DNK", "Denmark"}, {89, "EE", "EST", "Estonia"}, {4, "ES", "ESP", "Spain"},
		{94, "FI", "FIN", "Finland"}, {1, "FR", "FRA", "France"}, {7, "GB", "GBR", "United Kingdom"},
		{102, "GR", "GRC", "Greece"}, {76, "HR", "HRV", "Croatia"}, {18, "HU", "HUN", "Hungary"},
		{8, "IE", "IRL", "Ireland"}, {121, "IL", "ISR", "Israel"}, {117, "IN", "IND", "India"},
		{3, "IT", "ITA", "Italy"}, {123, "JP", "JPN", "Japan"}, {140, "LU", "LUX", "Luxembourg"},
		{12, "MA", "MAR", "Morocco"}, {154, "MX", "MEX", "Mexico"}, {17, "NL", "NLD", "Netherlands"},
		{173, "NO", "NOR", "Norway"}, {184, "PL", "POL", "Poland"}, {25, "PT", "PRT", "Portugal"},
		{188, "RO", "ROU", "Romania"}, {19, "RU", "RUS", "Russia"}, {20, "SE", "SWE", "Sweden"},
		{29, "SG", "SGP", "Singapore"}, {213, "TH", "THA", "Thailand"}, {221, "TR", "TUR", "Turkey"}, {226, "UA", "UKR", "Ukraine"},
		{11, "US", "USA", "United States"},
	}
}

// countryCodes are the codes by id, and the ids by code.
func countryCodes() (codes, ids map[string]string) {
	codes, ids = map[string]string{}, map[string]string{}
	for _, n := range nations() {
		codes[strconv.Itoa(n.id)] = n.iso2
		ids[n.iso2] = strconv.Itoa(n.id)
	}
	return codes, ids
}

// wire returns a country as the version at hand shows it.
func (n nation) wire(version int) map[string]any {
	if version == 20 {
		return map[string]any{"id": strconv.Itoa(n.id), "entity": nil, "code": n.iso2, "label": n.label, "active": "1", "code_iso": n.iso3}
	}
	return map[string]any{
		"id": n.id, "entity": nil, "code": n.iso2, "label": n.label, "active": 1, "code_iso": n.iso3,
		"eec": "0", "favorite": "0", "numeric_code": "", "phone_code": "", "trunk_prefix": nil,
	}
}

// definitions returns the extrafields as an administrator sees them.
func (t *Twin) definitions(element string) map[string]any {
	out := map[string]any{}
	for _, tab := range t.tables {
		if element != "" && element != tab.element || len(tab.extras) == 0 {
			continue
		}
		fields := map[string]any{}
		for _, x := range tab.extras {
			var param any = ""
			if len(x.def.Options) > 0 {
				param = map[string]any{"options": x.def.Options}
			}
			unique := "0"
			if x.def.Unique {
				unique = "1"
			}
			fields[x.def.Code] = map[string]any{
				"id": strconv.Itoa(x.id), "type": x.def.Type, "label": x.def.Label, "size": x.def.Size,
				"elementtype": tab.element, "default": nil, "computed": nil, "unique": unique, "required": "0",
				"param": param, "pos": strconv.Itoa(99 + x.id), "alwayseditable": "1", "perms": nil, "list": "1",
				"printable": "0", "totalizable": "0", "langs": nil, "help": nil, "css": nil, "cssview": nil,
				"csslist": nil, "fk_user_author": "1", "fk_user_modif": "1",
				"datec": x.made, "tms": x.made,
			}
		}
		out[tab.element] = fields
	}
	return out
}
