package pipedrivetwin

import (
	"slices"
	"strings"
)

// What a marketing status is; see
// https://support.pipedrive.com/en/article/campaigns-marketing-contacts
// The API writes the first four.
const noConsent = "no_consent"

func marketingStatuses() []string {
	return []string{noConsent, "unsubscribed", "subscribed", "archived"}
}

// Campaigns gives the company its marketing tool, or takes it away.
func (c *Company) Campaigns(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.campaigns = on
}

func checkMarketing(v any) (any, string) {
	s, ok := v.(string)
	if !ok || !slices.Contains(marketingStatuses(), s) {
		return nil, "must be one of " + strings.Join(marketingStatuses(), ", ")
	}
	return s, ""
}

// settleStatus keeps a person's marketing status that of the main address, which has its own
// wherever it stands. One that is set without an address is not kept.
func (c *Company) settleStatus(n *row, set map[string]any) {
	address := mainAddress(n)
	if status, ok := set["marketing_status"].(string); ok && address != "" {
		c.statuses[address] = status
	}
	n.f["marketing_status"] = noConsent
	if status := c.statuses[address]; address != "" && status != "" {
		n.f["marketing_status"] = status
	}
}

// mayTurn reports whether the API changes a status: from one to another it does so once, and
// from then on leaves it as it is without a word.
func (c *Company) mayTurn(n *row, to string) bool {
	address := mainAddress(n)
	from := c.statuses[address]
	if from == "" {
		from = noConsent
	}
	turn := address + " " + from + " " + to
	if from == to || address == "" {
		return true
	}
	may := !c.turned[turn]
	c.turned[turn] = true
	return may
}

func mainAddress(n *row) string {
	list, _ := n.f["emails"].([]any)
	for _, one := range list {
		if m := asMap(one); m["primary"] == true {
			text, _ := m["value"].(string)
			return strings.ToLower(text)
		}
	}
	return ""
}

// written is a record as the answer to a write shows it.
func (c *Company) written(o *object, n *row) map[string]any {
	m := c.render(o, n)
	if o.name == persons && c.campaigns {
		m["marketing_status"] = n.f["marketing_status"]
	}
	return m
}
