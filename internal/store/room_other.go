//go:build !linux

package store

import (
	"errors"
	"os"
	"syscall"
)

// diskFull is what Windows says of a full disk, ERROR_DISK_FULL:
// https://learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-
const diskFull = syscall.Errno(112)

// outOfRoom reports whether an error says that the disk, or what we may use of it, is full.
func outOfRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, diskFull)
}

// allocate gives a file room on the disk without writing it, where the system can.
func allocate(*os.File, int64) error { return errors.ErrUnsupported }

// freeBytes is how much room there is where a file lies, and whether that is known.
func freeBytes(string) (int64, bool) { return 0, false }
