package cli

import (
	"errors"
	"fmt"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
)

// An exitError ends the command with a code of its own. Without an error inside, all
// that is to be said has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit ends the command with a code and without a further word.
func exit(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// usage is an error in how the command was called or in the configuration.
func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// exitCode returns the code that an error ends the process with.
func exitCode(err error) int {
	var own *exitError
	var problems plan.Problems
	var noSync *engine.NoSyncError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &problems), errors.As(err, &noSync):
		return exitUsage
	default:
		return exitFailed
	}
}
