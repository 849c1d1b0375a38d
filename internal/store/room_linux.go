package store

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// outOfRoom reports whether an error says that the disk, or what we may use of it, is full.
func outOfRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// allocate gives a file room on the disk without writing it.
func allocate(f *os.File, bytes int64) error {
	return syscall.Fallocate(int(f.Fd()), 0, 0, bytes)
}

// freeBytes is how much room there is where a file lies, and whether that is known.
func freeBytes(file string) (int64, bool) {
	var fs syscall.Statfs_t
	if file == "" || syscall.Statfs(filepath.Dir(file), &fs) != nil {
		return 0, false
	}
	block := int64(fs.Bsize) //nolint:unconvert // it has 32 bits on some machines
	if fs.Bavail > math.MaxInt64/uint64(max(1, block)) {
		return math.MaxInt64, true
	}
	return int64(fs.Bavail) * block, true
}
