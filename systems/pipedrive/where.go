package pipedrive

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
)

// selects are the fields by which a list can be narrowed: each by one value, and the status
// of deals by several. They are called in the list as in the record.
func (k kind) selects() []string {
	switch k.name {
	case persons:
		return []string{"owner_id", "org_id"}
	case organizations, products:
		return []string{"owner_id"}
	case deals:
		return []string{"owner_id", fieldPerson, "org_id", fieldPipeline, fieldStage, fieldStatus}
	case leads:
		return []string{"owner_id", fieldPerson, "organization_id"}
	case activities:
		return []string{"owner_id", "deal_id", "org_id", "done"}
	case notes:
		return []string{"user_id", "deal_id", fieldPerson, "org_id"}
	default:
		return nil
	}
}

// pick passes on what a list can be narrowed by, for a listing that begins (C4).
func (c cursor) pick(k kind, where []connector.Cond) cursor {
	for _, cond := range where {
		one := len(cond.Values) == 1 || cond.Field == fieldStatus && len(cond.Values) > 0
		if cond.Op != connector.In || !one || slices.Contains(cond.Values, "") || !slices.Contains(k.selects(), cond.Field) {
			continue
		}
		if _, twice := c.Pick[cond.Field]; twice {
			continue
		}
		if c.Pick == nil {
			c.Pick = map[string]string{}
		}
		c.Pick[cond.Field] = strings.Join(cond.Values, ",")
	}
	return c
}

// picked adds the parameters of a listing that is narrowed.
func (c cursor) picked(q url.Values) {
	for name, value := range c.Pick {
		q.Set(name, value)
	}
}

// pickable reports whether stored conditions are some that we made.
func pickable(pick map[string]string) bool {
	known := func(name string) bool {
		return slices.ContainsFunc(kinds(), func(k kind) bool { return slices.Contains(k.selects(), name) })
	}
	for name, value := range pick {
		if !known(name) || value == "" {
			return false
		}
	}
	return true
}
