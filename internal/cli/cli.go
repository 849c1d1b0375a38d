// Package cli is the command line: it builds the parts, runs them, tells people and
// programs what came of it, and ends the process with one of four exit codes.
//
// A command is a struct with a Run method and one field of [grammar]; nothing else has to
// know it. Run gets the context, which ends at the first interrupt, and the [app].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // small machines and containers often have no zones of their own

	"github.com/alecthomas/kong"
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/examples"
	"github.com/tandemhub/tandem/internal/plan"
)

// The exit codes. Scripts rely on them.
const (
	exitOK     = 0 // all is well
	exitFailed = 1 // at least one sync, or the command itself, failed
	exitUsage  = 2 // usage or configuration; nothing was written to any vendor
	exitReview = 3 // done, and something waits for a person, a guard or a time
)

// Streams are what a command reads from and writes to.
type Streams struct {
	In  io.Reader
	Out io.Writer // what was asked for; with -o json nothing but JSON Lines
	Err io.Writer // progress, warnings, errors
	Env func(name string) (string, bool)

	// Whoever runs commands in a process of his own plugs in what answers in place of the
	// network: what carries the requests of a connection, and where serve listens; nil =
	// the network.
	Transport func(plan.Connection) http.RoundTripper
	Listen    func(ctx context.Context, address string) (net.Listener, error)
}

// grammar is the command line. A command is one field.
type grammar struct {
	Config string `short:"c" placeholder:"FILE" default:"tandem.yaml" help:"The configuration file. Default: tandem.yaml."`
	Output string `short:"o" placeholder:"text|json" enum:"text,json" default:"text" help:"Text for people, or JSON Lines on standard output."`
	Quiet  bool   `short:"q" help:"No progress and no warnings."`

	Demo        demoCmd        `cmd:"" help:"Show the main job on two simulated systems; needs nothing and changes nothing of yours."`
	Init        initCmd        `cmd:"" help:"Write a first configuration for two systems."`
	Check       checkCmd       `cmd:"" help:"Call every connection and say what it is, what it can do and what is missing."`
	Fields      fieldsCmd      `cmd:"" help:"List the objects of a connection, or the fields of an object."`
	Plan        planCmd        `cmd:"" help:"Say what a sync would create, change, delete and ask. Writes to no vendor."`
	Sync        syncCmd        `cmd:"" help:"Run syncs now, until all is settled."`
	Serve       serveCmd       `cmd:"" help:"Run syncs by their schedules, until stopped."`
	Status      statusCmd      `cmd:"" help:"Say how every sync and connection stands."`
	History     historyCmd     `cmd:"" help:"Say what happened to a record, or to all of them."`
	Why         whyCmd         `cmd:"" help:"Say where a record's values come from, or why it does not sync. Calls nobody."`
	Verify      verifyCmd      `cmd:"" help:"Compare every linked record with what both systems hold now. Writes to no vendor."`
	Revert      revertCmd      `cmd:"" help:"Take back a change, a record's changes, a run, or everything since a time."`
	Person      personCmd      `cmd:"" help:"Give a person all that is known of them, or erase them in every system."`
	Report      reportCmd      `cmd:"" help:"Reports from what is known here. Calls nobody."`
	Review      reviewCmd      `cmd:"" help:"See and decide what waits for a person."`
	Backup      backupCmd      `cmd:"" help:"Write a consistent copy of the database, with the configuration, while everything goes on."`
	Restore     restoreCmd     `cmd:"" help:"Put a backup in the database's place."`
	Compact     compactCmd     `cmd:"" help:"Write the database anew, as small as it can be. Nothing else may use it meanwhile."`
	Connections connectionsCmd `cmd:"" help:"List the connections of the configuration, authorize them, or have a vendor call no more."`
	User        userCmd        `cmd:"" help:"People who may use the console, and their passwords."`
	Secret      secretCmd      `cmd:"" help:"Keep secrets in the database, sealed, and change their key."`
	Document    configCmd      `cmd:"" name:"config" help:"Keep the configuration in the database, with its versions, or in its file."`
	Twin        twinCmd        `cmd:"" help:"Serve a simulated system on this machine, to try things out."`
	Schema      schemaCmd      `cmd:"" help:"Print the JSON Schema of the configuration, for editors."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// Main runs the command line of this process and ends it. The first interrupt or
// SIGTERM ends what is under way in good order, the second at once.
func Main(systems []connector.System) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a signal has its usual effect
	code := Run(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}, systems)
	stop()
	os.Exit(code)
}

// Run runs one command of a build that knows those systems and returns its exit code.
func Run(ctx context.Context, args []string, s Streams, systems []connector.System) int {
	var g grammar
	ended := -1 // set when kong has answered by itself: --help
	parser, err := kong.New(&g,
		kong.Name("tandem"),
		kong.Description("Tandem keeps CRMs, ERPs and the like in step."),
		kong.Writers(s.Out, s.Err),
		kong.Vars{"recipes": strings.Join(examples.Names(), ", ")},
		kong.Exit(func(code int) { ended = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
	if err != nil {
		fmt.Fprintf(s.Err, "tandem: build the command line: %v\n", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	cmd, err := parser.Parse(args)
	if ended >= 0 {
		return ended
	}
	if err != nil {
		fmt.Fprintf(s.Err, "tandem: %v; %s tells how it is used\n", err, helpFor(err))
		return exitUsage
	}
	a := &app{Streams: s, systems: systems, config: g.Config, json: g.Output == "json", quiet: g.Quiet}
	cmd.BindTo(ctx, (*context.Context)(nil))
	end, err := a.trace(ctx)
	if err == nil {
		err = cmd.Run(a)
		end()
	}
	a.complain(err)
	return exitCode(err)
}

// helpFor returns the command whose help fits a command line that is not understood.
func helpFor(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		if node := wrong.Context.Selected(); node != nil {
			return node.FullPath() + " --help"
		}
	}
	return "tandem --help"
}

// complain tells a person about an error. Most end with what can be done.
func (a *app) complain(err error) {
	if problems, is := errors.AsType[plan.Problems](err); is {
		err = unfit(problems)
	}
	if err == nil || err.Error() == "" {
		return
	}
	fmt.Fprintf(a.Err, "tandem: %s\n", strings.TrimPrefix(printable(err.Error()), "tandem: "))
}
