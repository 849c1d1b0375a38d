package dolibarrtwin

import (
	"fmt"
	"testing"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// recordedServer is as the recorded ones were: 250 third parties, 600 contacts, six
// extrafields; every second third party was changed after it was made.
func recordedServer(t *testing.T, version, group string) *Twin {
	t.Helper()
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	tw := open(twin.Options{Version: version, Zone: athens})
	for _, object := range []string{thirdParties, contacts, products, proposals, orders, invoices, projects, events} {
		for _, f := range []ExtraField{
			{Code: "tdmcode", Label: "Tandem code", Type: "varchar", Size: "64"},
			{Code: "tdmscore", Label: "Tandem score", Type: "int", Size: "10"},
			{Code: "tdmdate", Label: "Tandem date", Type: "date"},
			{Code: "tdmflag", Label: "Tandem flag", Type: "boolean"},
			{Code: "tdmsel", Label: "Tandem select", Type: "select", Options: map[string]string{"a": "Alpha", "b": "Beta"}},
			{Code: "tdmdt", Label: "Tandem datetime", Type: "datetime"},
		} {
			f.Object = object
			tw.AddExtraField(f)
		}
	}
	made, changed := int64(1795277600), int64(1795277689)
	if version == "20" {
		made, changed = 1795277556, 1795277580
	}
	n := 250
	if group == "em" {
		n = 254
	}
	for i := 1; i <= n; i++ {
		seed(t, tw, thirdParties, made+int64(i/8), recordedCompany(i))
	}
	tw.Kit().Skew(time.Until(time.Unix(changed, 0)))
	if _, err := tw.Put(users, "1", map[string]string{"user_mobile": "1"}); err != nil {
		t.Fatal(err)
	}
	for i := 2; i <= n; i += 2 {
		if _, err := tw.Put(thirdParties, fmt.Sprint(i), map[string]string{"fournisseur": "1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Put(thirdParties, fmt.Sprint(i), map[string]string{"fournisseur": "0"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i <= 600; i++ {
		seed(t, tw, contacts, made+16, map[string]string{
			"lastname": fmt.Sprintf("Παπαδόπουλος %03d", i), "firstname": "Μαρία",
			"email": fmt.Sprintf("person%03d@company%03d.example", i, i), "socid": fmt.Sprint((i-1)%250 + 1),
			"phone_pro": "+49 30 " + fmt.Sprint(99999+i), "phone_mobile": "+30 " + fmt.Sprint(6909999999+i),
		})
	}
	tw.AttachDocument("1")
	recordedPapers(t, tw, group, made)
	if group == "em" {
		tw.SetDatabaseZone(time.UTC)
	}
	return tw
}

// recordedPapers adds what the recorded servers held besides, where it is asked for.
func recordedPapers(t *testing.T, tw *Twin, group string, made int64) {
	t.Helper()
	if group != "b" && group != "c" && group != "d" {
		return
	}
	for _, c := range [][2]string{{"Lead", "2"}, {"Lead", "4"}, {"Customer VIP", "2"}, {"Customer VIP", "4"}, {"Ελλάδα", "2"}} {
		seed(t, tw, categories, made, map[string]string{"label": c[0], "type": c[1], "color": "aabbcc"})
	}
	for i := 1; i <= 60; i++ {
		seed(t, tw, products, made+19, map[string]string{"ref": fmt.Sprintf("P%03d", i), "label": fmt.Sprintf("Product %03d", i), "price": "5", "tva_tx": "24"})
	}
	state := map[bool]string{true: "1", false: "0"}
	for i := 1; i <= 40; i++ {
		seed(t, tw, projects, made+21, map[string]string{
			"title": fmt.Sprintf("Opportunity %03d", i), "socid": fmt.Sprint(i), "opp_status": fmt.Sprint((i-1)%7 + 1), "opp_amount": fmt.Sprint(1000 * i),
			"opp_percent": "10", "date_start": "2026-01-01", "status": state[tw.version == 20],
		})
	}
	for _, x := range []struct {
		object string
		n      int
	}{{proposals, 80}, {orders, 80}, {invoices, 120}} {
		for i := 1; i <= x.n; i++ {
			date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i-1)
			fields := map[string]string{
				"socid": fmt.Sprint(i), "date": date.Format(time.DateOnly), "status": state[i%2 == 0],
				"lines": fmt.Sprintf(`[{"desc":"a","qty":3,"subprice":"10","tva_tx":24,"fk_product":%d},{"desc":"b","qty":1,"subprice":5,"tva_tx":24}]`, i%50+2),
			}
			if x.object == proposals {
				fields["fin_validite"] = date.AddDate(0, 0, 30).Format(time.RFC3339)
			}
			seed(t, tw, x.object, made+22, fields)
		}
	}
	recordedAgenda(t, tw, made)
}

// recordedAgenda adds the events that the recorded servers made of all that; the first id
// was spent on nothing.
func recordedAgenda(t *testing.T, tw *Twin, made int64) {
	t.Helper()
	agenda := tw.tables[events]
	agenda.rows, agenda.order, agenda.lastID = map[int64]*row{}, nil, 1
	n, at := 1154, time.Unix(1795277513, 0).Format(time.RFC3339)
	if tw.version == 20 {
		n, at = 1153, time.Unix(1795277512, 0).Format(time.RFC3339)
	}
	for i := range n {
		fields := map[string]string{"label": fmt.Sprint("Event ", i), "type_code": autoType, "code": "AC_CONTACT_CREATE", "userownerid": "4", "datep": at, "datef": at}
		switch i {
		case 0, 1, 2, 3:
			fields["label"], fields["code"], fields["userownerid"] = "CREATEInDolibarr", "AC_USER_CREATE", "1"
		case 4:
			fields["label"], fields["code"] = "Third party Αθήνα Τρόφιμα ΑΕ 001 created", "AC_COMPANY_CREATE"
		}
		seed(t, tw, events, made, fields)
	}
	if code := agenda.order[1].cells[agenda.byKey["code"]]; code != "AC_USER_CREATE" {
		t.Fatalf("the second event is a %s", code)
	}
	agenda.order[1].cells[agenda.byKey["code"]], agenda.order[1].cells[agenda.byKey["label"]] = "AC_USER_NEW_PASSWORD", "PASSWORDInDolibarr"
}

func seed(t *testing.T, tw *Twin, object string, at int64, fields map[string]string) {
	t.Helper()
	if err := tw.Seed(object, 1, time.Unix(at, 0), func(int) map[string]string { return fields }); err != nil {
		t.Fatal(err)
	}
}

func recordedCompany(i int) map[string]string {
	names := []string{
		"Αθήνα Τρόφιμα ΑΕ", "Müller & Söhne GmbH", "Café Zoé SARL", "บริษัท สยาม จำกัด", "O'Brien Ltd", "Κρήτη Έλαια ΕΠΕ",
		"Nordlicht AG", "Пример ООО", "Acme Inc", "Übersee KG", "Società Aperta SpA", "Peña e Hijos SL",
	}
	places := [][2]string{{"Athens", "GR"}, {"Berlin", "DE"}, {"Paris", "FR"}, {"Bangkok", "UA"}}
	f := map[string]string{
		"name":  fmt.Sprintf("%s %03d", names[(i-1)%len(names)], i),
		"email": fmt.Sprintf("info%03d@company%03d.example", i, i), "phone": fmt.Sprint("+", 302101000000+i-1),
		"address": fmt.Sprint("Οδός ", i), "zip": fmt.Sprint(10000 + i - 1),
		"town": places[(i-1)%4][0], "country_code": places[(i-1)%4][1], "note_private": fmt.Sprint("seed note ", i),
		"client": "3", "array_options.options_tdmcode": fmt.Sprintf("S%03d", i), "array_options.options_tdmscore": fmt.Sprint(i - 1),
	}
	switch {
	case i == 1 || i == 4 || i == 40 || i == 249:
		f["client"] = "1"
	case i >= 124:
		f["client"] = "0"
	}
	if f["client"] != "0" && i != 4 {
		f["code_client"] = fmt.Sprintf("CU2611-%05d", i)
	}
	if i == 1 || i == 41 {
		f["ref_ext"] = fmt.Sprintf("seed-%03d", i)
	}
	return f
}
