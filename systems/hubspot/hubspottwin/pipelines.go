package hubspottwin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A pipeline is the course of deals or leads; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
type pipeline struct {
	ID        string   `json:"id"`
	Label     string   `json:"label"`
	Order     int      `json:"displayOrder"`
	CreatedAt string   `json:"createdAt"`
	UpdatedAt string   `json:"updatedAt"`
	Archived  bool     `json:"archived"`
	Stages    []*stage `json:"stages"`
}

type stage struct {
	ID        string            `json:"id"`
	Label     string            `json:"label"`
	Order     int               `json:"displayOrder"`
	Metadata  map[string]string `json:"metadata"`
	CreatedAt string            `json:"createdAt"`
	UpdatedAt string            `json:"updatedAt"`
	Archived  bool              `json:"archived"`
	Writes    string            `json:"writePermissions"`
}

// The pipelines of a fresh account: object | id | label | stages as id=label=probability.
// The default ones have the ids that every account's have; leads' stages are told by
// accounts, and what is in their metadata is not documented.
const freshPipelines = `
deals|default|Sales Pipeline|appointmentscheduled=Appointment Scheduled=0.2,qualifiedtobuy=Qualified To Buy=0.4,presentationscheduled=Presentation Scheduled=0.6,decisionmakerboughtin=Decision Maker Bought-In=0.8,contractsent=Contract Sent=0.9,closedwon=Closed Won=1.0,closedlost=Closed Lost=0.0
deals|88273101|Renewals|176200101=Due=0.5,176200102=Offered=0.7,176200103=Renewed=1.0,176200104=Ended=0.0
leads|lead-pipeline-id|Lead pipeline|new-stage-id=New=,attempting-stage-id=Attempting=,connected-stage-id=Connected=,qualified-stage-id=Qualified=,unqualified-stage-id=Disqualified=
`

func (a *Account) buildPipelines() {
	for line := range strings.Lines(strings.TrimSpace(freshPipelines)) {
		c := strings.Split(strings.TrimSpace(line), "|")
		o, at := a.named[c[0]], stamp(a.Now())
		p := &pipeline{ID: c[1], Label: c[2], Order: len(o.pipelines), CreatedAt: at, UpdatedAt: at}
		for i, s := range strings.Split(c[3], ",") {
			f := strings.Split(s, "=")
			x := &stage{ID: f[0], Label: f[1], Order: i, Metadata: map[string]string{}, CreatedAt: at, UpdatedAt: at, Writes: "CRM_PERMISSIONS_ENFORCEMENT"}
			if f[2] != "" {
				x.Metadata["probability"] = f[2]
				x.Metadata["isClosed"] = fmt.Sprint(f[2] == "1.0" || f[2] == "0.0")
			}
			p.Stages = append(p.Stages, x)
		}
		o.pipelines = append(o.pipelines, p)
		o.stageOptions()
	}
}

// stageOptions makes the options of the properties that name a pipeline and a stage.
func (o *object) stageOptions() {
	pipelines, stages := o.props["pipeline"], o.props["dealstage"]
	if o.name == "leads" {
		pipelines, stages = o.props["hs_pipeline"], o.props["hs_pipeline_stage"]
	}
	pipelines.Options, stages.Options = nil, nil
	for _, p := range o.pipelines {
		pipelines.Options = append(pipelines.Options, option{Label: p.Label, Value: p.ID, Order: p.Order})
		for _, s := range p.Stages {
			stages.Options = append(stages.Options, option{Label: s.Label, Value: s.ID, Order: s.Order})
		}
	}
	pipelines.settle()
	stages.settle()
}

func (o *object) pipeline(id string) *pipeline {
	i := slices.IndexFunc(o.pipelines, func(p *pipeline) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return o.pipelines[i]
}

func (p *pipeline) stage(id string) *stage {
	i := slices.IndexFunc(p.Stages, func(s *stage) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return p.Stages[i]
}

// A stageInput is a stage that shall be made or changed.
type stageInput struct {
	StageID      string
	Label        string
	DisplayOrder *int
	Metadata     map[string]string
}

// pipelinesCall answers /crm/pipelines/{version}/{objectType}[/{pipeline}[/stages[/{stage}]]].
func (a *Account) pipelinesCall(r *request) (int, any) {
	if len(r.path) == 0 {
		return a.unknown(r)
	}
	o := a.object(r.path[0])
	if o == nil || len(o.pipelines) == 0 {
		return 0, a.noObject(r)
	}
	right := "read"
	if r.Method != "GET" {
		right = "write"
	}
	if f := r.lacks("crm.objects." + o.scope + "." + right); f != nil {
		return 0, f
	}
	switch {
	case len(r.path) == 1 && r.Method == "GET":
		return 200, map[string]any{"results": o.pipelines}
	case len(r.path) == 1 && r.Method == "POST":
		return a.createPipeline(r, o)
	case len(r.path) == 1:
		return a.unknown(r)
	}
	p := o.pipeline(r.path[1])
	if p == nil {
		return 0, notFound()
	}
	if len(r.path) >= 3 && r.path[2] == "stages" {
		return a.stages(r, o, p)
	}
	return a.onePipeline(r, o, p)
}

func (a *Account) createPipeline(r *request, o *object) (int, any) {
	var in struct {
		PipelineID, Label string
		DisplayOrder      int
		Stages            []stageInput
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if in.Label == "" || len(in.Stages) == 0 {
		return 0, invalid("label and stages must not be empty")
	}
	a.typeIDs += 2
	p := &pipeline{
		ID: cmp.Or(in.PipelineID, fmt.Sprint(900000000+a.typeIDs)), Label: in.Label, Order: in.DisplayOrder,
		CreatedAt: stamp(r.now), UpdatedAt: stamp(r.now),
	}
	if o.pipeline(p.ID) != nil {
		return 0, fail(409, "CONFLICT", "Pipeline "+p.ID+" already exists")
	}
	for _, s := range in.Stages {
		if f := a.addStage(o, p, s, r); f != nil {
			return 0, f
		}
	}
	o.pipelines = append(o.pipelines, p)
	o.stageOptions()
	return 201, p
}

// addStage adds a stage to a pipeline. Deals' stages must say how likely they are won.
func (a *Account) addStage(o *object, p *pipeline, in stageInput, r *request) *failure {
	probability := in.Metadata["probability"]
	if in.Label == "" || o.name == "deals" && probability == "" {
		return invalid("A stage needs a label and, for deals, the probability in its metadata")
	}
	a.typeIDs += 2
	s := &stage{
		ID: cmp.Or(in.StageID, fmt.Sprint(900000000+a.typeIDs)), Label: in.Label, Order: len(p.Stages), Metadata: map[string]string{},
		CreatedAt: stamp(r.now), UpdatedAt: stamp(r.now), Writes: "CRM_PERMISSIONS_ENFORCEMENT",
	}
	if in.DisplayOrder != nil {
		s.Order = *in.DisplayOrder
	}
	maps.Copy(s.Metadata, in.Metadata)
	if o.name == "deals" {
		s.Metadata["isClosed"] = fmt.Sprint(probability == "1.0" || probability == "0.0")
	}
	p.Stages = append(p.Stages, s)
	return nil
}

func (a *Account) onePipeline(r *request, o *object, p *pipeline) (int, any) {
	switch {
	case len(r.path) == 2 && r.Method == "GET":
		return 200, p
	case len(r.path) == 2 && r.Method == "PATCH":
		var in struct {
			Label        string
			DisplayOrder *int
		}
		if f := r.decode(&in); f != nil {
			return 0, f
		}
		p.Label, p.UpdatedAt = cmp.Or(in.Label, p.Label), stamp(r.now)
		if in.DisplayOrder != nil {
			p.Order = *in.DisplayOrder
		}
		o.stageOptions()
		return 200, p
	case len(r.path) == 2 && r.Method == "DELETE":
		if len(o.pipelines) == 1 || slices.ContainsFunc(p.Stages, func(s *stage) bool { return o.inStage(s.ID) }) {
			return 0, invalid("Pipeline " + p.ID + " is in use or the only one")
		}
		o.pipelines = slices.DeleteFunc(o.pipelines, func(x *pipeline) bool { return x == p })
		o.stageOptions()
		return 204, nil
	}
	return a.unknown(r)
}

// inStage reports whether a record is in that stage.
func (o *object) inStage(id string) bool {
	name := "dealstage"
	if o.name == "leads" {
		name = "hs_pipeline_stage"
	}
	for _, x := range o.recs {
		if x.archived.IsZero() && x.props[name] == id {
			return true
		}
	}
	return false
}

func (a *Account) stages(r *request, o *object, p *pipeline) (int, any) {
	switch {
	case len(r.path) == 3 && r.Method == "GET":
		return 200, map[string]any{"results": p.Stages}
	case len(r.path) == 3 && r.Method == "POST":
		var in stageInput
		if f := r.decode(&in); f != nil {
			return 0, f
		}
		if f := a.addStage(o, p, in, r); f != nil {
			return 0, f
		}
		o.stageOptions()
		return 201, p.Stages[len(p.Stages)-1]
	case len(r.path) != 4:
		return a.unknown(r)
	}
	s := p.stage(r.path[3])
	if s == nil {
		return 0, notFound()
	}
	switch r.Method {
	case "GET":
		return 200, s
	case "PATCH":
		return a.patchStage(r, o, s)
	case "DELETE":
		if len(p.Stages) == 1 || o.inStage(s.ID) {
			return 0, invalid("Stage " + s.ID + " is in use or the only one")
		}
		p.Stages = slices.DeleteFunc(p.Stages, func(x *stage) bool { return x == s })
		o.stageOptions()
		return 204, nil
	}
	return a.unknown(r)
}

func (a *Account) patchStage(r *request, o *object, s *stage) (int, any) {
	var in stageInput
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	s.Label, s.UpdatedAt = cmp.Or(in.Label, s.Label), stamp(r.now)
	if in.DisplayOrder != nil {
		s.Order = *in.DisplayOrder
	}
	maps.Copy(s.Metadata, in.Metadata)
	o.stageOptions()
	return 200, s
}
