// Package record holds what every part of Tandem speaks of: a record of some vendor's
// object, its fields and values, the schema that describes them, and the normalisers
// that tell whether two vendors mean the same thing.
//
// Nothing here does I/O or knows a vendor. A connector decodes a vendor's answer into
// a [Record] whose values have the canonical form of their [Kind]; the hub stores,
// compares and converts those; another connector encodes them for another vendor:
//
//	rec := record.Record{
//		Ref:    record.Ref{Object: "contacts", ID: "12"},
//		Fields: record.Fields{"email": record.Text("ann@example.com"), "fax": {}},
//	}
//
// Here the e-mail has a value, the fax is known to be empty, and everything else is
// absent.
package record

import "time"

// A Ref names one record within a connection.
type Ref struct {
	Object string `json:"object"`
	ID     string `json:"id"`
}

// A Record is one row of a vendor's object as it was read at one moment.
type Record struct {
	Ref
	Version    string    // opaque: ETag, revision, change stamp; "" if the vendor has none
	Created    time.Time // when the vendor says it was created; zero if it does not say
	Modified   time.Time // when the vendor says it last changed; zero if it does not say
	ModifiedBy string    // the vendor's id of who changed it last; "" if it does not say
	Fields     Fields    // by wire name
}
