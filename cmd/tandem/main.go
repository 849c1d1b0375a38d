// Command tandem keeps CRMs, ERPs and the like in step. This build has every system
// that Tandem ships; a build with others calls tandem.Main with its own list.
package main

import (
	"github.com/tandemhub/tandem"
	"github.com/tandemhub/tandem/systems"
)

func main() { tandem.Main(systems.All()...) }
