// Package tandem is all that a build of Tandem needs. A program that knows further
// systems is this and nothing else:
//
//	func main() { tandem.Main(append(systems.All(), acme.System())...) }
//
// How to write a system is told by package connector and by CONTRIBUTING.md.
package tandem

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/cli"
)

// A System is one kind of software that a build can talk to.
type System = connector.System

// Main runs the command line of a build that knows those systems, and ends the process
// with the exit code of the command.
func Main(systems ...System) { cli.Main(systems) }
