package connector

// Abilities are what a connection can do, found once; nil means it cannot. The hub holds
// these and never the connection itself, so that an ability can be masked by setting one
// member to nil, and nothing ever wraps a Connection (C2).
type Abilities struct {
	Check       Connection
	Source      Source
	Reader      Reader
	Finder      Finder
	Writer      Writer
	Partitioner Partitioner
	AddField    SchemaWriter
	Recall      Recaller
	Describe    Describer
	Settler     Settler
	Merger      Merger
	Eraser      Eraser
	Receiver    WebhookReceiver
	Subscriber  Subscriber
	Hints       HintWatcher
	Files       FileStore
	Host        Host
	Events      EventSink
}

// AbilitiesOf finds out what c can do.
func AbilitiesOf(c Connection) Abilities {
	a := Abilities{Check: c}
	a.Source, _ = c.(Source)
	a.Reader, _ = c.(Reader)
	a.Finder, _ = c.(Finder)
	a.Writer, _ = c.(Writer)
	a.Partitioner, _ = c.(Partitioner)
	a.AddField, _ = c.(SchemaWriter)
	a.Recall, _ = c.(Recaller)
	a.Describe, _ = c.(Describer)
	a.Settler, _ = c.(Settler)
	a.Merger, _ = c.(Merger)
	a.Eraser, _ = c.(Eraser)
	a.Receiver, _ = c.(WebhookReceiver)
	a.Subscriber, _ = c.(Subscriber)
	a.Hints, _ = c.(HintWatcher)
	a.Files, _ = c.(FileStore)
	a.Host, _ = c.(Host)
	a.Events, _ = c.(EventSink)
	return a
}

// Names returns the abilities that are there, in the order of the struct, for the
// ability matrix.
func (a Abilities) Names() []string {
	var names []string
	for _, x := range []struct {
		name string
		has  bool
	}{
		{"read", a.Source != nil}, {"read by id", a.Reader != nil}, {"find", a.Finder != nil},
		{"write", a.Writer != nil}, {"partitions", a.Partitioner != nil}, {"add fields", a.AddField != nil},
		{"answer later", a.Settler != nil}, {"merge", a.Merger != nil}, {"erase", a.Eraser != nil},
		{"webhooks", a.Receiver != nil}, {"subscribe", a.Subscriber != nil}, {"hint feed", a.Hints != nil},
		{"files", a.Files != nil},
		{"visits", a.Host != nil},
		{"events", a.Events != nil},
	} {
		if x.has {
			names = append(names, x.name)
		}
	}
	return names
}
