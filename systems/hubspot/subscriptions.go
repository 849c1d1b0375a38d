package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/rest"
)

// subscription says what of an object the journal holds; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/subscriptions/guide
type subscription struct {
	Type       string   `json:"subscriptionType"`
	TypeID     string   `json:"objectTypeId"`
	Actions    []string `json:"actions"`
	Portal     int64    `json:"portalId"`
	Properties []string `json:"properties,omitzero"`
	ObjectIDs  []int64  `json:"objectIds,omitzero"` // empty = all
	Associated []string `json:"associatedObjectTypeIds,omitzero"`
}

// subscribe makes the subscriptions that are not there yet.
func (j *journal) subscribe(ctx context.Context, objects []string) error {
	var info accountInfo
	if _, err := j.do(ctx, rest.Call{Path: "/account-info/" + j.version + "/details", Into: &info}); err != nil {
		return err
	}
	j.portal = strconv.FormatInt(info.PortalID, 10)
	path := "/webhooks-journal/subscriptions/" + journalVersion
	var have struct {
		Results []subscription `json:"results"`
	}
	if _, err := j.call(ctx, rest.Call{Path: path, Into: &have}); err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	for _, object := range objects {
		want, err := j.subscriptions(ctx, object, info.PortalID)
		if err != nil {
			return err
		}
		for _, s := range want {
			there := slices.ContainsFunc(have.Results, func(h subscription) bool {
				return h.Type == s.Type && h.TypeID == s.TypeID && h.Portal == s.Portal
			})
			if there {
				continue
			}
			if _, err := j.call(ctx, rest.Call{Method: http.MethodPost, Path: path, Body: s}); err != nil {
				return fmt.Errorf("subscribe to %s: %w", object, err)
			}
		}
	}
	return nil
}

// subscriptions are those that an object needs: one for its records, with the names of all
// properties, because whether none means all is not documented; one for its associations,
// which move no stamp; and for contacts one for those that are erased. Owners have none.
func (j *journal) subscriptions(ctx context.Context, object string, portal int64) ([]subscription, error) {
	if _, ok := kindOf(object); !ok {
		return nil, nil
	}
	d, err := j.defined(ctx, object)
	if err != nil {
		return nil, err
	}
	out := []subscription{{
		Type: "OBJECT", TypeID: d.kind.typeID, Portal: portal, Properties: d.names(nil), ObjectIDs: []int64{},
		Actions: []string{"CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE"},
	}}
	var others []string
	for _, l := range d.kind.links {
		other, _ := kindOf(l.to)
		others = appendNew(others, other.typeID)
	}
	if len(others) > 0 {
		out = append(out, subscription{
			Type: "ASSOCIATION", TypeID: d.kind.typeID, Portal: portal, ObjectIDs: []int64{}, Associated: others,
			Actions: []string{"ASSOCIATION_ADDED", "ASSOCIATION_REMOVED"},
		})
	}
	if object == contacts {
		out = append(out, subscription{Type: "GDPR_PRIVACY_DELETION", TypeID: d.kind.typeID, Portal: portal, Actions: []string{"GDPR_DELETE"}})
	}
	return out, nil
}
