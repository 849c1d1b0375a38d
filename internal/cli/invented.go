package cli

import (
	"fmt"

	"github.com/tandemhub/tandem/record"
)

// An invented record is what a twin is filled with, by common field. The same number
// always gives the same record.
type invented struct {
	common map[string]string
	parent int // which company a person works for
}

// A place is where an invented company is, with names and letters as they are there.
type place struct {
	country, city, zip, phone string
	first, last, trade        []string
}

func places() []place {
	return []place{
		{
			country: "GR", city: "Αθήνα", zip: "10564", phone: "+30 210 32%05d",
			first: []string{"Γιώργος", "Ελένη", "Μαρία", "Κώστας", "Δήμητρα"},
			last:  []string{"Παπαδόπουλος", "Νικολάου", "Γεωργίου", "Οικονόμου", "Βλάχος"},
			trade: []string{"Ελαιουργεία", "Ναυτιλιακή", "Τεχνική", "Εκδόσεις"},
		},
		{
			country: "DE", city: "Köln", zip: "50667", phone: "+49 221 77%05d",
			first: []string{"Jürgen", "Anneliese", "Björn", "Käthe", "Matthias"},
			last:  []string{"Müller", "Groß", "Schäfer", "Böhm", "Jäger"},
			trade: []string{"Maschinenbau", "Großhandel", "Brauerei", "Möbelwerke"},
		},
		{
			country: "TH", city: "กรุงเทพมหานคร", zip: "10110", phone: "+66 2 65%05d",
			first: []string{"สมชาย", "สุดา", "ประเสริฐ", "มาลี", "อนงค์"},
			last:  []string{"ใจดี", "แสงทอง", "ศรีสุข", "วงศ์ไทย", "บุญมา"},
			trade: []string{"การค้า", "อาหารไทย", "ขนส่ง", "สิ่งทอ"},
		},
		{
			country: "UA", city: "Київ", zip: "01001", phone: "+380 44 27%05d",
			first: []string{"Олена", "Тарас", "Ірина", "Богдан", "Наталія"},
			last:  []string{"Шевченко", "Бондаренко", "Коваль", "Мельник", "Ткаченко"},
			trade: []string{"Зерно", "Машинобудування", "Друкарня", "Пекарня"},
		},
		{
			country: "GB", city: "Leeds", zip: "LS1 4AP", phone: "+44 113 49%05d",
			first: []string{"Ann", "Oliver", "Siobhan", "Ravi", "Zoë"},
			last:  []string{"O'Neill", "Smith", "Patel", "Hughes", "St. John"},
			trade: []string{"Foods", "Logistics", "Instruments", "Paper"},
		},
	}
}

func inventedCompany(i int) invented {
	all := places()
	at := all[i%len(all)]
	name := fmt.Sprintf("%s %s %d", at.last[i/len(all)%len(at.last)], at.trade[i/3%len(at.trade)], i+1)
	domain := fmt.Sprintf("company-%d.example", i+1)
	return invented{common: map[string]string{
		"name": name, "domain": domain, "email": "office@" + domain,
		"phone": fmt.Sprintf(at.phone, i), "city": at.city, "zip": at.zip, "country": at.country,
	}}
}

func inventedPerson(i int) invented {
	company := inventedCompany(i / 3)
	all := places()
	at := all[i/3%len(all)]
	return invented{parent: i / 3, common: map[string]string{
		"first_name": at.first[i%len(at.first)], "last_name": at.last[i/2%len(at.last)],
		"email": fmt.Sprintf("person-%d@%s", i+1, company.common["domain"]),
		"phone": fmt.Sprintf(at.phone, 50000+i), "city": at.city, "zip": at.zip, "country": at.country,
	}}
}

// fields returns the record by the wire names of an object, as far as it has them. A
// person works for one of the parents.
func (in invented) fields(o record.Object, parents []string) map[string]string {
	out := map[string]string{}
	for common, text := range in.common {
		if f, ok := o.ByCommon(common); ok && f.Writable() && f.To == "" && len(f.Choices) == 0 {
			out[f.Name] = text
		}
	}
	if f, ok := o.ByCommon("company"); ok && f.To != "" && f.Writable() && len(parents) > 0 {
		out[f.Name] = parents[in.parent%len(parents)]
	}
	return out
}
