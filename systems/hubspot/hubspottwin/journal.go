package hubspottwin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The webhooks journal is a log that the app fetches; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
// That a single read answers 204 when there is nothing more is what public code found.
const (
	journalKept  = 72 * time.Hour
	signedLife   = 15 * time.Minute
	maxFile      = 10000 // events in one file
	journalRead  = "developer.webhooks_journal.read"
	journalSubs  = "developer.webhooks_journal.subscriptions."
	readsPerSec  = 100
	othersPerSec = 50
)

type journal struct {
	subscriptions []*subscription
	serial        int64
	files         int
	pending       []journalEvent
	entries       []*entry
	reads, others []time.Time
}

// A subscription is what shall be in the journal.
type subscription struct {
	ID           int64    `json:"id"`
	AppID        int64    `json:"appId"`
	Type         string   `json:"subscriptionType"`
	ObjectTypeID string   `json:"objectTypeId"`
	PortalID     int64    `json:"portalId"`
	Actions      []string `json:"actions"`
	Properties   []string `json:"properties"`
	ObjectIDs    []int64  `json:"objectIds"`
	Associated   []string `json:"associatedObjectTypeIds,omitempty"`
	CreatedAt    string   `json:"createdAt"`
	UpdatedAt    string   `json:"updatedAt"`
}

// An entry is one file of the journal.
type entry struct {
	offset    string
	published time.Time
	events    []journalEvent
}

type journalEvent struct {
	Type         string            `json:"type"`
	PortalID     int64             `json:"portalId"`
	OccurredAt   string            `json:"occurredAt"`
	Action       string            `json:"action"`
	ObjectTypeID string            `json:"objectTypeId,omitempty"`
	ObjectID     int64             `json:"objectId,omitempty"`
	Changes      map[string]string `json:"propertyChanges,omitempty"`

	FromObjectTypeID    string  `json:"fromObjectTypeId,omitempty"`
	FromObjectID        int64   `json:"fromObjectId,omitempty"`
	ToObjectTypeID      string  `json:"toObjectTypeId,omitempty"`
	ToObjectID          int64   `json:"toObjectId,omitempty"`
	AssociationTypeID   int     `json:"associationTypeId,omitempty"`
	AssociationCategory string  `json:"associationCategory,omitempty"`
	PrimaryObjectID     int64   `json:"primaryObjectId,omitempty"`
	MergedObjectIDs     []int64 `json:"mergedObjectIds,omitempty"`
}

// note writes an event down if a subscription wants it.
func (j *journal) note(e event) {
	kind, action := "OBJECT", map[string]string{
		"creation": "CREATE", "propertyChange": "UPDATE", "deletion": "DELETE", "restore": "RESTORE", "merge": "MERGE",
		"associationChange": "ASSOCIATION_ADDED", "privacyDeletion": "GDPR_DELETE",
	}[e.what]
	x := journalEvent{
		Type: "crmObject", PortalID: portalID, OccurredAt: stamp(e.at), ObjectTypeID: e.o.typeID, ObjectID: e.id,
	}
	switch {
	case e.between != nil:
		kind, x.Type = "ASSOCIATION", "association"
		if e.between.removed {
			action = "ASSOCIATION_REMOVED"
		}
		t := e.between
		x.ObjectTypeID, x.ObjectID = "", 0
		x.FromObjectTypeID, x.FromObjectID, x.ToObjectTypeID, x.ToObjectID = e.o.typeID, e.id, t.to.typeID, t.id
		x.AssociationTypeID, x.AssociationCategory = t.kind.id(t.back), t.kind.category
	case e.merge != nil:
		x.PrimaryObjectID, x.MergedObjectIDs = e.merge.primary, e.merge.merged
	case e.what == "privacyDeletion":
		kind = "GDPR_PRIVACY_DELETION"
	}
	if e.values != nil { // that the stamp can be subscribed to is UNVERIFIED: webhooks refuse it
		e.values = maps.Clone(e.values)
		e.values[e.o.stamp] = stamp(e.at)
	}
	x.Action = action
	for _, s := range j.subscriptions {
		if s.wants(kind, e, action, &x) {
			j.pending = append(j.pending, x)
			return
		}
	}
}

// wants reports whether a subscription wants an event, and leaves the properties in it that
// it wants.
func (s *subscription) wants(kind string, e event, action string, x *journalEvent) bool {
	if s.Type != kind || s.ObjectTypeID != e.o.typeID && kind != "GDPR_PRIVACY_DELETION" || !slices.Contains(s.Actions, action) {
		return false
	}
	if e.between != nil && len(s.Associated) > 0 && !slices.Contains(s.Associated, e.between.to.typeID) {
		return false
	}
	if len(s.ObjectIDs) > 0 && !slices.Contains(s.ObjectIDs, e.id) {
		return false
	}
	changes := maps.Clone(e.values)
	if len(s.Properties) > 0 {
		maps.DeleteFunc(changes, func(name, _ string) bool { return !slices.Contains(s.Properties, name) })
	}
	if action == "UPDATE" && len(changes) == 0 {
		return false
	}
	x.Changes = changes
	return true
}

// publish makes files of what is written down, and drops those that are too old.
func (a *Account) publish(now time.Time) {
	j := &a.journal
	most := maxFile
	if a.options.PageSize > 0 {
		most = a.options.PageSize
	}
	for events := range slices.Chunk(j.pending, most) {
		j.files++
		j.entries = append(j.entries, &entry{
			offset: fmt.Sprintf("%08x-0000-4000-8000-10a4a1000000", j.files), published: now, events: events,
		})
	}
	j.pending = nil
	j.entries = slices.DeleteFunc(j.entries, func(e *entry) bool { return now.Sub(e.published) >= journalKept })
}

// webhooksJournal answers /webhooks-journal/{journal|journal-local|subscriptions}/{version}/…
// Only the app itself may ask, with its client credentials.
func (a *Account) webhooksJournal(r *request) (int, any) {
	if !r.cred.client {
		return 0, fail(403, "MISSING_SCOPES", "This endpoint can only be called with a client credentials token.")
	}
	j, area := &a.journal, r.path[0]
	most, seen := othersPerSec, &j.others
	if strings.HasPrefix(area, "journal") {
		most, seen = readsPerSec, &j.reads
	}
	*seen = recent(*seen, r.now, time.Second)
	if len(*seen) >= most && !a.options.NoLimits {
		return 0, tooMany("SECONDLY")
	}
	*seen = append(*seen, r.now)
	switch area {
	case "journal", "journal-local":
		if f := r.lacks(journalRead); f != nil {
			return 0, f
		}
		return a.readJournal(r)
	case "subscriptions":
		return a.subscribe(r)
	}
	return a.unknown(r)
}

func (a *Account) readJournal(r *request) (int, any) {
	r.query("installPortalId")
	if r.Method != http.MethodGet {
		return a.unknown(r)
	}
	a.publish(r.now)
	all, p := a.journal.entries, r.path[1:]
	switch call := strings.Join(p, "/"); {
	case call == "earliest" && len(all) > 0:
		return 200, a.sealed(r, all[0])
	case call == "latest" && len(all) > 0:
		return 200, a.sealed(r, all[len(all)-1])
	case call == "earliest", call == "latest":
		return 204, nil
	case len(p) == 3 && p[0] == "offset" && p[2] == "next":
		return a.journalAfter(r, p[1], 0)
	case len(p) == 3 && p[0] == "batch" && (p[1] == "earliest" || p[1] == "latest"):
		n, err := strconv.Atoi(p[2])
		if err != nil || n < 1 {
			return 0, invalid("count must be at least 1")
		}
		if p[1] == "latest" {
			return 200, a.sealedAll(r, all[max(0, len(all)-n):])
		}
		return 200, a.sealedAll(r, all[:min(n, len(all))])
	case len(p) == 4 && p[0] == "batch" && p[2] == "next":
		n, err := strconv.Atoi(p[3])
		if err != nil || n < 1 {
			return 0, invalid("count must be at least 1")
		}
		return a.journalAfter(r, p[1], n)
	}
	return a.unknown(r)
}

// journalAfter answers what follows an offset: one entry, or a batch of up to n.
func (a *Account) journalAfter(r *request, offset string, n int) (int, any) {
	all := a.journal.entries
	i := slices.IndexFunc(all, func(e *entry) bool { return e.offset == offset })
	switch {
	case i < 0:
		return 0, fail(404, "OBJECT_NOT_FOUND", "Offset "+offset+" has expired or does not exist")
	case n > 0:
		return 200, a.sealedAll(r, all[i+1:min(len(all), i+1+n)])
	case i+1 == len(all):
		return 204, nil
	}
	return 200, a.sealed(r, all[i+1])
}

// sealed names the address of an entry's file, which needs no credential for a while.
func (a *Account) sealed(r *request, e *entry) map[string]any {
	expires := r.now.Add(signedLife)
	scheme := "https"
	if host, _, _ := strings.Cut(r.Host, ":"); host == "127.0.0.1" || host == "localhost" {
		scheme = "http"
	}
	return map[string]any{
		"url": fmt.Sprintf("%s://%s/webhooks-journal-files/%s?expires=%d&signature=%s",
			scheme, r.Host, e.offset, expires.Unix(), fileSignature(e.offset, expires.Unix())),
		"expiresAt": stamp(expires), "currentOffset": e.offset,
	}
}

func (a *Account) sealedAll(r *request, entries []*entry) map[string]any {
	results := []map[string]any{}
	for _, e := range entries {
		results = append(results, a.sealed(r, e))
	}
	return map[string]any{"status": "COMPLETE", "results": results, "startedAt": stamp(r.now), "completedAt": stamp(r.now)}
}

func fileSignature(offset string, expires int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", clientSecret, offset, expires))
	return hex.EncodeToString(sum[:])
}

// journalFile answers the signed address of a file. Its store is another one than the API,
// so its refusals are others, too.
func (a *Account) journalFile(r *request, offset string) (int, any) {
	q := r.URL.Query()
	expires, _ := strconv.ParseInt(q.Get("expires"), 10, 64)
	i := slices.IndexFunc(a.journal.entries, func(e *entry) bool { return e.offset == offset })
	if i < 0 || q.Get("signature") != fileSignature(offset, expires) || r.now.Unix() >= expires {
		return 403, []byte(`{"code":"AccessDenied","message":"Request has expired"}`)
	}
	e := a.journal.entries[i]
	return 200, map[string]any{"offset": e.offset, "publishedAt": stamp(e.published), "journalEvents": e.events}
}

// subscribe answers /webhooks-journal/subscriptions/{version}[/{id}].
func (a *Account) subscribe(r *request) (int, any) {
	j, right := &a.journal, "read"
	if r.Method != http.MethodGet {
		right = "write"
	}
	if f := r.lacks(journalSubs + right); f != nil {
		return 0, f
	}
	if len(r.path) == 1 && r.Method == http.MethodPost {
		return a.addSubscription(r)
	}
	if len(r.path) == 1 && r.Method == http.MethodGet {
		return 200, map[string]any{"results": append([]*subscription{}, j.subscriptions...)}
	}
	if len(r.path) != 2 {
		return a.unknown(r)
	}
	n, _ := parseID(r.path[1])
	i := slices.IndexFunc(j.subscriptions, func(s *subscription) bool { return s.ID == n })
	switch {
	case i < 0:
		return 0, notFound()
	case r.Method == http.MethodGet:
		return 200, j.subscriptions[i]
	case r.Method == http.MethodDelete:
		j.subscriptions = slices.Delete(j.subscriptions, i, i+1)
		return 204, nil
	}
	return a.unknown(r)
}

func (a *Account) addSubscription(r *request) (int, any) {
	var in struct {
		SubscriptionType, ObjectTypeID string
		PortalID                       int64
		Actions, Properties            []string
		ObjectIDs                      []int64
		AssociatedObjectTypeIDs        []string
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	o := a.object(in.ObjectTypeID)
	object := in.SubscriptionType == "OBJECT"
	switch {
	case !slices.Contains([]string{"OBJECT", "ASSOCIATION", "GDPR_PRIVACY_DELETION"}, in.SubscriptionType):
		a.Unknown(r.Request, "subscription "+in.SubscriptionType)
		return 0, invalid("Invalid subscriptionType " + in.SubscriptionType)
	case in.PortalID != portalID || len(in.Actions) == 0:
		return 0, invalid("portalId and actions are required")
	case object && (in.Properties == nil || in.ObjectIDs == nil), in.SubscriptionType != "GDPR_PRIVACY_DELETION" && (o == nil || o.typeID != in.ObjectTypeID):
		return 0, invalid("objectTypeId, properties and objectIds are required")
	}
	if o != nil {
		if f := r.lacks("crm.objects." + o.scope + ".read"); f != nil {
			return 0, f
		}
	}
	a.journal.serial++
	s := &subscription{
		ID: a.journal.serial, AppID: appID, Type: in.SubscriptionType, ObjectTypeID: in.ObjectTypeID, PortalID: in.PortalID,
		Actions: in.Actions, Properties: in.Properties, ObjectIDs: in.ObjectIDs, Associated: in.AssociatedObjectTypeIDs,
		CreatedAt: stamp(r.now), UpdatedAt: stamp(r.now),
	}
	a.journal.subscriptions = append(a.journal.subscriptions, s)
	return 201, s
}
