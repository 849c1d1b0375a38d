package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// mostNamed is how many records of an object a Naming looks up.
const mostNamed = 200

// A Naming finds out what people call the records that references point to: first all of them are
// wanted, then each object is looked up once.
type Naming struct {
	names map[store.Object]map[string]string // "" = wanted, and not known
}

// Want notes the references among some values of a field of a connection. What the vendor names by
// itself, such as a list, is left out.
func (n *Naming) Want(connection string, f record.Field, values ...record.Value) {
	if f.To == "" || f.Kind != record.KindReference && f.Kind != record.KindReferences {
		return
	}
	of := store.Object{Connection: connection, Name: f.To}
	for _, v := range values {
		for _, id := range idsOf(v) {
			if id == "" || len(n.names[of]) >= mostNamed || ChoiceLabel(f, id) != id {
				continue
			}
			if n.names == nil {
				n.names = map[store.Object]map[string]string{}
			}
			if n.names[of] == nil {
				n.names[of] = map[string]string{}
			}
			n.names[of][id] = ""
		}
	}
}

// Load looks all of them up in the mirror.
func (n *Naming) Load(ctx context.Context, s *store.Store) error {
	for of, names := range n.names {
		var ids []string
		for id := range names {
			ids = append(ids, id)
		}
		rows, err := s.Rows(ctx, of, ids)
		if err != nil {
			return fmt.Errorf("load what is referred to: %w", err)
		}
		for id, row := range rows {
			names[id] = title(row.Fields)
		}
	}
	return nil
}

// Name is what people call a record that a field of a connection refers to; "" if nobody knows.
func (n *Naming) Name(connection string, f record.Field, id string) string {
	if n == nil {
		return ""
	}
	return n.names[store.Object{Connection: connection, Name: f.To}][id]
}
